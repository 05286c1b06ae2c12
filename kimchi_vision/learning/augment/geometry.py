"""Random parameters of an epoch; all movements of a photo as one homography, and all light as one table.

Positions are fastai's: -1..1 across the presized photo, corners on pixel centres with `align_corners`, on
pixel borders without. Matrices have shape (n, 3, 3), act on columns (x, y, 1), and lead from the picture
that the model sees back to the photo.
"""

from __future__ import annotations

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
    random, side = np.random.default_rng(seed), section.resize
    part = random.random((count, 2))
    batches, single = np.arange(count) // batch_size, np.arange(count)
    rows = batches if section.batch else single
    groups, light = len(np.unique(rows)), section.max_lighting * section.mult

    def some(values: np.ndarray | int, neutral: float, p: float) -> np.ndarray:
        """A drawn value with probability p, the neutral one otherwise."""
        return np.where(random.random(groups) < p, values, neutral)

    def around(largest: float) -> np.ndarray:
        return random.uniform(-largest, largest, groups)

    flips = np.zeros(groups, int)
    if section.do_flip:
        flips = some(random.integers(0, 8, groups) if section.flip_vert else 1, 0, 0.5)
    drawn = [
        flips,
        some(around(section.max_rotate * section.mult), 0, section.p_affine),
        some(random.uniform(section.min_zoom, section.max_zoom, groups), 1, section.p_affine),
        random.random((groups, 2)),
        np.stack([some(around(section.max_warp * section.mult), 0, section.p_affine) for _ in "xy"], axis=1),
        some(random.uniform(0.5 * (1 - light), 0.5 * (1 + light), groups), 0.5, section.p_lighting),
        some(np.exp(around(np.log(1 / (1 - light)))), 1, section.p_lighting),
    ]
    cropped = batches if section.crop_batch else rows
    areas = random.uniform(section.min_scale, 1, len(np.unique(cropped))) * side**2
    sides = np.round(np.sqrt(areas)).astype(int)
    crop = np.column_stack([random.integers(0, side - sides[:, None] + 1, (len(sides), 2)), sides])
    return Draws(part, *(array[rows] for array in drawn), crop[cropped])


def homographies(draws: Draws, section: Augment) -> np.ndarray:
    """(n, 3, 3): from pixels of the final picture to pixels of the presized one.

    Source: fastai.vision.augment, AffineCoordTfm (flip, rotation, zoom, then perspective), then
    RandomResizedCropGPU.
    """
    cos, sin = np.cos(np.radians(draws.rotation)), np.sin(np.radians(draws.rotation))
    flip = _affine(_SYMMETRIES[draws.symmetry], np.zeros((len(draws), 2)))
    turn = _affine(np.moveaxis([[cos, sin], [-sin, cos]], -1, 0), np.zeros((len(draws), 2)))
    zoom = _affine(_scaled(1 / draws.zoom), (1 - 1 / draws.zoom)[:, None] * (2 * draws.centre - 1))
    moved = _perspectives(draws.warp) @ flip @ turn @ zoom
    side, corners = section.resize, section.align_corners
    # Corner on corner, from pixels of the final picture into those of the crop.
    crop = _affine(_scaled((draws.crop[:, 2] - 1) / (section.size - 1)), draws.crop[:, :2])
    screen = _from_pixels(side, corners) @ crop
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


def _affine(linear: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """(n, 3, 3) of a linear part (n, 2, 2) and a shift (n, 2)."""
    matrices = np.tile(np.eye(3), (len(shift), 1, 1))
    matrices[:, :2, :2], matrices[:, :2, 2] = linear, shift
    return matrices


def _scaled(factors: np.ndarray) -> np.ndarray:
    return factors[:, None, None] * np.eye(2)


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
