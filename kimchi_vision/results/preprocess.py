"""fastai's validation transforms without fastai: from a photo to what the network was trained on."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from PIL import Image

from kimchi_vision.data.decoding import PIXEL_LIMIT

CUBIC = -0.75
"""Coefficient of grid_sample's cubic kernel (torch, aten/native/UpSample.h)."""


@dataclass(frozen=True)
class Sampling:
    """How fastai samples a square of validation photos down.

    mode: bilinear, nearest or bicubic. pad_mode: reflection, border or zeros.
    Sources: torch.nn.functional.grid_sample; fastai.vision.augment._grid_sample, which averages areas
    first when a photo shrinks to less than half.
    """

    mode: str = "bilinear"
    pad_mode: str = "reflection"
    align_corners: bool = True

    def taps(self, length: int, size: int) -> tuple[np.ndarray, np.ndarray]:
        """From `length` places to `size`: what each is mixed of, and with which weights, (size, taps)."""
        matrix = self.matrix(length, size)
        first = (matrix != 0).argmax(axis=1)
        last = length - (matrix[:, ::-1] != 0).argmax(axis=1)
        places = first[:, None] + np.arange((last - first).max())
        inside = places < length
        places = np.minimum(places, length - 1)
        weights = np.where(inside, np.take_along_axis(matrix, places, axis=1), 0)
        return places, weights.astype(np.float32)

    def matrix(self, length: int, size: int) -> np.ndarray:
        """The same as weights of every place, (size, length), float64."""
        shrink = length / size / 2
        span = 1 if self.align_corners else size / (size - 1)
        if self.mode != "bilinear" or shrink <= max(1, span):
            return self._sample(length, size)
        area = _area(length, math.floor(length * (1 / shrink)))
        return self._sample(len(area), size) @ area

    def _sample(self, length: int, size: int) -> np.ndarray:
        steps = np.arange(size)
        if self.align_corners:
            position = steps * (length - 1) / (size - 1)
        else:
            position = (steps + 0.5) * length / size - 0.5
        matrix = np.zeros((size, length))
        for place, weight in _neighbours(position, self.mode):
            outside = (place < 0) | (place >= length)
            kept = np.where(outside & (self.pad_mode == "zeros"), 0, weight)
            np.add.at(matrix, (steps, self._inside(place, length)), kept)
        return matrix

    def _inside(self, place: np.ndarray, length: int) -> np.ndarray:
        if self.pad_mode == "reflection":
            # Around the centre of the outermost pixel, or around its outer edge.
            edge = 0 if self.align_corners else 1
            place = np.where(place < 0, -place - edge, place)
            place = np.where(place >= length, 2 * (length - 1) - place + edge, place)
        return np.clip(place, 0, length - 1)


def _neighbours(position: np.ndarray, mode: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The places that a position is mixed of, with weights."""
    if mode == "nearest":
        yield np.rint(position).astype(int), np.ones(len(position))
        return
    floor = np.floor(position)
    for offset in (0, 1) if mode == "bilinear" else (-1, 0, 1, 2):
        place = floor + offset
        distance = np.abs(position - place)
        yield place.astype(int), 1 - distance if mode == "bilinear" else _cubic(distance)


def _cubic(x: np.ndarray) -> np.ndarray:
    near = ((CUBIC + 2) * x - (CUBIC + 3)) * x * x + 1
    far = ((x - 5) * x + 8) * x * CUBIC - 4 * CUBIC
    return np.where(x <= 1, near, far)


def _area(length: int, size: int) -> np.ndarray:
    """torch.nn.functional.interpolate with mode="area", along one axis."""
    matrix = np.zeros((size, length))
    for place in range(size):
        start, stop = place * length // size, -(-(place + 1) * length // size)
        matrix[place, start:stop] = 1 / (stop - start)
    return matrix


LARGEST_GAP = 2e-4
"""How far a normalised value may lie from fastai's, whose float32 grid is rounded otherwise."""


@dataclass(frozen=True)
class Preprocess:
    """The steps of a validation batch: crop, squish or pad; resize; sample; normalise.

    resize, size: sides of the square after Pillow's resize and after sampling, pixels.
    resize_method: crop, squish or pad, as fastai's ResizeMethod; padding reflects.
    mean, std: of the red, green and blue values, 0 to 1.
    Source: fastai.vision.augment.Resize.
    """

    resize: int
    size: int
    resize_method: str = "crop"
    sampling: Sampling = field(default_factory=Sampling)
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)

    def __call__(self, photo: Image.Image) -> np.ndarray:
        """An upright RGB photo as float32 (3, size, size), within LARGEST_GAP of fastai's."""
        # Plane by plane: mixing rows of interleaved colours takes twice as long.
        planes = [np.asarray(plane) for plane in self.square(photo).split()]
        rows = self._sampled(np.concatenate(planes, axis=1).astype(np.float32))
        columns = self._sampled(np.ascontiguousarray(rows.reshape(-1, self.resize).T))
        values = np.ascontiguousarray(columns.T).reshape(self.size, 3, self.size)
        mean, std = (np.array(each)[:, None] for each in (self.mean, self.std))
        scale, shift = (1 / (255 * std)).astype(np.float32), (mean / std).astype(np.float32)
        return np.ascontiguousarray((values * scale - shift).transpose(1, 0, 2))

    @property
    def is_normalized(self) -> bool:
        """Whether values leave the range from 0 to 1."""
        return (self.mean, self.std) != ((0.0,) * 3, (1.0,) * 3)

    def square(self, photo: Image.Image) -> Image.Image:
        """The centre, or all, of a photo, resized by Pillow: to the pixel what fastai's Resize gives."""
        width, height = photo.size
        if self.resize_method != "squish":
            left, top, right, bottom = self.window(photo.size)
            side = right - left
            if side * side > PIXEL_LIMIT:
                raise ValueError(f"the photo has {side} x {side} pixels when it is padded to a square")
            shown = (max(left, 0), max(top, 0), min(right, width), min(bottom, height))
            if shown != (0, 0, width, height):  # a copy of a large photo takes hundreds of megabytes
                photo = photo.crop(shown)
            photo = _reflected(photo, max(-left, 0), max(-top, 0), side)
        return photo.resize((self.resize, self.resize), Image.Resampling.BILINEAR)

    def window(self, size: tuple[int, int]) -> tuple[int, int, int, int]:
        """Left, top, right, bottom, in pixels of a photo of that (width, height), of what the square shows.

        With `pad` it reaches beyond the photo.
        """
        width, height = size
        if self.resize_method == "squish":
            return 0, 0, width, height
        side = int((max(size) if self.resize_method == "pad" else min(size)) / self.resize * self.resize)
        left, top = int(0.5 * (width - side)), int(0.5 * (height - side))
        return left, top, left + side, top + side

    def _sampled(self, values: np.ndarray) -> np.ndarray:
        """Sample the first axis: (resize, n) to (size, n), float32."""
        places, weights = self._taps
        return np.einsum("st,stn->sn", weights, values[places])

    @cached_property
    def _taps(self) -> tuple[np.ndarray, np.ndarray]:
        return self.sampling.taps(self.resize, self.size)


def _reflected(photo: Image.Image, left: int, top: int, side: int) -> Image.Image:
    """A square with mirrored borders, the photo `left` and `top` pixels from its corner."""
    if photo.size == (side, side):
        return photo
    right, bottom = side - left - photo.width, side - top - photo.height
    return Image.fromarray(np.pad(np.asarray(photo), ((top, bottom), (left, right), (0, 0)), "reflect"))
