"""The confusion matrix as a picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from kimchi_vision.results.plots.fonts import hangul

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
