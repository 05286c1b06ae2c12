"""What the probabilities are worth: sentences, and charts where they hold points."""

from __future__ import annotations

from kimchi_vision.base.messages import Text
from kimchi_vision.base.numbers import percent
from kimchi_vision.base.plain import Json
from kimchi_vision.results.report import charts
from kimchi_vision.results.run import Run

FEWEST_BINS = 3
"""Bins of the reliability diagram with photos, below which a diagram shows nothing."""
FEWEST_PHOTOS = 3
"""Photos of a bin, below which its accuracy says nothing."""


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
    ends = {key: [each[f"accuracy_{key}"] for each in bins] for key in ("low", "high")}
    series = charts.Series(text("accuracy"), points, line=False, **ends)
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
