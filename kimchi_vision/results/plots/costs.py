"""What accuracy costs."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter, PercentFormatter

from kimchi_vision.results.plots.fonts import hangul

LARGEST_AREA = 1200


@hangul()
def accuracy_latency(runs: pd.DataFrame, **goals: float) -> Figure:
    """Accuracy with its interval against the median latency of one photo; the area is the file's size.

    runs: columns run, accuracy, low, high (0 to 1), p50_ms and file_mb, a row a run.
    goals: by name; accuracy and fps are drawn as lines, other scores have no axis here.
    """
    figure = Figure(figsize=(7.5, 5), layout="constrained")
    axes = figure.add_subplot(xlabel="latency of one photo, median (ms)", ylabel="accuracy", xscale="log")
    numbers = runs[["accuracy", "low", "high", "p50_ms", "file_mb"]].astype(float)
    spread = [numbers["accuracy"] - numbers["low"], numbers["high"] - numbers["accuracy"]]
    axes.errorbar(
        numbers["p50_ms"], numbers["accuracy"], yerr=np.clip(spread, 0, None), fmt="none", color="0.5"
    )
    largest = numbers["file_mb"].max() or 1.0  # files of some kilobytes round to 0.0 MB
    areas = LARGEST_AREA * numbers["file_mb"] / largest
    axes.scatter(numbers["p50_ms"], numbers["accuracy"], s=areas, alpha=0.5)
    for index, name in enumerate(runs["run"]):
        row = numbers.iloc[index]
        beside = (areas.iloc[index] ** 0.5 / 2 + 4, 4)
        text = f"{name}\n{row['file_mb']:.0f} MB"
        place = (row["p50_ms"], row["accuracy"])
        axes.annotate(text, place, beside, textcoords="offset points", fontsize=8, parse_math=False)
    if "accuracy" in goals:
        axes.axhline(goals["accuracy"], color="0.4", linestyle="--", linewidth=1)
    if "fps" in goals:
        axes.axvline(1000 / goals["fps"], color="0.4", linestyle="--", linewidth=1)
    axes.margins(0.15)
    axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(LogFormatter(minor_thresholds=(2, 0.5)))  # fewer where they would touch
    return figure
