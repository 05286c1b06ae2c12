"""Pure functions from data to a matplotlib Figure, and how one is saved or shown in the reader's language."""

import importlib
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.text import Text

from kimchi_vision.base.files import replacing
from kimchi_vision.base.hangul import Reasons
from kimchi_vision.base.messages import korean, language
from kimchi_vision.results.plots.curves import (
    accuracy_latency,
    learning_curve,
    losses,
    lr_find,
    one_against_rest,
    reliability,
    risk_coverage,
)
from kimchi_vision.results.plots.fonts import families, hangul
from kimchi_vision.results.plots.pictures import RIGHT, WRONG, confusion_matrix, heat, photo_grid

__all__ = [
    "RIGHT", "WRONG", "accuracy_latency", "confusion_matrix", "hangul", "heat", "learning_curve",
    "losses", "lr_find", "one_against_rest", "photo_grid", "reliability", "risk_coverage", "save",
    "shown",
]  # fmt: skip


def save(figure: Figure, path: Path) -> None:
    """Write the figure under the name `path`; its suffix says the format."""
    _say(figure)
    with hangul(), replacing(path) as temporary:
        figure.savefig(temporary, dpi=110, bbox_inches="tight")


def shown(figure: Figure) -> Figure:
    """The figure, drawn in a notebook where it ends a cell, with the font that has Hangul."""
    importlib.import_module("matplotlib.pyplot").draw_if_interactive()  # loads what shows them in a notebook
    _say(figure)
    for text in figure.findobj(Text):
        text.set_fontfamily(families())
    return figure


def _say(figure: Figure) -> None:
    """Titles, axes and legends, which are drawn in English, in the reader's language."""
    if language("auto") == "en" or len(families()) == 1:  # which has no Hangul
        return
    known = Reasons(korean("figure"))
    for axes in figure.axes:
        legend = axes.get_legend()
        words = axes.title, axes.xaxis.label, axes.yaxis.label, *(legend.get_texts() if legend else ())
        for text in words:
            text.set_text(known.said(text.get_text()))
