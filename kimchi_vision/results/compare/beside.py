"""A run beside its floor, and its averaged views beside one view: what the dearer of the two brought."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kimchi_vision.results.compare.pairs import Row, judge
from kimchi_vision.results.intervals import wilson

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


def beside_floor(predictions: pd.DataFrame, floor: pd.DataFrame) -> dict[str, Any]:
    """The floor's accuracy, and accuracy of the run minus that, both with 95 % intervals.

    predictions, floor: tables with path, truth and predicted; photos that the floor has are compared.
    Returns accuracy, accuracy_interval, gain, gain_interval, and verdict: `above`, `below` or `cannot tell`.
    """
    return {**_accuracy(floor), **_gain(predictions, floor)}


def beside_one_view(
    averaged: pd.DataFrame, predictions: pd.DataFrame, split: str = "valid"
) -> dict[str, Any]:
    """The accuracy of averaged views on one part, and that minus the accuracy of one view of each photo.

    averaged: as predictions, and views, the number of varied views that were averaged with the plain one.
    Returns n, the views, and what beside_floor returns.
    """
    part = averaged[averaged["split"] == split]
    gain = _gain(part, predictions[predictions["split"] == split])
    return {"n": int(part["views"].iloc[0]), **_accuracy(part), **gain}


def _accuracy(table: pd.DataFrame) -> dict[str, Any]:
    right = _right(table)
    return {"accuracy": float(right.mean()), "accuracy_interval": wilson(right.mean(), len(right)).tolist()}


def _gain(table: pd.DataFrame, other: pd.DataFrame) -> dict[str, Any]:
    """The first table against the other, on the other's photos."""
    ours, theirs = _right(table.set_index("path").loc[other["path"]]), _right(other)
    pair = judge([Row("ours", ours[None]), Row("theirs", theirs[None])], margin=0.0)[0]
    sign = 1 if pair.first == "ours" else -1
    side = "above" if sign > 0 else "below"
    return {
        "gain": sign * pair.difference,
        "gain_interval": sorted([sign * pair.low, sign * pair.high]),
        "verdict": side if pair.verdict == "better" else "cannot tell",
    }


def _right(table: pd.DataFrame) -> np.ndarray:
    return (table["truth"] == table["predicted"]).to_numpy()
