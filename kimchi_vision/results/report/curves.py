"""How well a class is told from the others, at every threshold: ROC and precision-recall curves."""

import numpy as np

from kimchi_vision.base.messages import Text
from kimchi_vision.base.numbers import percent
from kimchi_vision.base.plain import Json
from kimchi_vision.results import separation
from kimchi_vision.results.predictions import Predictions
from kimchi_vision.results.report import charts

DRAWN = 12
"""Classes with a curve, those with the least area; more lines than these hide each other."""
POINTS = 40
"""Of a curve, evenly over its length."""
AXES = {"roc": ("false_positives", "recall"), "precision_recall": ("recall", "precision")}


def view(predictions: Predictions, metrics: Json, text: Text) -> list[charts.Chart]:
    """Both charts; none where fewer than two classes have photos."""
    areas = {name: own["auc"] for name, own in metrics.get("separation", {}).items()}
    worst_first = sorted(areas, key=lambda name: (areas[name], name))[:DRAWN]
    return [_chart(predictions, kind, worst_first, areas, text) for kind in AXES] if worst_first else []


def _chart(
    predictions: Predictions, kind: str, names: list[str], areas: dict[str, float], text: Text
) -> charts.Chart:
    found = separation.curves(predictions, kind)
    across, up = map(text, AXES[kind])
    series = []
    for name in names[::-1]:  # the worst lies above the others
        x, y = found[name]
        points = [
            (float(x[n]), float(y[n]), f"{name}: {across} {percent(x[n])}, {up} {percent(y[n])}")
            for n in _evenly(x, y)
        ]
        own = name == names[0]
        label = text("worst_parted", name=name, area=percent(areas[name])) if own else text("other_classes")
        series.append(charts.Series(label, points, "own" if own else "other", dots=False))
    axis = charts.shares([0.0, 1.0])
    return charts.Chart(text(f"figure_{kind}"), axis, axis, across, series, diagonal=kind == "roc")


def _evenly(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Places of POINTS points or fewer, evenly along a curve of steps."""
    along = np.concatenate([[0.0], (np.abs(np.diff(x)) + np.abs(np.diff(y))).cumsum()])
    return np.unique(np.searchsorted(along, np.linspace(0, along[-1], POINTS)).clip(max=len(x) - 1))
