"""A run beside its floor, and its averaged views beside one view: what the dearer of the two brought."""

from __future__ import annotations

from kimchi_vision.base.plain import Json
from kimchi_vision.results.compare.pairs import Row, judge
from kimchi_vision.results.intervals import of_class
from kimchi_vision.results.predictions import Predictions


def beside_floor(predictions: Predictions, floor: Predictions) -> Json:
    """The floor's accuracy, and accuracy of the run minus that, both with 95 % intervals.

    The photos that the floor has are compared.
    Returns accuracy, accuracy_interval, gain, gain_interval, and verdict: `above`, `below` or `cannot tell`.
    """
    return {**_accuracy(floor), **_gain(predictions, floor)}


def beside_one_view(averaged: Predictions, predictions: Predictions) -> Json:
    """The accuracy of averaged views on one part, and that minus the accuracy of one view of each photo.

    averaged: its table has views, the number of varied views that were averaged with the plain one.
    Returns n, the views, and what beside_floor returns.
    """
    views = int(averaged.table["views"].iloc[0])
    return {"n": views, **_accuracy(averaged), **_gain(averaged, predictions)}


def _accuracy(predictions: Predictions) -> Json:
    right = predictions.right
    return {"accuracy": float(right.mean()), "accuracy_interval": of_class(right, predictions.units)}


def _gain(predictions: Predictions, other: Predictions) -> Json:
    """The first against the other, on the other's photos."""
    ours = predictions.of(other.paths)
    rows = Row("ours", ours.right[None], ours.units), Row("theirs", other.right[None], ours.units)
    pair = judge(rows, margin=0.0)[0]
    sign = 1 if pair.first == "ours" else -1
    side = "above" if sign > 0 else "below"
    return {
        "gain": sign * pair.difference,
        "gain_interval": sorted([sign * pair.low, sign * pair.high]),
        "verdict": side if pair.verdict == "better" else "cannot tell",
    }
