"""Training photos in one warp and one table each."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch

from kimchi_vision.config.sections import Augment
from kimchi_vision.learning.augment import geometry, on_device
from kimchi_vision.learning.augment.params import Draws, draw
from kimchi_vision.learning.augment.presize import PAIRS, Presize, taps
from kimchi_vision.learning.device import room


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
        photos = on_device.warped(windows, matrices, halved, self.section, device)
        return on_device.lit(photos, draws, self.mean, self.std)

    def halved(self, draws: Draws) -> np.ndarray:
        """(n,) whether fastai would average pairs of a photo's pixels first, which one warp does not."""
        return draws.crop[:, 2] > self.presize.halved_from

    def _matrices(self, draws: Draws) -> np.ndarray:
        matrices = geometry.homographies(draws, self.section)
        return geometry.shrunken(matrices, self.section.resize, self.presize.side)
