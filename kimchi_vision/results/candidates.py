"""What one training could have kept: its epochs, and how the validation photos choose among them."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal, Protocol
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from kimchi_vision.base.files import readable, replacing
from kimchi_vision.config.sections.train import EarlyStop
from kimchi_vision.results.predictions import Predictions
from kimchi_vision.results.scores import METRICS, sign


class Keeping(Protocol):
    """What the section `train` says: whether validation photos choose the epoch that is kept, by which score
    or loss, which of its values is best (None: what is usual), and when they end the training.
    """

    keep: Literal["last", "best"]
    monitor: str
    mode: Literal["min", "max"] | None
    early_stop: EarlyStop | None


@dataclass(frozen=True)
class Epochs:
    """What a training said of its validation photos after each epoch.

    epoch: counted from 1 over all stages, 0 before the first one; shape (epochs,).
    right: whether the predicted class is the true one; loss: cross-entropy, nats; shape (epochs, photos),
    photos in the order of items.csv. probabilities: (epochs, photos, classes), of folds alone, whose photos
    are few; else (epochs, photos, 0).
    """

    epoch: np.ndarray
    right: np.ndarray
    loss: np.ndarray
    probabilities: np.ndarray = field(default_factory=lambda: np.empty(0))  # of folders of before

    @classmethod
    def read(cls, file: Path) -> Epochs | None:
        """What `write_epoch` wrote; None when there is no such file. Raises InputError when it is damaged."""
        if not file.is_file():
            return None
        damage = (OSError, EOFError, ValueError, TypeError, BadZipFile, zlib.error)
        with readable(file, *damage), file.open("rb") as opened, np.load(opened) as held:
            return cls(**{each.name: held[each.name] for each in fields(cls) if each.name in held})


def write_epoch(file: Path, epoch: int, predictions: Predictions, whole: bool = False) -> None:
    """Add an epoch to the file; what it held of this epoch and later ones was of a training that died.

    whole: with its probabilities.
    """
    probabilities = predictions.probabilities.astype(np.float32)[:, : None if whole else 0]
    own = Epochs(np.array(epoch), predictions.right, predictions.loss.astype(np.float32), probabilities)
    arrays = {name: values[None] for name, values in vars(own).items()}
    known = Epochs.read(file)
    if known is not None and known.right.shape[1] == len(predictions):
        old = known.epoch < epoch
        arrays = {name: np.concatenate([vars(known)[name][old], new]) for name, new in arrays.items()}
    with replacing(file) as temporary, temporary.open("wb") as opened:
        np.savez_compressed(opened, **arrays)


@dataclass(frozen=True)
class Stop:
    """Early stopping.

    worth: as of Candidates, of what it monitors. first: the candidate of the first epoch.
    """

    worth: np.ndarray
    patience: int
    min_delta: float = 0.0
    first: int = 0

    def last(self, weights: np.ndarray) -> np.ndarray:
        """The candidate that training ends with, by draws of photos; (draws,)."""
        values = weights @ self.worth.T / weights.sum(axis=1, keepdims=True)
        best, since = np.full(len(weights), -np.inf), np.zeros(len(weights), int)
        last = np.full(len(weights), len(self.worth) - 1)
        for epoch, value in enumerate(values.T[self.first :], self.first):
            better = value > best + self.min_delta
            best, since = np.where(better, value, best), np.where(better, 0, since + 1)
            last = np.where(since >= self.patience, np.minimum(last, epoch), last)
        return last


@dataclass(frozen=True)
class Candidates:
    """What one training could have kept.

    right: (candidates, photos). worth: of each photo, what is best on average is kept, or the last one where
    it is None; the same shape. stop: what ends the training before its last candidate.
    """

    right: np.ndarray
    worth: np.ndarray | None
    stop: Stop | None = None

    def __len__(self) -> int:
        return len(self.right)

    def kept(self, weights: np.ndarray) -> np.ndarray:
        """Which candidate photos so often drawn would have kept; weights (draws, photos)."""
        last = self.stop.last(weights) if self.stop else np.full(len(weights), len(self) - 1)
        if self.worth is None:
            return last
        values = weights @ self.worth.T.astype(np.float32)
        return np.where(np.arange(len(self)) <= last[:, None], values, -np.inf).argmax(axis=1)


def candidates(train: Keeping, valid: Predictions, file: Path) -> Candidates:
    """The epochs in the file that the validation photos chose from, or the one that was just kept."""
    epochs, rule = Epochs.read(file), train.early_stop
    chose = train.keep == "best" and train.monitor != "train_loss"
    stops = rule is not None and rule.monitor != "train_loss"
    if not (chose or stops) or epochs is None or epochs.right.shape[1] != len(valid):
        return Candidates(valid.right[None], valid.right[None].astype(float))
    worth = _worth(epochs, train.monitor, train.mode, valid) if chose else None
    stop = None
    if stops:
        seen = _worth(epochs, rule.monitor, None, valid)
        stop = Stop(seen, rule.patience, rule.min_delta, int(np.searchsorted(epochs.epoch, 1)))
    return Candidates(epochs.right, worth, stop)


def _worth(
    epochs: Epochs, monitor: str, mode: Literal["min", "max"] | None, valid: Predictions
) -> np.ndarray:
    """What the monitored score sees in a photo, more is better; a mean over classes weighs by the class."""
    if monitor.endswith("loss"):
        return {"max": 1.0, "min": -1.0, None: sign(monitor)}[mode] * epochs.loss
    right = epochs.right.astype(float)
    if monitor.startswith("macro") and monitor in METRICS:
        sizes = np.bincount(valid.truth, minlength=len(valid.vocab))
        right *= len(valid) / (sizes[valid.truth] * np.count_nonzero(sizes))
    return right


def overfits_from(history: pd.DataFrame) -> int | None:
    """The epoch, counted from 1 over all stages, from which training loss falls while validation loss rises.

    That is the one after the lowest validation loss, when by the last epoch the training loss has gone down
    and the validation loss up. None when it is not so.
    history: a row an epoch; columns stage, epoch, lr, train_loss, valid_loss, the scores, seconds, and kept,
    true for the epoch that is evaluated and exported.
    """
    if history.empty:
        return None
    train, valid = history["train_loss"].to_numpy(), history["valid_loss"].to_numpy()
    best = int(valid.argmin())
    if valid[-1] > valid[best] and train[-1] < train[best]:
        return best + 2
    return None
