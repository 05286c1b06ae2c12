"""What folds say of photos: each photo is answered by a model that has not seen it, and chose no epoch."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from kimchi_vision.base.plain import Json
from kimchi_vision.results import choices, compare
from kimchi_vision.results.candidates import Candidates, Epochs
from kimchi_vision.results.predictions import Predictions
from kimchi_vision.results.run import Run


def answers(runs: Sequence[Run]) -> Predictions:
    """Of all their validation photos, fold by fold, each after the epoch that the other folds' photos choose.

    So no photo takes part in a choice that it scores. No network is trained for it: epochs stand for each
    other between folds, since all are trained alike.
    """
    kept = by_others([choices.of_run(run) for run in runs])
    return Predictions.joined([_after(run, epoch) for run, epoch in zip(runs, kept, strict=True)])


def facts(runs: Sequence[Run], said: Predictions) -> Json:
    """What stands in metrics beside the scores of `answers`.

    folds: run, photos and accuracy of each. floor: as compare.beside_floor has it, where every fold has one,
    each fitted without the photos that it answers.
    """
    ends = np.cumsum([len(run.predictions.part("valid")) for run in runs])
    folds = [
        {"run": run.path.name, "photos": len(right), "accuracy": float(right.mean())}
        for run, right in zip(runs, np.split(said.right, ends[:-1]), strict=True)
    ]
    if not all(run.files.floor.is_file() for run in runs):
        return {"folds": folds}
    floors = [Predictions.read(run.sound(run.files.floor), run.vocab, run.items) for run in runs]
    return {"folds": folds, "floor": compare.beside_floor(said, Predictions.joined(floors))}


def by_others(folds: Sequence[Candidates]) -> list[int]:
    """The candidate of each fold that the other folds' photos keep."""
    found = []
    for number, fold in enumerate(folds):
        others = _side_by_side([each for place, each in enumerate(folds) if place != number])
        kept = int(others.kept(np.ones((1, others.right.shape[1]), np.float32))[0])
        found.append(min(kept, len(fold) - 1))
    return found


def _after(run: Run, epoch: int) -> Predictions:
    """What a fold said of its photos after a candidate; its last word where there was nothing to choose."""
    valid, epochs = run.predictions.part("valid"), Epochs.read(run.sound(run.files.epoch_answers))
    if len(choices.of_run(run)) == 1 or epochs is None or not epochs.probabilities.size:
        return valid
    return valid.answered(epochs.probabilities[epoch])


def _side_by_side(folds: Sequence[Candidates]) -> Candidates:
    """Folds as one training over all their photos; one that ended earlier stays as it was."""
    longest = max(folds, key=len)

    def beside(parts: Sequence[np.ndarray]) -> np.ndarray:
        rows = [np.minimum(np.arange(len(longest)), len(part) - 1) for part in parts]
        return np.concatenate([part[row] for part, row in zip(parts, rows, strict=True)], axis=1)

    worth = None if longest.worth is None else beside([fold.worth for fold in folds])
    stop = longest.stop and replace(longest.stop, worth=beside([fold.stop.worth for fold in folds]))
    return Candidates(beside([fold.right for fold in folds]), worth, stop)
