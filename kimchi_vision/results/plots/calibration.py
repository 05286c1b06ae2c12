"""What probabilities are worth: confidence, accuracy, errors, and each class against the rest."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from kimchi_vision.results.plots.fonts import hangul


@hangul()
def reliability(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Reliability diagram: accuracy of the photos in each bin of confidence; on the diagonal is calibrated.

    tables: by title, columns confidence, accuracy, accuracy_low, accuracy_high (shares, 0 to 1) and photos.
    """
    figure = Figure(figsize=(4.6 * len(tables), 5.4), layout="constrained")
    for axes, counts, (title, table) in zip(
        *figure.subplots(2, len(tables), sharex=True, height_ratios=(4, 1), squeeze=False),
        tables.items(),
        strict=True,
    ):
        axes.plot([0, 1], [0, 1], color="0.6", linewidth=1, linestyle="--", label="calibrated")
        across, up = table["confidence"], table["accuracy"]
        spread = [side.clip(0) for side in (up - table["accuracy_low"], table["accuracy_high"] - up)]
        axes.errorbar(across, up, yerr=spread, fmt="o", capsize=3, label="95 % interval")
        axes.set(title=title, ylabel="accuracy", xlim=(0, 1), ylim=(0, 1.02))
        axes.legend(loc="upper left")
        counts.bar(table["low"], table["photos"], table["high"] - table["low"], align="edge", color="0.7")
        counts.set(xlabel="confidence", ylabel="photos")
    return figure


@hangul()
def risk_coverage(curve: pd.DataFrame, chosen: Mapping[str, float] | None = None) -> Figure:
    """Share of wrong answers when only the surest photos are answered.

    curve: columns coverage and risk, 0 to 1. chosen: a point with coverage, error and error_interval.
    """
    figure = Figure(figsize=(6, 4.5), layout="constrained")
    axes = figure.add_subplot(xlabel="photos answered", ylabel="wrong answers among them")
    axes.plot(curve["coverage"], curve["risk"], drawstyle="steps-pre")
    if chosen:
        low, high = chosen["error_interval"]
        spread = [[max(chosen["error"] - low, 0)], [max(high - chosen["error"], 0)]]
        label = f"answered from {chosen['threshold']:.2f}, 95 % interval"
        axes.errorbar(chosen["coverage"], chosen["error"], yerr=spread, fmt="ks", capsize=4, label=label)
        axes.legend()
    axes.set(xlim=(0, 1), ylim=(0, None))
    axes.xaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    return figure


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
        axis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    return figure
