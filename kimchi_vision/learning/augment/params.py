"""Random parameters of an epoch, from the distributions of fastai's aug_transforms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np

from kimchi_vision.config.sections import Augment


@dataclass(frozen=True)
class Draws:
    """One row a photo, in the order in which an epoch shows them.

    part: (n, 2) which part Resize keeps, 0..1 across and down.
    symmetry: (n,) 0..7, fastai's numbers of the flips and quarter turns; 0 leaves the photo as it is.
    rotation: (n,) degrees. zoom: (n,) factor. centre: (n, 2) of the zoom, 0..1.
    warp: (n, 2) perspective, across and down.
    brightness: (n,) 0.5 is unchanged. contrast: (n,) 1 is unchanged.
    crop: (n, 3) left, top, side, pixels of the presized photo.
    """

    part: np.ndarray
    symmetry: np.ndarray
    rotation: np.ndarray
    zoom: np.ndarray
    centre: np.ndarray
    warp: np.ndarray
    brightness: np.ndarray
    contrast: np.ndarray
    crop: np.ndarray

    def __len__(self) -> int:
        """Photos."""
        return len(self.symmetry)

    def __getitem__(self, rows: slice) -> Draws:
        """Some of the rows."""
        return Draws(*(getattr(self, field.name)[rows] for field in fields(self)))


def draw(section: Augment, count: int, batch_size: int, seed: int) -> Draws:
    """Parameters of `count` photos.

    Photos of a batch share their crop with `crop_batch`, everything but their part with `batch`.

    Source: fastai.vision.augment, aug_transforms and the transforms that it builds.
    """
    random = np.random.default_rng(seed)
    part = random.random((count, 2))
    batches, single = np.arange(count) // batch_size, np.arange(count)
    rows = batches if section.batch else single
    groups = len(np.unique(rows))
    values = _Values(section, random, groups)
    cropped = batches if section.crop_batch else rows
    drawn = [
        values.symmetry(),
        values.uniform(section.max_rotate * section.mult, neutral=0),
        values.masked(lambda n: random.uniform(section.min_zoom, section.max_zoom, n), 1, section.p_affine),
        random.random((groups, 2)),
        np.stack([values.uniform(section.max_warp * section.mult, neutral=0) for _ in "xy"], axis=1),
        values.brightness(),
        values.contrast(),
    ]
    crop = _Values(section, random, len(np.unique(cropped))).crop()
    return Draws(part, *(array[rows] for array in drawn), crop[cropped])


@dataclass(frozen=True)
class _Values:
    section: Augment
    random: np.random.Generator
    count: int

    def masked(self, draw: Callable[[int], np.ndarray], neutral: float, p: float) -> np.ndarray:
        """A drawn value with probability p, the neutral one otherwise."""
        values = draw(self.count)
        return np.where(self.random.random(self.count) < p, values, neutral)

    def uniform(self, largest: float, neutral: float) -> np.ndarray:
        return self.masked(
            lambda n: self.random.uniform(-largest, largest, n), neutral, self.section.p_affine
        )

    def symmetry(self) -> np.ndarray:
        if not self.section.do_flip:
            return np.zeros(self.count, dtype=int)
        kinds = (lambda n: self.random.integers(0, 8, n)) if self.section.flip_vert else np.ones
        return self.masked(kinds, 0, 0.5).astype(int)

    def brightness(self) -> np.ndarray:
        largest = self.section.max_lighting * self.section.mult
        low, high = 0.5 * (1 - largest), 0.5 * (1 + largest)
        return self.masked(lambda n: self.random.uniform(low, high, n), 0.5, self.section.p_lighting)

    def contrast(self) -> np.ndarray:
        largest = np.log(1 / (1 - self.section.max_lighting * self.section.mult))
        return self.masked(
            lambda n: np.exp(self.random.uniform(-largest, largest, n)), 1, self.section.p_lighting
        )

    def crop(self) -> np.ndarray:
        """A square of min_scale to 1 of the area, anywhere."""
        side = self.section.resize
        area = self.random.uniform(self.section.min_scale, 1, self.count) * side**2
        sides = np.round(np.sqrt(area)).astype(int)
        corners = self.random.integers(0, side - sides[:, None] + 1, (self.count, 2))
        return np.column_stack([corners, sides])
