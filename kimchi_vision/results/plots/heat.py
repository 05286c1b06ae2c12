"""A map laid over a photo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib
import numpy as np

if TYPE_CHECKING:
    from PIL import Image


STRENGTH = 0.7
"""Share of colour where the map is 1."""
GREY = (0.299, 0.587, 0.114)
"""Shares of red, green and blue in a grey of the same brightness (ITU-R BT.601)."""


def heat(photo: Image.Image | np.ndarray, map: np.ndarray) -> np.ndarray:  # noqa: A002 (the field's word)
    """(height, width, 3) uint8: the photo in grey, coloured the more the higher the map is.

    Food has the colours of a heat map; grey has none of them.
    photo: RGB, a PIL image or an array. map: (height, width), 0 to 1.
    """
    colours = matplotlib.colormaps["inferno"](map)[..., :3] * 255
    share = STRENGTH * map[..., None]
    grey = (np.asarray(photo, float) @ GREY)[..., None]
    return ((1 - share) * grey + share * colours).round().astype(np.uint8)
