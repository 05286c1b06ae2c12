"""Curves over rates and over epochs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from kimchi_vision.results.history import overfits_from
from kimchi_vision.results.plots.fonts import hangul

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


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

    history: columns stage, train_loss, valid_loss, kept; see history.py.
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
        axes.text(
            start + 0.55,
            0.01,
            stages[start],
            transform=axes.get_xaxis_transform(),
            fontsize=8,
            color="0.45",
            va="bottom",
        )
