"""All movements of a photo as one homography, and all light as one table.

Positions are fastai's: -1..1 across the presized photo, corners on pixel centres with `align_corners`, on
pixel borders without. Matrices have shape (n, 3, 3), act on columns (x, y, 1), and lead from the picture
that the model sees back to the photo.
"""

import numpy as np

from kimchi_vision.config.sections import Augment
from kimchi_vision.learning.augment.params import Draws

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
