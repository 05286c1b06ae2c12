"""What a run decides: ship it or not yet, and why. The first lines of the page and of the console's card."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from kimchi_vision.base.messages import Text, about_background
from kimchi_vision.base.numbers import percent
from kimchi_vision.base.plain import Json
from kimchi_vision.base.sentence import noted
from kimchi_vision.results import goals, headline
from kimchi_vision.results.run import Run
from kimchi_vision.results.score import Score

WIDEST = 0.2
"""An interval of the accuracy wider than this, from end to end, is no basis for a decision."""
CONFUSIONS_NAMED = 3

Kind = Literal["ship", "open", "not_yet"]


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
    yield from _about_accuracy(accuracy, run.mistakes, text)
    if floor.get("verdict") == "below":
        yield text("against_floor", accuracy=percent(floor["accuracy"]))
    found = run.json_if(run.files.background)
    if found.get("verdict") == "relies":
        yield noted(about_background(found)[:1]).said(text)
    yield from classes(run, text)


def _about_accuracy(accuracy: Score, metrics: Json, text: Text) -> Iterator[str]:
    low, high = accuracy.interval or (0.0, 1.0)
    shown = {"low": accuracy.metric.shown(low), "high": accuracy.metric.shown(high)}
    if high - low > WIDEST:
        yield text("against_few", photos=f"{accuracy.n:,}", **shown)
    supports = [own["support"] for own in metrics["classes"].values()]
    chance = max(supports) / sum(supports)
    if low <= chance:
        yield text("against_chance", chance=accuracy.metric.shown(chance))


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
