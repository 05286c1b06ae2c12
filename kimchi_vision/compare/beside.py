"""A run beside its floor: what training brought above a linear head on frozen features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kimchi_vision.compare.intervals import wilson
from kimchi_vision.compare.pairs import Row, judge

if TYPE_CHECKING:
    import pandas as pd


def beside_floor(predictions: pd.DataFrame, floor: pd.DataFrame) -> dict[str, Any]:
    """The floor's accuracy, and accuracy of the run minus that, both with 95 % intervals.

    predictions, floor: tables with path, truth and predicted; photos that the floor has are compared.
    Returns accuracy, accuracy_interval, gain, gain_interval, and verdict: `above`, `below` or `cannot tell`.
    """
    run = predictions.set_index("path").loc[floor["path"]]
    right = (run["truth"] == run["predicted"]).to_numpy()
    below = (floor["truth"] == floor["predicted"]).to_numpy()
    pair = judge([Row("run", right[None]), Row("floor", below[None])], margin=0.0)[0]
    sign = 1 if pair.first == "run" else -1
    side = "above" if sign > 0 else "below"
    return {
        "accuracy": float(below.mean()),
        "accuracy_interval": wilson(below.mean(), len(below)).tolist(),
        "gain": sign * pair.difference,
        "gain_interval": sorted([sign * pair.low, sign * pair.high]),
        "verdict": side if pair.verdict == "better" else "cannot tell",
    }
