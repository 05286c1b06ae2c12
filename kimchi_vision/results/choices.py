"""What choosing on the photos that score adds to the score: the winner of many is flattered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from scipy.optimize import brentq

from kimchi_vision.base.files import replacing
from kimchi_vision.base.plain import Json
from kimchi_vision.results.intervals import Estimate, wilson
from kimchi_vision.results.scores import METRICS, sign

if TYPE_CHECKING:
    from kimchi_vision.results.predictions import Predictions
    from kimchi_vision.results.run import Run
    from kimchi_vision.results.scores import Score


class Keeping(Protocol):
    """What the section `train` says of the epoch that is kept."""

    @property
    def keep(self) -> Literal["last", "best"]:
        """Whether validation photos choose."""

    @property
    def monitor(self) -> str:
        """By which score or loss."""

    @property
    def mode(self) -> Literal["min", "max"] | None:
        """Which of its values is best; None: what is usual."""


DRAWS = 1000
ROOM = 4_000_000
"""Draws times photos that are held at once."""


@dataclass(frozen=True)
class Epochs:
    """What a training said of its validation photos after each epoch.

    epoch: counted from 1 over all stages, 0 before the first one; shape (epochs,).
    right: whether the predicted class is the true one; loss: cross-entropy, nats; shape (epochs, photos),
    photos in the order of items.csv.
    """

    epoch: np.ndarray
    right: np.ndarray
    loss: np.ndarray

    @classmethod
    def read(cls, file: Path) -> Epochs | None:
        """What `with_epoch` wrote; None when there is no such file."""
        if not file.is_file():
            return None
        with np.load(file) as held:
            return cls(held["epoch"], held["right"], held["loss"])


def write_epoch(file: Path, epoch: int, predictions: Predictions) -> None:
    """Add an epoch to the file; what it held of this epoch and later ones was of a training that died."""
    right, loss = predictions.right[None], predictions.loss.astype(np.float32)[None]
    found = Epochs(np.array([epoch]), right, loss)
    known = Epochs.read(file)
    if known is not None and known.right.shape[1] == right.shape[1]:
        old = known.epoch < epoch
        found = Epochs(
            np.append(known.epoch[old], epoch),
            np.concatenate([known.right[old], right]),
            np.concatenate([known.loss[old], loss]),
        )
    with replacing(file) as temporary, temporary.open("wb") as opened:
        np.savez_compressed(opened, epoch=found.epoch, right=found.right, loss=found.loss)


@dataclass(frozen=True)
class Candidates:
    """What one training could have kept.

    right: (candidates, photos). worth: of each photo, what is best on average is kept; the same shape.
    """

    right: np.ndarray
    worth: np.ndarray

    def __len__(self) -> int:
        return len(self.right)


def candidates(train: Keeping, valid: Predictions, file: Path) -> Candidates:
    """The epochs in the file that the validation photos chose from, or the one that was just kept."""
    epochs = Epochs.read(file)
    chose = train.keep == "best" and train.monitor != "train_loss"
    if not chose or epochs is None or epochs.right.shape[1] != len(valid):
        return Candidates(valid.right[None], valid.right[None].astype(float))
    return Candidates(epochs.right, _worth(epochs, train, valid))


def _worth(epochs: Epochs, train: Keeping, valid: Predictions) -> np.ndarray:
    """What `train.monitor` sees in a photo; a mean over classes weighs a photo by its class."""
    if train.monitor.endswith("loss"):
        return {"max": 1.0, "min": -1.0, None: sign(train.monitor)}[train.mode] * epochs.loss
    right = epochs.right.astype(float)
    if train.monitor.startswith("macro") and train.monitor in METRICS:
        right /= np.bincount(valid.truth, minlength=len(valid.vocab))[valid.truth]
    return right


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
        kept = [(weights @ each.worth.T.astype(np.float32)).argmax(axis=1) for each in trainings]
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


def of_folds(runs: Sequence[Run]) -> Json:
    """The same of pooled folds, each of which chose its epoch."""
    own = [(run.metrics["photos"], run.metrics["choices"]) for run in runs if run.metrics.get("choices")]
    photos = sum(run.metrics["photos"] for run in runs)
    gain = sum(scored * each["gain"] for scored, each in own) / photos
    return {"epochs": max(each["epochs"] for _, each in own), "gain": gain} if own else {}


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
    found = {
        name: [
            candidates(run.experiment.train, run.predictions.part("valid"), run.files.epoch_answers)
            for run in runs
        ]
        for name, runs in rows.items()
    }
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
