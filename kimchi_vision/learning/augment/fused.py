"""Training photos, small once, then in one warp and one table: OpenCV on a processor, torch on a GPU."""

import math
from collections.abc import Sequence

import cv2
import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from kimchi_vision.config.sections import Augment
from kimchi_vision.learning.augment import geometry
from kimchi_vision.learning.augment.geometry import Draws, draw
from kimchi_vision.learning.device import room, sent

AVERAGED_FROM = 1.05
"""From this many pixels for two of the final picture's, a photo is averaged down, as fastai does above 1."""
PAIRS = 0.25
"""Variance of a mean of two neighbouring pixels."""


class Presize:
    """fastai's Resize for training photos, in two steps: the size now, the random part in each epoch.

    side: pixels of the square that the random part keeps.
    halved_from: fastai averages pairs of pixels of crops that are larger than this.
    key: text that changes whenever the pixels would.
    """

    def __init__(self, section: Augment) -> None:
        self.resize, self.method = section.resize, section.resize_method
        # Pixels of the presized photo, along a side, that become two of the final picture, on average.
        factor = section.resize * ((1 + section.min_scale) / 2) ** 0.5 / section.size / 2
        averaged = factor >= AVERAGED_FROM and section.mode == "bilinear"
        self.side = round(section.resize / factor) if averaged else section.resize
        self.blur = _blur(section, averaged)
        whole = averaged or section.min_scale == 1 or section.mode != "bilinear"
        self.halved_from = math.inf if whole else 2 * section.size
        self.key = f"3 {self.method} {self.resize} {self.side} {self.blur:.4f}"

    def shape(self, width: int, height: int) -> tuple[int, int]:
        """Height and width in pixels of what a photo of this size becomes."""
        return self._shape(width, height, self.side)

    def __call__(self, photo: Image.Image) -> np.ndarray:
        """(height, width, 3) uint8: the whole photo, its short side (long one with `pad`) `side` long."""
        height, width = self._shape(*photo.size, self.resize)
        cv2.setNumThreads(1)  # the loader's threads share the photos out
        small = _resized(photo, (width, height))
        if self.blur:
            small = cv2.sepFilter2D(small, -1, taps(self.blur), taps(self.blur))
        if self.side < self.resize:
            height, width = self.shape(*photo.size)
            small = cv2.resize(small, (width, height), interpolation=cv2.INTER_AREA)
        return small

    def window(self, photo: np.ndarray, part: np.ndarray) -> np.ndarray:
        """The square that `part`, 0..1 across and down, chooses; with `pad`, filled up by reflection."""
        height, width = photo.shape[:2]
        left, top = int(part[0] * (width - self.side)), int(part[1] * (height - self.side))
        if self.method != "pad":
            return photo[top : top + self.side, left : left + self.side]
        around = ((-top, self.side - height + top), (-left, self.side - width + left), (0, 0))
        return np.pad(photo, around, mode="reflect" if min(height, width) > 1 else "edge")

    def _shape(self, width: int, height: int, side: int) -> tuple[int, int]:
        if self.method == "squish":
            return side, side
        scale = side / (max(width, height) if self.method == "pad" else min(width, height))
        return max(1, round(height * scale)), max(1, round(width * scale))


