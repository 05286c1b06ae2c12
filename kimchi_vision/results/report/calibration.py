"""What the probabilities are worth, and how they part a class from the others: sentences and charts."""

import numpy as np

from kimchi_vision.base.messages import Text
from kimchi_vision.base.numbers import percent
from kimchi_vision.base.plain import Json
from kimchi_vision.results import separation
from kimchi_vision.results.predictions import Predictions
from kimchi_vision.results.report import charts
from kimchi_vision.results.run import Run

FEWEST_BINS = 3
"""Bins of the reliability diagram with photos, below which a diagram shows nothing."""
FEWEST_PHOTOS = 3
"""Photos of a bin, below which its accuracy says nothing."""
DRAWN = 12
"""Classes with a curve, those with the least area; more lines than these hide each other."""
POINTS = 40
"""Of a curve, evenly over its length."""
AXES = {"roc": ("false_positives", "recall"), "precision_recall": ("recall", "precision")}


def view(run: Run, text: Text) -> Json | None:
    """The template's values; None where nothing was measured."""
    found = run.calibration
    if not found:
        return None
    drawn = [_reliability(found, text), _risk(found, text)]
    return {**found, "charts": [chart for chart in drawn if chart is not None]}


def _reliability(found: Json, text: Text) -> charts.Chart | None:
    bins = [each for each in found["after"]["reliability"] if each["photos"] >= FEWEST_PHOTOS]
    if len(bins) < FEWEST_BINS:
        return None
    points = []
    for each in bins:
        sure, right = each["confidence"], each["accuracy"]
        said = text("bin", photos=each["photos"], sure=percent(sure), right=percent(right))
        points.append((sure, right, said))
    ends = [(each["accuracy_low"], each["accuracy_high"]) for each in bins]
    series = charts.Series(text("accuracy"), points, line=False, ends=ends)
    x = charts.shares([0.0, 1.0])
    return charts.Chart(text("figure_reliability"), x, x, text("confidence"), [series], diagonal=True)


def _risk(found: Json, text: Text) -> charts.Chart | None:
    curve = found["risk_coverage"]
    if not any(point["risk"] for point in curve):
        return None
    shares = [(point["coverage"], point["risk"]) for point in curve]
    points = [(x, y, text("answered", coverage=percent(x), risk=percent(y))) for x, y in shares]
    series = [charts.Series(text("error_rate"), points)]
    abstain = found["abstain"]
    marked = None
    if abstain and abstain["error"] is not None:
        marked = (abstain["coverage"], text("threshold", at=f"{abstain['threshold']:.2f}"))
    y = charts.shares([0.0, *(point["risk"] for point in curve)])
    x = charts.shares([0.0, 1.0])
    return charts.Chart(text("figure_risk_coverage"), x, y, text("coverage"), series, marked)


def curves(predictions: Predictions, metrics: Json, text: Text) -> list[charts.Chart]:
    """ROC and precision-recall, a class against the others; none where fewer than two classes have photos."""
    areas = {name: own["auc"] for name, own in metrics.get("separation", {}).items()}
    worst_first = sorted(areas, key=lambda name: (areas[name], name))[:DRAWN]
    return [_curve(predictions, kind, worst_first, areas, text) for kind in AXES] if worst_first else []


def _curve(
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
