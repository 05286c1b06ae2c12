"""What choosing on the photos that score adds to the score: the winner of many is flattered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.optimize import brentq

from kimchi_vision.base.plain import Json
from kimchi_vision.results.candidates import Candidates, Keeping, candidates
from kimchi_vision.results.intervals import Estimate, wilson
from kimchi_vision.results.predictions import Predictions
from kimchi_vision.results.run import Run
from kimchi_vision.results.scores import Score

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


def of_run(run: Run, part: str = "valid") -> Candidates:
    """What its training could have kept, and how its validation photos chose; for folds nothing did."""
    valid = run.predictions.part(part)
    if part != "valid":
        return Candidates(valid.right[None], valid.right[None].astype(float))
    return candidates(run.experiment.train, valid, run.sound(run.files.epoch_answers))


@dataclass(frozen=True)
class Winner:
    """The row of a table with the highest accuracy, and its accuracy without what choosing has added.

    rows, epochs: from how many these photos chose it, epochs over all trainings, none for folds. reported:
    with what that has added.
    """

    name: str
    rows: int
    epochs: int
    accuracy: Score
    reported: Score


def winner(rows: Mapping[str, Sequence[Run]], means: Mapping[str, Score], part: str) -> Winner | None:
    """None for one row, and where the rows were not scored on the same photos.

    means: accuracy of each row over its seeds. part: the photos that it is of, valid or folds.
    """
    said = [run.predictions.part(part) for runs in rows.values() for run in runs]
    if len(rows) < 2 or any(each.paths != said[0].paths for each in said):
        return None
    found = {name: [of_run(run, part) for run in runs] for name, runs in rows.items()}
    name = max(means, key=lambda row: means[row].value)
    gain = optimism(list(found.values()), said[0].units)
    epochs = sum(len(each) for trainings in found.values() for each in trainings) if part == "valid" else 0
    corrected = replace(means[name], **without(means[name], gain)._asdict())
    return Winner(name, len(rows), epochs, corrected, means[name])


def without(accuracy: Estimate | Score, gain: float) -> Estimate:
    """Accuracy without what choosing has added, and Wilson's interval for photos worth as much as before."""
    value = float(np.clip(accuracy.value - gain, 0, 1))
    if accuracy.low is None or accuracy.high is None:
        return Estimate(value, None, None)
    reach = min(accuracy.high - accuracy.low, 0.999)
    photos = brentq(lambda worth: float(np.ptp(wilson(accuracy.value, worth))) - reach, 1e-6, 1e12)
    return Estimate.around(value, *wilson(value, photos))
