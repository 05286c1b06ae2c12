"""The parts and turns of a photo that a copy may show: each a placement (2, 3), as data.alignment has it."""

from itertools import product

import numpy as np

SIDE = 32
"""Width and height of a thumbnail, pixels: what pHash looks at."""
Crop = tuple[float, float]
"""Of a row or column: the share that is kept, and where, 0 at the start and 1 at the end."""

_WHOLE: Crop = (1, 0)
_SLIGHT: list[Crop] = [_WHOLE, *product((0.95, 0.9), (0, 0.5, 1))]
_SQUARE = {0.85: 4, 0.8: 5, 0.75: 5}
"""Share of both sides, and at how many places along each."""
_BORDERED = (0.93, 0.87, 0.81, 0.75)
_BARRED = (0.93, 0.87, 0.81, 0.75, 0.68, 0.62, 0.56, 0.5, 0.43, 0.37, 0.33)
"""Shares about the middle: of photos with a border all around, and with bars on two sides."""


def _crops() -> list[tuple[Crop, Crop]]:
    slight = list(product(_SLIGHT, repeat=2))
    square = [
        ((share, down), (share, right))
        for share, places in _SQUARE.items()
        for down, right in product(np.linspace(0, 1, places).tolist(), repeat=2)
    ]
    bars = [pair for share, whole in product(_BARRED, (1, 0.93)) for pair in ((share, whole), (whole, share))]
    framed = [
        tuple(_WHOLE if share == 1 else (share, 0.5) for share in pair)
        for pair in (*product(_BORDERED, repeat=2), *bars)
    ]
    return list(dict.fromkeys([*slight, *square, *framed]))


def _turned(degrees: float, share: float) -> np.ndarray:
    turn = np.deg2rad(degrees)
    matrix = share * np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    middle = np.array([0.5, 0.5])
    return np.column_stack([matrix, middle - matrix @ middle])


CROPS = _crops()
"""Rows and columns of the upright windows; the first is the whole photo."""
_SIGNS = [(1, -1), (-1, 1), (-1, -1)]
FLIPS = [*((False, *signs) for signs in _SIGNS), *((True, *signs) for signs in [(1, 1), *_SIGNS])]
"""Mirrored and turned by quarters: whether rows become columns, and the direction of each."""
TILTS = [
    *(
        _turned(degrees, share)
        for degrees in (-5, -3, 3, 5)
        for share in (1, 1.06 + 0.01 * (abs(degrees) - 3))
    ),
    *(_turned(degrees, 0.91 - 0.025 * (abs(degrees) - 3)) for degrees in (-5, -3, 3, 5)),
]
"""Turned a little: cut to the old size, made larger to hold all, and cut to what is left of the photo."""


def _placement(rows: Crop, columns: Crop) -> np.ndarray:
    (high, down), (wide, right) = rows, columns
    return np.array([[high, 0, (1 - high) * down], [0, wide, (1 - wide) * right]])


def _flip(turned: bool, down: int, right: int) -> np.ndarray:
    axes = np.array([[0.0, down], [right, 0.0]]) if turned else np.array([[down, 0.0], [0.0, right]])
    return np.column_stack([axes, [down < 0, right < 0]])


PLACES = np.stack([*(_placement(*crop) for crop in CROPS), *(_flip(*flip) for flip in FLIPS), *TILTS])
"""Every window: those of CROPS, FLIPS and TILTS."""


def sampled(thumbnails: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Each thumbnail's part at its placement, (photos, SIDE, SIDE) float32; black outside the photo."""
    middles = (np.arange(SIDE) + 0.5) / SIDE
    y, x = np.meshgrid(middles, middles, indexing="ij")
    points = np.stack([y, x, np.ones_like(y)]).reshape(3, -1)
    rows, columns = (places @ points).transpose(1, 0, 2) * SIDE - 0.5
    outside = (np.minimum(rows, columns) < -0.5) | (np.maximum(rows, columns) > SIDE - 0.5)
    top, left = (np.clip(np.floor(each), 0, SIDE - 2).astype(int) for each in (rows, columns))
    below, beside = np.clip(rows - top, 0, 1), np.clip(columns - left, 0, 1)
    photo = np.arange(len(thumbnails))[:, None]
    upper, lower = (
        thumbnails[photo, row, left] * (1 - beside) + thumbnails[photo, row, left + 1] * beside
        for row in (top, top + 1)
    )
    values = np.where(outside, 0, upper * (1 - below) + lower * below)
    return values.reshape(len(thumbnails), SIDE, SIDE).astype(np.float32)
