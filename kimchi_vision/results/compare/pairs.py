"""Experiments on the same photos, two by two, a run and its floor, too: test, verdict, what it would need."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from kimchi_vision.base.numbers import percent, points
from kimchi_vision.base.plain import Json
from kimchi_vision.base.sentence import Sentences, noted
from kimchi_vision.results.compare import paired
from kimchi_vision.results.intervals import FEWEST, independent, named, share
from kimchi_vision.results.predictions import Predictions

Verdict = Literal["better", "cannot tell", "practically equal"]
About = Literal["trainings", "experiments"]

PLAUSIBLE = 0.2
"""A difference beyond the margin is plausible when equal ones show as much in fewer trials than this."""


@dataclass(frozen=True)
class Row:
    """An experiment with its runs, one a seed.

    right: right or wrong, [seeds, photos]. units: the photos' groups, the same for all experiments.
    """

    name: str
    right: np.ndarray
    units: np.ndarray

    @property
    def seeds(self) -> int:
        """How many runs there are."""
        return len(self.right)

    @property
    def accuracy(self) -> float:
        """Mean over seeds and photos."""
        return float(self.right.mean())


@dataclass(frozen=True)
class Pair:
    """Two experiments, the more accurate one first.

    difference, low, high: first minus second in accuracy, with its 95 % interval.
    only_first, only_second: photos that only one of them has right, as if without groups: perhaps fractions.
    p: mid_p, or the test over seeds; holm_p: corrected for the number of pairs.
    verdict: of the first against the second; practically equal by two one-sided tests, since the interval
    lies within the margin (Schuirmann, 1987, Journal of Pharmacokinetics and Biopharmaceutics 15:657).
    worth: photos as if without groups. about: with one seed each, the verdict is on these two trainings; with
    several seeds, on experiments.
    photos_needed: more photos for a verdict, if the difference is what it looks like; needed_for: which one.
    With several seeds only_first, only_second, exact_p, mid_p and photos_needed are None.
    """

    first: str
    second: str
    photos: int
    difference: float
    low: float
    high: float
    p: float
    only_first: float | None = None
    only_second: float | None = None
    exact_p: float | None = None
    mid_p: float | None = None
    holm_p: float = 1.0
    verdict: Verdict = "cannot tell"
    photos_needed: int | None = None
    needed_for: Verdict | None = None
    about: About = "experiments"
    worth: float | None = None


def judge(rows: Sequence[Row], margin: float) -> list[Pair]:
    """Every pair of rows. margin: difference in accuracy that does not matter, 0 to 1."""
    ordered = sorted(rows, key=lambda row: -row.accuracy)
    pairs = [_tested(first, second) for first, second in itertools.combinations(ordered, 2)]
    corrected = paired.holm([pair.p for pair in pairs])
    level = paired.LEVEL / max(len(pairs), 1)
    return [
        _judged(replace(pair, holm_p=float(p)), margin, level)
        for pair, p in zip(pairs, corrected, strict=True)
    ]


def _tested(first: Row, second: Row) -> Pair:
    names, photos = (first.name, second.name), first.right.shape[1]
    if max(first.seeds, second.seeds) > 1:
        difference, (low, high), p = paired.over_seeds(first.right, second.right, first.units)
        return Pair(*names, photos, difference, float(low), float(high), p)
    one, other = first.right[0], second.right[0]
    *counts, number = paired.discordant(one, other, first.units)
    low, high = paired.difference_interval(*counts, number)
    exact_p, mid_p = float(paired.exact_p(*counts)), float(paired.mid_p(*counts))
    difference = float(one.mean() - other.mean())
    found = Pair(*names, photos, difference, float(low), float(high), mid_p, *counts, exact_p, mid_p)
    return replace(found, worth=number, about="trainings")


def _judged(pair: Pair, margin: float, level: float) -> Pair:
    if -margin < pair.low and pair.high < margin:
        return replace(pair, verdict="practically equal")
    if pair.holm_p < paired.LEVEL:
        return replace(pair, verdict="better")
    if pair.only_first is None:
        return pair
    counts = pair.only_first, pair.only_second, pair.worth
    if pair.difference > margin and pair.p < PLAUSIBLE:
        number, verdict = paired.photos_to_tell(*counts, level), "better"
    else:
        number, verdict = paired.photos_to_equate(*counts, margin), "practically equal"
    if number is None:
        return pair
    more = math.ceil((number - pair.worth) * pair.photos / pair.worth)
    return replace(pair, photos_needed=max(more, 1), needed_for=verdict)


def beside_floor(predictions: Predictions, floor: Predictions) -> Json:
    """The floor's accuracy, and accuracy of the run minus that, both with 95 % intervals.

    The photos that the floor has are compared.
    Returns accuracy, accuracy_interval, gain, gain_interval, and verdict: `above`, `below` or `cannot tell`;
    of photos too few to say how far an accuracy holds, the intervals are None and nothing can be told.
    """
    return {**named("accuracy", share(floor.right, floor.units)), **_gain(predictions, floor)}


def beside_one_view(averaged: Predictions, predictions: Predictions) -> Json:
    """The accuracy of averaged views on one part, and that minus the accuracy of one view of each photo.

    averaged: its table has views, the number of varied views that were averaged with the plain one.
    Returns n, the views, and what beside_floor returns.
    """
    accuracy = named("accuracy", share(averaged.right, averaged.units))
    return {"n": int(averaged.table["views"].iloc[0]), **accuracy, **_gain(averaged, predictions)}


def _gain(predictions: Predictions, other: Predictions) -> Json:
    """The first against the other, on the other's photos."""
    ours = predictions.of(other.paths)
    rows = Row("ours", ours.right[None], ours.units), Row("theirs", other.right[None], ours.units)
    pair = judge(rows, margin=0.0)[0]
    sign = 1 if pair.first == "ours" else -1
    side = "above" if sign > 0 else "below"
    told = independent(ours.units) >= FEWEST
    return {
        "gain": sign * pair.difference,
        "gain_interval": sorted([sign * pair.low, sign * pair.high]) if told else None,
        "verdict": side if told and pair.verdict == "better" else "cannot tell",
    }


def about_gain(name: str, found: Json) -> Sentences:
    """What training brought beside the `floor`, or views beside one, `tta`, by that entry of metrics.json."""
    shown = {"n": found.get("n"), "accuracy": percent(found["accuracy"]), "gain": points(found["gain"])}
    if found["accuracy_interval"] is None or found["gain_interval"] is None:
        return noted([(f"{name}_few", shown)])
    shown |= zip(("least", "most"), map(percent, found["accuracy_interval"]), strict=True)
    shown |= zip(("low", "high"), map(points, found["gain_interval"]), strict=True)
    return noted([(f"{name}_{found['verdict'].replace(' ', '_')}", shown)])
