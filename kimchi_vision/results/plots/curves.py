"""Curves over rates, epochs and training photos, accuracy over its cost, and what probabilities are worth."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter, MaxNLocator, PercentFormatter

from kimchi_vision.results.candidates import overfits_from
from kimchi_vision.results.plots.fonts import hangul


@hangul()
def lr_find(steps: pd.DataFrame, suggestions: Mapping[str, float]) -> Figure:
    """Loss against learning rate.

    steps: columns lr and loss, a row a step of lr_find.
    suggestions: rate by name, such as valley.
    """
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.add_subplot(xlabel="learning rate", ylabel="loss", xscale="log")
    axes.plot(steps["lr"], steps["loss"], color="0.4")
    for number, (name, rate) in enumerate(suggestions.items()):
        nearest = int(np.abs(np.log(steps["lr"]) - np.log(rate)).argmin())
        axes.plot(rate, steps["loss"].iloc[nearest], "o", color=f"C{number}", label=f"{name}  {rate:.2e}")
    if suggestions:
        axes.legend()
    return figure


@hangul()
def losses(history: pd.DataFrame) -> Figure:
    """Training and validation loss of each epoch, over all stages.

    history: columns stage, train_loss, valid_loss, kept; see candidates.overfits_from.
    """
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.add_subplot(xlabel="epoch", ylabel="loss")
    epochs = np.arange(1, len(history) + 1)
    axes.plot(epochs, history["train_loss"], "o-", markersize=4, label="training")
    axes.plot(epochs, history["valid_loss"], "o-", markersize=4, label="validation")
    kept = history["kept"].to_numpy(dtype=bool)
    axes.plot(epochs[kept], history["valid_loss"][kept], "k*", markersize=13, label="kept", zorder=3)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    _name_stages(axes, history["stage"].tolist())
    first = overfits_from(history)
    if first is not None:
        axes.axvspan(first - 0.5, len(history) + 0.5, color="C3", alpha=0.08, linewidth=0)
        axes.set_title(
            f"from epoch {first} on, training loss falls while validation loss rises", fontsize=10, color="C3"
        )
    axes.set_xlim(0.5, len(history) + 0.5)
    axes.legend()
    return figure


def _name_stages(axes: Axes, stages: list[str]) -> None:
    """A line between stages, the name at the foot."""
    starts = [i for i in range(len(stages)) if i == 0 or stages[i] != stages[i - 1]]
    for start in starts:
        if start:
            axes.axvline(start + 0.5, color="0.8", linewidth=1)
        style = {"fontsize": 8, "color": "0.45", "va": "bottom"}
        axes.text(start + 0.55, 0.01, stages[start], transform=axes.get_xaxis_transform(), **style)


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
    across, up = points["train_photos"], points["accuracy"]
    spread = [side.clip(lower=0) for side in (up - points["low"], points["high"] - up)]
    axes.errorbar(across, up, yerr=spread, fmt="ko", capsize=4, label="runs, 95 %")
    axes.axvline(seen, color="0.6", linewidth=1, linestyle=":")
    axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    axes.set_xticks([*points["train_photos"], 2 * seen], minor=False)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()
    axes.legend(loc="lower right")
    return figure


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
