"""Accuracy against training photos."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from kimchi_vision.results.plots.fonts import hangul

if TYPE_CHECKING:
    import pandas as pd


@hangul()
def learning_curve(points: pd.DataFrame, curve: pd.DataFrame) -> Figure:
    """Accuracy with intervals against the number of training photos, and the fitted curve with its band.

    points, curve: columns train_photos, accuracy, low, high (0 to 1); the curve may reach beyond the points.
    """
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.add_subplot(xlabel="training photos", ylabel="accuracy", xscale="log")
    seen = points["train_photos"].iloc[-1]
    for part, style in ((curve["train_photos"] <= seen, "-"), (curve["train_photos"] >= seen, "--")):
        own = curve[part]
        axes.plot(own["train_photos"], own["accuracy"], style, color="C0")
    axes.fill_between(curve["train_photos"], curve["low"], curve["high"], alpha=0.2, label="fit, 95 %")
    spread = [points["accuracy"] - points["low"], points["high"] - points["accuracy"]]
    axes.errorbar(
        points["train_photos"],
        points["accuracy"],
        yerr=[side.clip(lower=0) for side in spread],
        fmt="ko",
        capsize=4,
        label="runs, 95 %",
    )
    axes.axvline(seen, color="0.6", linewidth=1, linestyle=":")
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xticks([*points["train_photos"], 2 * seen], minor=False)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()
    axes.legend(loc="lower right")
    return figure
