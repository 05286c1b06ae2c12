"""A figure to a file, whole or not at all."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from kimchi_vision.base.files import replacing
from kimchi_vision.results.plots.fonts import hangul


def save(figure: Figure, path: Path) -> None:
    """Write the figure under the name `path`; its suffix says the format."""
    with hangul(), replacing(path) as temporary:
        figure.savefig(temporary, dpi=110, bbox_inches="tight")