def _resized(photo: Image.Image, size: tuple[int, int]) -> np.ndarray:
    """What Pillow's bilinear filter gives, which averages where it shrinks; OpenCV enlarges sooner."""
    if photo.width <= size[0] and photo.height <= size[1]:
        return cv2.resize(np.asarray(photo), size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(photo.resize(size, Image.Resampling.BILINEAR))


def _blur(section: Augment, averaged: bool) -> float:
    """Variance, in square pixels, of what fastai's further interpolations blur and one warp does not.

    Linear interpolation at t between two pixels has variance t (1 - t), 1/6 on average: with a crop, fastai
    interpolates once more when anything moves. Where more than two pixels become one it averages pairs
    first: without a crop always or never; what it does to the largest crops is left to the crop.
    """
    if section.mode != "bilinear" or averaged:
        return 0.0
    if section.min_scale == 1:
        return PAIRS if 2 * section.size < section.resize else 0.0
    zooms = section.min_zoom < 1 or section.max_zoom > 1
    kinds = 2 * bool(section.max_warp) + bool(section.max_rotate) + zooms
    return (1 - (1 - section.p_affine) ** kinds) / 6


def taps(variance: float) -> np.ndarray:
    """Three weights with this variance, in square pixels: a blur along one axis."""
    return np.array((variance / 2, 1 - variance, variance / 2))


class Fused:
    """What aug_transforms does to presized photos, with one interpolation instead of two or three.

    presize: makes the uint8 photo that the others start from.
    """

    def __init__(self, section: Augment, stats: Sequence[Sequence[float]] | None) -> None:
        self.section = section
        self.presize = Presize(section)
        self.mean, self.std = (np.array(part) for part in stats or ((0.0,) * 3, (1.0,) * 3))

    def draw(self, count: int, batch_size: int, seed: int) -> Draws:
        """Random parameters of `count` photos."""
        return draw(self.section, count, batch_size, seed)

    def empty(self, count: int) -> np.ndarray:
        """Room for so many final pictures: (n, size, size, 3) float32."""
        return np.empty((count, self.section.size, self.section.size, 3), np.float32)

    def __call__(self, photos: Sequence[np.ndarray], draws: Draws, pictures: np.ndarray) -> None:
        """Fill `pictures`, made by `empty`, from presized photos, (height, width, 3) uint8."""
        cv2.setNumThreads(1)  # the loader's threads share the photos out
        modes = {"bilinear": cv2.INTER_LINEAR, "nearest": cv2.INTER_NEAREST, "bicubic": cv2.INTER_CUBIC}
        reflection = cv2.BORDER_REFLECT_101 if self.section.align_corners else cv2.BORDER_REFLECT
        borders = {"reflection": reflection, "border": cv2.BORDER_REPLICATE, "zeros": cv2.BORDER_CONSTANT}
        size = (self.section.size,) * 2
        options = {
            "flags": modes[self.section.mode] | cv2.WARP_INVERSE_MAP,
            "borderMode": borders[self.section.pad_mode],
        }
        matrices, tables = self._matrices(draws), geometry.tables(draws, self.mean, self.std)
        halved, pairs = self.halved(draws), taps(PAIRS)
        for row, (photo, part) in enumerate(zip(photos, draws.part, strict=True)):
            # OpenCV warps a photo in one piece nearly twice as fast as a part of a larger one.
            window = np.ascontiguousarray(self.presize.window(photo, part))
            if halved[row]:
                window = cv2.sepFilter2D(window, -1, pairs, pairs)
            cv2.LUT(
                cv2.warpPerspective(window, matrices[row], size, **options), tables[row][None], pictures[row]
            )

    def room(self, count: int, device: torch.device | str) -> torch.Tensor:
        """Room for so many `windows`, (n, side, side, 3) uint8, from where a device takes them."""
        return room((count, self.presize.side, self.presize.side, 3), device)

    def windows(self, photos: Sequence[np.ndarray], draws: Draws, windows: np.ndarray) -> None:
        """Fill `windows`, made by `room`, with the square part of each photo that its draw keeps."""
        for row, (photo, part) in enumerate(zip(photos, draws.part, strict=True)):
            windows[row] = self.presize.window(photo, part)

    def on_device(self, windows: torch.Tensor, draws: Draws, device: torch.device | str) -> torch.Tensor:
        """The same with torch, from `windows` to (n, 3, size, size) float32, channels last."""
        matrices, halved = self._matrices(draws), self.halved(draws)
        photos = _warped(windows, matrices, halved, self.section, device)
        return _lit(photos, draws, self.mean, self.std)

    def halved(self, draws: Draws) -> np.ndarray:
        """(n,) whether fastai would average pairs of a photo's pixels first, which one warp does not."""
        return draws.crop[:, 2] > self.presize.halved_from

    def _matrices(self, draws: Draws) -> np.ndarray:
        matrices = geometry.homographies(draws, self.section)
        return geometry.shrunken(matrices, self.section.resize, self.presize.side)


def _warped(
    windows: Tensor, matrices: np.ndarray, halved: np.ndarray, section: Augment, device: torch.device | str
) -> Tensor:
    """(n, side, side, 3) uint8 photos, moved: (n, 3, size, size) float32, 0 to 1, on the device.

    matrices: (n, 3, 3), from pixels of the result to pixels of the photo.
    halved: (n,) whether pairs of a photo's pixels are averaged first.
    """
    photos = sent(windows, device).permute(0, 3, 1, 2).float().div_(255)
    if halved.any():
        photos = torch.where(_column(halved, device), _pairs(photos), photos)
    grid = _grid(sent(torch.from_numpy(matrices).float(), device), section.size)
    side = windows.shape[1]
    grid = 2 * grid / (side - 1) - 1 if section.align_corners else (2 * grid + 1) / side - 1
    moved = F.grid_sample(
        photos, grid, section.mode, padding_mode=section.pad_mode, align_corners=section.align_corners
    )
    return moved.clamp_(0, 1)


def _lit(photos: Tensor, draws: Draws, mean: np.ndarray, std: np.ndarray) -> Tensor:
    """Brightness and contrast on the logit, then normalised, channels last.

    Source: fastai.vision.augment, Brightness and Contrast.
    """
    light = (draws.brightness, draws.contrast)
    brightness, contrast = (_column(value.astype(np.float32), photos.device) for value in light)
    changed = ((photos.logit(1e-7) + brightness.logit()) * contrast).sigmoid()
    stats = (torch.as_tensor(each, dtype=torch.float32) for each in (mean, std))
    mean, std = (sent(each, photos.device)[:, None, None] for each in stats)
    return changed.sub_(mean).div_(std).contiguous(memory_format=torch.channels_last)


def _grid(matrices: Tensor, size: int) -> Tensor:
    """(n, size, size, 2): where in the photo each pixel of the result lies."""
    line = torch.arange(size, dtype=torch.float32, device=matrices.device)
    down, across = torch.meshgrid(line, line, indexing="ij")
    places = torch.stack([across, down, torch.ones_like(across)], dim=-1).view(1, -1, 3)
    found = places @ matrices.transpose(1, 2)
    return (found[..., :2] / found[..., 2:]).view(-1, size, size, 2)


def _pairs(photos: Tensor) -> Tensor:
    """Neighbouring pixels averaged, along both axes."""
    weights = sent(torch.from_numpy(np.outer(taps(PAIRS), taps(PAIRS))).float(), photos.device)
    padded = F.pad(photos, (1, 1, 1, 1), mode="reflect")
    return F.conv2d(padded, weights.expand(photos.shape[1], 1, 3, 3), groups=photos.shape[1])


def _column(values: np.ndarray, device: torch.device | str) -> Tensor:
    """(n, 1, 1, 1)."""
    return sent(torch.as_tensor(values), device)[:, None, None, None]
