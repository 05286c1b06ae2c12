"""The first screen of the page: the verdict, accuracy on a scale beside others, the worst confusions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from kimchi_vision.base.errors import KimchiError
from kimchi_vision.base.messages import Text, about_gain
from kimchi_vision.base.numbers import percent
from kimchi_vision.base.plain import Json
from kimchi_vision.results import goals, headline
from kimchi_vision.results.predictions import Predictions
from kimchi_vision.results.report import charts, images, verdict
from kimchi_vision.results.run import Run
from kimchi_vision.results.score import Score

PAIR_SIDE = 200
EARLIER = 4
"""Other runs of the same photos that are drawn beside this one."""


def view(run: Run, predictions: Predictions, text: Text) -> Json:
    """The template's values."""
    found = run.mistakes
    sentences = [*headline.sentences(run, text)[1:], *verdict.size(run, text)]
    if "folds" in found:
        accuracies = ", ".join(percent(fold["accuracy"]) for fold in found["folds"])
        sentences.append(text("by_fold", accuracies=accuracies))
    if "floor" in found and (found is not run.metrics or len(run.history)):
        sentences.append(about_gain("floor", found["floor"]).said(text))
    if "tta" in run.metrics:
        valid = text("over", photos=run.metrics["photos"], part=text("valid"))
        sentences.append(f"{valid} {about_gain('tta', run.metrics['tta']).said(text)}")
    return {
        "verdict": verdict.verdict(run, text),
        "accuracy": headline.accuracy(run),
        "part": headline.part(run),
        "sentences": sentences,
        "scale": _scale(run, text),
        "confusions": list(_confusions(run, predictions)),
        "confused": verdict.confusions(run, text),
    }


def _scale(run: Run, text: Text) -> charts.Intervals:
    accuracy, pooled = run.score["accuracy"], run.scored(run.mistakes["split"])["accuracy"]
    parts = {headline.part(run): headline.accuracy(run)}
    if run.mistakes is not run.metrics:
        parts.setdefault("folds", pooled)
    if "folds" not in run.metrics:
        parts.setdefault("valid", accuracy)
    photos = ", n = {:,}".format if len(parts) > 1 else lambda number: ""
    rows = [_row(text(f"this_run_{part}") + photos(each.n), each, "own") for part, each in parts.items()]
    if floor := run.mistakes.get("floor"):
        low, high = floor["accuracy_interval"] or (None, None)
        baseline = replace(pooled, value=floor["accuracy"], low=low, high=high)
        rows.append(_row(text("floor") + photos(baseline.n), baseline, "baseline"))
    others = [(other.name + photos(accuracy.n), other.score["accuracy"]) for other in _earlier(run)]
    rows += [_row(*other, "other") for other in others]
    goal = run.experiment.goals.wanted.get("accuracy")
    if goal is not None:
        mark = charts.Mark(goal, None, None, "goal", accuracy.metric.shown(goal))
        rows.append(charts.Row.of(text("decision_goal", goal=goals.title("accuracy", text)), mark))
    return charts.Intervals.of(rows)


def _row(name: str, accuracy: Score, kind: str) -> charts.Row:
    return charts.Row.of(name, charts.Mark(accuracy.value, accuracy.low, accuracy.high, kind, str(accuracy)))


def _earlier(run: Run) -> list[Run]:
    """The newest runs beside this one that were scored on the same photos."""
    try:
        folders = [folder for folder in run.path.resolve().parent.iterdir() if folder.is_dir()]
    except OSError:
        return []
    others = [Run(folder) for folder in folders if folder != run.path.resolve()]
    finished = [other for other in others if other.is_finished and other.files.metrics.is_file()]
    finished.sort(key=lambda other: other.files.finished.stat().st_mtime, reverse=True)
    ours, found = run.scored_photos, []
    for other in finished[: 5 * EARLIER]:
        try:
            if other.scored_photos == ours and "accuracy" in other.score:
                found.append(other)
        except (KimchiError, KeyError, OSError):
            continue  # a folder that is damaged is no matter of this run
    return found[:EARLIER]


def _confusions(run: Run, predictions: Predictions) -> Iterator[Json]:
    """The surest photo of each pair that is confused, beside the surest of what it was taken for."""
    table = predictions.table
    truth, said = table["truth"].to_numpy(), table["predicted"].to_numpy()
    for actual, predicted, count in run.mistakes["most_confused"][: verdict.CONFUSIONS_NAMED]:
        yield {
            "actual": actual,
            "predicted": predicted,
            "photos": count,
            "of": int((truth == actual).sum()),
            "taken": _surest(run, predictions, (truth == actual) & (said == predicted)),
            "like": _surest(run, predictions, (truth == predicted) & (said == predicted)),
        }


def _surest(run: Run, predictions: Predictions, rows: np.ndarray) -> str | None:
    """The picture of the surest photo among these rows, if there is one."""
    if not rows.any():
        return None
    one = predictions.where(np.array([np.where(rows, predictions.confidence, -1).argmax()]))
    return images.photo(run.photos.files(one.table)[0], PAIR_SIDE)
