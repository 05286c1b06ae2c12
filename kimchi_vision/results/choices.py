"""What choosing on the photos that score adds to the score: the winner of many is flattered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.optimize import brentq

from kimchi_vision.base.plain import Json
from kimchi_vision.results.candidates import Candidates, Keeping, candidates
from kimchi_vision.results.intervals import Estimate, share, wilson
from kimchi_vision.results.predictions import Predictions
from kimchi_vision.results.run import Run
from kimchi_vision.results.score import Score

DRAWS = 1000
ROOM = 4_000_000
"""Draws times photos that are held at once."""


def optimism(rows: Sequence[Sequence[Candidates]], units: np.ndarray, draws: int = DRAWS) -> float:
    """How much of the winner's accuracy is owed to having been chosen on the same photos.

    rows: each with its trainings, one a seed; the candidate of each training is chosen first, then the row
    with the highest mean accuracy. units: of each photo; photos with the same number are drawn together.
    The choice is made anew on photos drawn with replacement, and scored on those that were not drawn: BBC-CV,
    Tsamardinos, Greasidou and Borboudakis, 2018, "Bootstrapping the out-of-sample predictions for efficient
    and accurate cross-validation", Machine Learning 107:1895.
    """
    places = np.unique(units, return_inverse=True)[1]
    number = int(places.max()) + 1
    if number < 2:
        return 0.0
    random = np.random.default_rng(0)
    seen = _chosen(rows, np.ones((1, len(places)), np.float32), np.ones((1, len(places)), np.float32))[0]
    unseen, left = [], draws
    while left > 0:
        some = min(left, max(ROOM // len(places), 1))
        left -= some
        weights = random.multinomial(number, np.full(number, 1 / number), size=some)[:, places]
        weights = weights[(weights == 0).any(axis=1)].astype(np.float32)
        unseen.append(_chosen(rows, weights, (weights == 0).astype(np.float32)))
    return float(seen - np.concatenate(unseen).mean())


def _chosen(rows: Sequence[Sequence[Candidates]], weights: np.ndarray, scored: np.ndarray) -> np.ndarray:
    """Accuracy over the photos in `scored` of what is chosen by `weights`; both (draws, photos)."""
    draw = np.arange(len(weights))
    inner, outer = [], []
    for trainings in rows:
        kept = [each.kept(weights) for each in trainings]
        for found, by in ((inner, weights), (outer, scored)):
            shares = [
                (by @ each.right.T.astype(np.float32))[draw, best]
                for each, best in zip(trainings, kept, strict=True)
            ]
            found.append(np.mean(shares, axis=0) / by.sum(axis=1))
    best = np.argmax(inner, axis=0)
    return np.array(outer)[best, draw]


def of_epochs(train: Keeping, valid: Predictions, file: Path) -> Json:
    """From how many epochs the validation photos chose, and what that adds to accuracy, as epochs and gain.

    Empty when they chose nothing. file: as write_epoch wrote it.
    """
    found = candidates(train, valid, file)
    return {"epochs": len(found), "gain": optimism([[found]], valid.units)} if len(found) > 1 else {}


def of_folds(runs: Sequence[Run], units: np.ndarray) -> Json:
    """The same of pooled folds, each of which chose its epoch; `nested` is a number that nobody chose by.

    nested, nested_interval: accuracy where each fold keeps the epoch that the photos of the other folds
    choose, so that no photo takes part in a choice that it scores. gain: what the folds' own choices add.
    units: groups of all their photos, fold by fold. No network is trained for it: epochs stand for each other
    between folds, since all are trained alike.
    """
    found = list(map(_of_run, runs))
    if min(map(len, found)) == 1:
        return {}
    right = nested(found)
    accuracy = share(right, units)
    own = np.concatenate([run.predictions.part("valid").right for run in runs])
    gain = float(own.mean()) - accuracy.value
    nested_facts = {"nested": accuracy.value, "nested_interval": accuracy.ends}
    return {"epochs": max(map(len, found)), "gain": gain, **nested_facts}


def _of_run(run: Run) -> Candidates:
    valid = run.predictions.part("valid")
    return candidates(run.experiment.train, valid, run.sound(run.files.epoch_answers))


def beside(runs: Sequence[Run]) -> Json:
    """What folds say of a recipe beside a model that is none of them: as of_folds, with how many folds, and
    photos in all. Where no epoch was chosen, nested is the accuracy of the folds as they ended.
    """
    pooled = Predictions.joined([run.predictions.part("valid") for run in runs])
    accuracy = share(pooled.right, pooled.units)
    facts = {"folds": len(runs), "photos": len(pooled)}
    plain = {"nested": accuracy.value, "nested_interval": accuracy.ends}
    return {**facts, **plain, **of_folds(runs, pooled.units)}


def nested(folds: Sequence[Candidates]) -> np.ndarray:
    """Whether each photo is right at the epoch that the other folds' photos keep; fold by fold."""
    right = []
    for number, fold in enumerate(folds):
        others = _side_by_side([each for place, each in enumerate(folds) if place != number])
        kept = int(others.kept(np.ones((1, others.right.shape[1]), np.float32))[0])
        right.append(fold.right[min(kept, len(fold) - 1)])
    return np.concatenate(right)


def _side_by_side(folds: Sequence[Candidates]) -> Candidates:
    """Folds as one training over all their photos; one that ended earlier stays as it was."""
    longest = max(folds, key=len)

    def beside(parts: Sequence[np.ndarray]) -> np.ndarray:
        rows = [np.minimum(np.arange(len(longest)), len(part) - 1) for part in parts]
        return np.concatenate([part[row] for part, row in zip(parts, rows, strict=True)], axis=1)

    worth = None if longest.worth is None else beside([fold.worth for fold in folds])
    stop = longest.stop and replace(longest.stop, worth=beside([fold.stop.worth for fold in folds]))
    return Candidates(beside([fold.right for fold in folds]), worth, stop)


@dataclass(frozen=True)
class Winner:
    """The row of a table with the highest accuracy, and its accuracy without what choosing has added.

    rows, epochs: from how many it was chosen, epochs over all trainings.
    """

    name: str
    rows: int
    epochs: int
    accuracy: Estimate


def winner(rows: Mapping[str, Sequence[Run]], means: Mapping[str, Estimate]) -> Winner | None:
    """None for one row, and where the rows were not scored on the same photos.

    means: accuracy of each row over its seeds.
    """
    valid = [run.predictions.part("valid") for runs in rows.values() for run in runs]
    if len(rows) < 2 or any(each.paths != valid[0].paths for each in valid):
        return None
    found = {name: list(map(_of_run, runs)) for name, runs in rows.items()}
    name = max(means, key=lambda row: means[row].value)
    pooled = [run.metrics.get("choices", {}).get("gain", 0) for run in rows[name] if "folds" in run.metrics]
    gain = optimism(list(found.values()), valid[0].units) + sum(pooled) / len(rows[name])
    epochs = sum(len(each) for trainings in found.values() for each in trainings)
    return Winner(name, len(rows), epochs, without(means[name], gain))


def without(accuracy: Estimate | Score, gain: float) -> Estimate:
    """Accuracy without what choosing has added, and Wilson's interval for photos worth as much as before."""
    value = float(np.clip(accuracy.value - gain, 0, 1))
    if accuracy.low is None or accuracy.high is None:
        return Estimate(value, None, None)
    reach = min(accuracy.high - accuracy.low, 0.999)
    photos = brentq(lambda worth: float(np.ptp(wilson(accuracy.value, worth))) - reach, 1e-6, 1e12)
    return Estimate.around(value, *wilson(value, photos))
