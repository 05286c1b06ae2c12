"""Photos in rows and columns, each under its title."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from kimchi_vision.results.plots.fonts import hangul

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image


RIGHT, WRONG = "#1a7f37", "#cf222e"


@hangul()
def photo_grid(
    images: Sequence[Image.Image | np.ndarray], titles: Sequence[str], colours: Sequence[str] | None = None
) -> Figure:
    """Photos with titles, nearly square as a whole.

    images: PIL images or arrays [height, width, 3]. colours: of the titles, such as RIGHT and WRONG.
    """
    columns = max(1, math.ceil(math.sqrt(len(images))))
    rows = max(1, math.ceil(len(images) / columns))
    figure = Figure(figsize=(2.6 * columns, 2.9 * rows), layout="constrained")
    for number, (image, title) in enumerate(zip(images, titles, strict=True)):
        axes = figure.add_subplot(rows, columns, number + 1)
        axes.imshow(image)
        axes.set_axis_off()
        colour = colours[number] if colours else "black"
        axes.set_title(title, fontsize=9, color=colour, parse_math=False)
    return figure
