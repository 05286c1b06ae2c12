"""The first screen of the page: the verdict, accuracy on a scale beside others, the worst confusions.

The console's card begins with the same sentences.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from kimchi_vision.base.errors import KimchiError
from kimchi_vision.base.messages import Text
from kimchi_vision.base.numbers import percent
from kimchi_vision.base.plain import Json
from kimchi_vision.base.sentence import noted
from kimchi_vision.data import images
from kimchi_vision.results import goals, headline
from kimchi_vision.results.compare.background import about_background
from kimchi_vision.results.compare.pairs import about_gain
from kimchi_vision.results.predictions import Predictions
from kimchi_vision.results.report import charts
from kimchi_vision.results.run import Run

WIDEST = 0.2
"""An interval of the accuracy wider than this, from end to end, is no basis for a decision."""
CONFUSIONS_NAMED = 3
PAIR_SIDE = 200
EARLIER = 4
"""Other runs of the same photos that are drawn beside this one."""

Kind = Literal["ship", "open", "not_yet"]


def view(run: Run, predictions: Predictions, text: Text) -> Json:
    """The template's values."""
    found = run.mistakes
    sentences = [*headline.sentences(run, text)[1:], *size(run, text)]
    if "folds" in found:
        accuracies = ", ".join(percent(fold["accuracy"]) for fold in found["folds"])
        sentences.append(text("by_fold", accuracies=accuracies))
    if "floor" in found and (found is not run.metrics or len(run.history)):
        sentences.append(about_gain("floor", found["floor"]).said(text))
    if "tta" in run.metrics:
        valid = text("over", photos=run.metrics["photos"], part=text("valid"))
        sentences.append(f"{valid} {about_gain('tta', run.metrics['tta']).said(text)}")
    return {
        "verdict": verdict(run, text),
        "accuracy": headline.accuracy(run),
        "part": headline.part(run),
        "sentences": sentences,
        "scale": _scale(run, text),
        "confusions": list(_confusions(run, predictions)),
        "confused": confusions(run, text),
    }


def _scale(run: Run, text: Text) -> charts.Intervals:
    accuracy, pooled = run.score["accuracy"], run.scored(run.mistakes["split"])["accuracy"]
    parts = {headline.part(run): headline.accuracy(run)}
    if run.mistakes is not run.metrics:
        parts.setdefault("folds", pooled)
    if "folds" not in run.metrics:
        parts.setdefault("valid", accuracy)
    photos = ", n = {:,}".format if len(parts) > 1 else lambda number: ""
    found = [(text(f"this_run_{part}"), one.n, "own", one.value, one.interval) for part, one in parts.items()]
    if floor := run.mistakes.get("floor"):
        found.append((text("floor"), pooled.n, "baseline", floor["accuracy"], floor["accuracy_interval"]))
    for other in _earlier(run):
        its = other.score["accuracy"]
        found.append((other.name, accuracy.n, "other", its.value, its.interval))
    rows = [charts.Row.of(name + photos(n), *mark) for name, n, *mark in found]
    goal = run.experiment.goals.wanted.get("accuracy")
    if goal is not None:
        name = text("decision_goal", goal=goals.title("accuracy", text))
        rows.append(charts.Row.of(name, "goal", goal, None))
    return charts.Intervals.of(rows)


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
    for actual, predicted, count in run.mistakes["most_confused"][:CONFUSIONS_NAMED]:
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


@dataclass(frozen=True)
class Verdict:
    """kind: `ship` when every goal is met and nothing speaks against it, `open` when no goal was set.

    says: that in a sentence. because: what speaks against it, the weightiest first.
    """

    kind: Kind
    says: str
    because: tuple[str, ...]


def verdict(run: Run, text: Text) -> Verdict:
    """Whether the model of a run can be used, by what its folder holds."""
    because = tuple(_against(run, text))
    accuracy = headline.accuracy(run)
    low = accuracy.metric.shown(accuracy.value if accuracy.low is None else accuracy.low)
    kind: Kind = "not_yet" if because else "ship" if run.experiment.goals.wanted else "open"
    return Verdict(kind, text(f"verdict_{kind}", low=low), because)


def size(run: Run, text: Text) -> list[str]:
    """How many photos were right, and what so many can tell."""
    accuracy = headline.accuracy(run)
    part, photos = text(headline.part(run)), accuracy.n
    right = round(accuracy.value * photos)
    said = [text("right_of", right=f"{right:,}", photos=f"{photos:,}", part=part)]
    if accuracy.interval is not None:
        below, above = accuracy.value - accuracy.low, accuracy.high - accuracy.value
        said.append(text("n_tells", photos=f"{photos:,}", points=f"{100 * max(below, above):.0f}"))
    return said


def confusions(run: Run, text: Text) -> str:
    """What is confused most, with counts, in one sentence that names other photos than the first number's."""
    pairs = [
        text("confused_pair", actual=actual, predicted=predicted, photos=photos)
        for actual, predicted, photos in run.mistakes["most_confused"][:CONFUSIONS_NAMED]
    ]
    says = "confuses" if pairs else "confuses_nothing"
    if headline.part(run) == "test":
        says += "_on"
    found = run.mistakes
    return text(says, pairs=", ".join(pairs), photos=found["photos"], part=text(found["split"]))


def _against(run: Run, text: Text) -> Iterator[str]:
    accuracy, floor = headline.accuracy(run), run.mistakes.get("floor", {})
    for name, outcome in goals.outcomes(run.experiment.goals, run.metrics, headline.scores(run)).items():
        if outcome != "met":
            yield text(
                "against_goal",
                goal=goals.title(f"goal_{name}", text),
                outcome=text(outcome.replace(" ", "_")),
            )
    low, high = accuracy.interval or (0.0, 1.0)
    shown = accuracy.metric.shown
    if high - low > WIDEST:
        yield text("against_few", photos=f"{accuracy.n:,}", low=shown(low), high=shown(high))
    supports = [own["support"] for own in run.mistakes["classes"].values()]
    chance = max(supports) / sum(supports)
    if low <= chance:
        yield text("against_chance", chance=shown(chance))
    if floor.get("verdict") == "below":
        yield text("against_floor", accuracy=percent(floor["accuracy"]))
    found = run.json_if(run.files.background)
    if found.get("verdict") == "relies":
        yield noted(about_background(found)[:1]).said(text)
    yield from classes(run, text)


def classes(run: Run, text: Text) -> Iterator[str]:
    """Classes that have no photos, are never predicted, or are missed more often than found."""
    metrics = run.mistakes
    columns = zip(*metrics["confusion_matrix"], strict=True)
    never = [name for name, column in zip(run.vocab, columns, strict=True) if not any(column)]
    absent = [name for name, scores in metrics["classes"].items() if not scores["support"]]
    missed = [
        text("missed_class", name=name, found=round(own["recall"] * own["support"]), support=own["support"])
        for name, own in metrics["classes"].items()
        if own["support"] and own["recall_interval"][1] < 0.5 and name not in never
    ]
    if absent:
        yield text("no_photos_of", names=", ".join(absent), part=text(metrics["split"]))
    if never:
        yield text("never_predicted", names=", ".join(never))
    if missed:
        yield text("against_classes", names=", ".join(missed))
