"""Curves of each class against the rest."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from kimchi_vision.results.plots.fonts import hangul

NAMED = 10
"""Classes that a legend can hold."""


@hangul()
def one_against_rest(curves: Mapping[str, tuple[np.ndarray, np.ndarray]], x: str, y: str) -> Figure:
    """A line a class. curves: by class, places along both axes, 0 to 1; x, y: what the axes show."""
    figure = Figure(figsize=(5.5, 5), layout="constrained")
    axes = figure.add_subplot(xlabel=x, ylabel=y, xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    for name, (along, up) in curves.items():
        axes.plot(along, up, linewidth=1.2, alpha=0.8, label=name.replace("$", r"\$"))
    if 0 < len(curves) <= NAMED:
        axes.legend(fontsize=8)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1))
    return figure
