"""A figure to a file, whole or not at all, or to a notebook."""

from __future__ import annotations

import importlib
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.text import Text

from kimchi_vision.base.files import replacing
from kimchi_vision.results.plots.fonts import families, hangul


def save(figure: Figure, path: Path) -> None:
    """Write the figure under the name `path`; its suffix says the format."""
    with hangul(), replacing(path) as temporary:
        figure.savefig(temporary, dpi=110, bbox_inches="tight")


def shown(figure: Figure) -> Figure:
    """The figure, drawn in a notebook where it ends a cell, with the font that has Hangul."""
    importlib.import_module("matplotlib.pyplot").draw_if_interactive()  # loads what shows them in a notebook
    for text in figure.findobj(Text):
        text.set_fontfamily(families())
    return figure
