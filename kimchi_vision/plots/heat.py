"""A map laid over a photo."""

from __future__ import annotations

from typing import Any

import matplotlib
import numpy as np

STRENGTH = 0.55
"""Share of colour where the map is 1."""


def heat(photo: Any, map: np.ndarray) -> np.ndarray:  # noqa: A002 (the field's word)
    """(height, width, 3) uint8: the photo, coloured the more the higher the map is.

    photo: RGB, a PIL image or an array. map: (height, width), 0 to 1.
    """
    colours = matplotlib.colormaps["inferno"](map)[..., :3] * 255
    share = STRENGTH * map[..., None]
    return ((1 - share) * np.asarray(photo) + share * colours).round().astype(np.uint8)
