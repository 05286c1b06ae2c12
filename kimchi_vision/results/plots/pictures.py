"""Photos, what lies over them, and the confusion matrix."""

import math
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from kimchi_vision.results.plots.fonts import hangul

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


MOST_CLASSES_WITH_NUMBERS = 40


@hangul()
def confusion_matrix(counts: np.ndarray, vocab: Sequence[str], normalize: bool = False) -> Figure:
    """Rows are the true class, columns the predicted one.

    counts: photos, [classes, classes].
    normalize: show shares of each row, 0 to 1; a class without photos has zeros.
    """
    counts = np.asarray(counts)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = float(np.clip(0.45 * len(vocab) + 2.5, 5, 24))
    figure = Figure(figsize=(side, side), layout="constrained")
    axes = figure.add_subplot(xlabel="predicted", ylabel="actual")
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    # A class may be called "$5 pizza$".
    axes.set_xticks(range(len(vocab)), vocab, rotation=90, parse_math=False)
    axes.set_yticks(range(len(vocab)), vocab, parse_math=False)
    if len(vocab) <= MOST_CLASSES_WITH_NUMBERS:
        for row, column in np.ndindex(counts.shape):
            text = f"{shares[row, column]:.2f}" if normalize else str(counts[row, column])
            shade = "white" if shares[row, column] > 0.5 else "black"
            shown = text if counts[row, column] else "·"
            axes.text(column, row, shown, ha="center", va="center", color=shade, fontsize=8)
    return figure
