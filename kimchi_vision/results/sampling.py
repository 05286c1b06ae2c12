"""grid_sample over an unmoved grid, along one axis, as a few weighted neighbours of each place."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

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
