"""Random parameters of an epoch; all movements of a photo as one homography, and all light as one table.

Positions are fastai's: -1..1 across the presized photo, corners on pixel centres with `align_corners`, on
pixel borders without. Matrices have shape (n, 3, 3), act on columns (x, y, 1), and lead from the picture
that the model sees back to the photo.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np

from kimchi_vision.config.sections import Augment

# fastai's dihedral_mat: x' = a x + b y, y' = c x + d y.
_SYMMETRIES = np.array(
    [
        [[1, 0], [0, 1]],
        [[-1, 0], [0, 1]],
        [[1, 0], [0, -1]],
        [[0, -1], [1, 0]],
        [[-1, 0], [0, -1]],
        [[0, 1], [-1, 0]],
        [[0, 1], [1, 0]],
        [[0, -1], [-1, 0]],
    ]
)


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
        values.uniform(section.max_rotate * section.mult),
        values.masked(lambda n: random.uniform(section.min_zoom, section.max_zoom, n), 1, section.p_affine),
        random.random((groups, 2)),
        np.stack([values.uniform(section.max_warp * section.mult) for _ in "xy"], axis=1),
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

    def uniform(self, largest: float) -> np.ndarray:
        return self.masked(lambda n: self.random.uniform(-largest, largest, n), 0, self.section.p_affine)

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


def homographies(draws: Draws, section: Augment) -> np.ndarray:
    """(n, 3, 3): from pixels of the final picture to pixels of the presized one.

    Source: fastai.vision.augment, AffineCoordTfm (flip, rotation, zoom, then perspective), then
    RandomResizedCropGPU.
    """
    moved = _perspectives(draws.warp) @ _symmetries(draws) @ _rotations(draws) @ _zooms(draws)
    side, corners = section.resize, section.align_corners
    screen = _from_pixels(side, corners) @ _crops(draws, section.size)
    if section.min_scale == 1:
        screen = _from_pixels(section.size, corners)[None]
    return np.linalg.inv(_from_pixels(side, corners)) @ moved @ screen


def shrunken(matrices: np.ndarray, side: int, smaller: int) -> np.ndarray:
    """The same homographies for photos whose `side` pixels were averaged into `smaller` ones."""
    if smaller == side:
        return matrices
    scale = smaller / side
    shift = (scale - 1) / 2
    return np.array([[scale, 0, shift], [0, scale, shift], [0, 0, 1]]) @ matrices


def tables(draws: Draws, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    """(n, 256, 3) float32: what the model sees of each level of each channel.

    Source: fastai.vision.augment, Brightness and Contrast, which act on the logit; then Normalize.
    """
    levels = np.clip(np.arange(256) / 255, 1e-7, 1 - 1e-7)
    logits = _logit(levels)[None] + _logit(draws.brightness)[:, None]
    light = 1 / (1 + np.exp(-logits * draws.contrast[:, None]))
    untouched = (draws.brightness == 0.5) & (draws.contrast == 1)
    light[untouched] = np.arange(256) / 255
    return ((light[:, :, None] - mean) / std).astype(np.float32)


def _logit(share: np.ndarray) -> np.ndarray:
    return np.log(share / (1 - share))


def _from_pixels(side: int, corners: bool) -> np.ndarray:
    scale, shift = (2 / (side - 1), -1) if corners else (2 / side, 1 / side - 1)
    return np.array([[scale, 0, shift], [0, scale, shift], [0, 0, 1]])


def _crops(draws: Draws, size: int) -> np.ndarray:
    """From pixels of the final picture into those of the crop, corner on corner."""
    matrices = _identities(len(draws))
    matrices[:, 0, 0] = matrices[:, 1, 1] = (draws.crop[:, 2] - 1) / (size - 1)
    matrices[:, :2, 2] = draws.crop[:, :2]
    return matrices


def _symmetries(draws: Draws) -> np.ndarray:
    matrices = _identities(len(draws))
    matrices[:, :2, :2] = _SYMMETRIES[draws.symmetry]
    return matrices


def _rotations(draws: Draws) -> np.ndarray:
    angles = np.radians(draws.rotation)
    matrices = _identities(len(draws))
    matrices[:, 0, 0] = matrices[:, 1, 1] = np.cos(angles)
    matrices[:, 0, 1], matrices[:, 1, 0] = np.sin(angles), -np.sin(angles)
    return matrices


def _zooms(draws: Draws) -> np.ndarray:
    matrices = _identities(len(draws))
    matrices[:, 0, 0] = matrices[:, 1, 1] = 1 / draws.zoom
    matrices[:, :2, 2] = (1 - 1 / draws.zoom)[:, None] * (2 * draws.centre - 1)
    return matrices


def _perspectives(warp: np.ndarray) -> np.ndarray:
    """Homographies that take four moved corners back to the corners of the photo."""
    across, down = warp[:, 0], warp[:, 1]
    corners = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]], dtype=float)
    signs = -corners.prod(axis=1)
    moved = corners + np.stack([signs * down[:, None], signs * across[:, None]], axis=-1)
    return _through_points(moved, corners)


def _through_points(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(n, 3, 3) that take (n, 4, 2) source points to (4, 2) target points."""
    count = len(source)
    equations = np.zeros((count, 8, 8))
    for point in range(4):
        row = np.column_stack([source[:, point], np.ones(count)])
        for axis in range(2):
            equations[:, 2 * point + axis, 3 * axis : 3 * axis + 3] = row
            equations[:, 2 * point + axis, 6:] = -target[point, axis] * source[:, point]
    solved = np.linalg.solve(equations, np.broadcast_to(target.reshape(8, 1), (count, 8, 1)))
    return np.concatenate([solved[:, :, 0], np.ones((count, 1))], axis=1).reshape(count, 3, 3)


def _identities(count: int) -> np.ndarray:
    return np.tile(np.eye(3), (count, 1, 1))
