"""What a model said about photos: a table of photos and classes; predictions_file alone names its columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from kimchi_vision.base.errors import InputError, RunError
from kimchi_vision.base.files import write_table
from kimchi_vision.base.run_files import RunFiles
from kimchi_vision.results import predictions_file, temperature

FOLDS = "folds"
"""The part that folds beside a model answered."""


@dataclass(frozen=True)
class Predictions:
    """Photos in rows, classes in columns.

    table: columns path, split (train, valid or test; folds: what those beside the model answered), truth,
    predicted, loss (cross-entropy, nats), and for each class `p:CLASS`, its probability before calibration,
    0 to 1.
    vocab: the classes in the order of the model's outputs.
    group: for each row a whole number; photos that share it (copies of one picture, or what data.group_by
    holds together) count as one. None: each photo by itself.
    """

    table: pd.DataFrame
    vocab: tuple[str, ...]
    group: np.ndarray | None = None

    @classmethod
    def from_logits(cls, items: pd.DataFrame, logits: np.ndarray, vocab: Sequence[str]) -> Predictions:
        """What a model says of photos. items: columns path, split, label, perhaps group.

        logits: (photos, classes). Raises RunError when they are not finite numbers, and InputError for a
        label outside vocab.
        """
        if not np.isfinite(logits).all():
            raise RunError(
                "The model gives outputs that are no numbers: the training went wrong. Lower the rate."
            )
        logits = logits.astype(np.float64)
        log_shares = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
        truth = _places(items["label"], vocab)
        shares = np.exp(log_shares).astype(np.float32)
        table = pd.DataFrame(
            {
                "path": items["path"].to_numpy(),
                "split": items["split"].to_numpy(),
                "truth": items["label"].to_numpy(),
                "predicted": np.array(vocab, dtype=object)[shares.argmax(axis=1)],
                # From the logits: a probability that float32 rounds to 0 would make the loss infinite.
                "loss": -log_shares[np.arange(len(items)), truth].astype(np.float32),
            }
        )
        named = pd.DataFrame(shares, columns=predictions_file.columns(vocab))
        table = pd.concat([table, named], axis=1)
        group = items["group"].to_numpy(int) if "group" in items else None
        return cls(table, tuple(vocab), group)

    @classmethod
    def from_probabilities(
        cls, items: pd.DataFrame, probabilities: np.ndarray, vocab: Sequence[str]
    ) -> Predictions:
        """As from_logits, of probabilities (photos, classes) that sum to 1."""
        return cls.from_logits(items, temperature.logits(probabilities), vocab)

    @classmethod
    def read(cls, file: Path, vocab: Sequence[str], items: pd.DataFrame | None = None) -> Predictions:
        """Read what `write` wrote. items: columns path and group, for the groups.

        Raises InputError for a missing or damaged file, other classes than vocab, what are no probabilities,
        and a photo that items lacks.
        """
        found = cls(predictions_file.read(file, vocab), tuple(vocab))
        if items is None:
            return found
        lost = found.table["path"][~found.table["path"].isin(items["path"])]
        if len(lost):
            what = "{file} names {photo}, which {other} does not."
            raise InputError(what, file=file, photo=lost.iloc[0], other=RunFiles.items.name)
        return found.grouped(items)

    def write(self, file: Path) -> None:
        """As a CSV file that keeps every digit of a float32."""
        write_table(file, self.table)

    def grouped(self, items: pd.DataFrame) -> Predictions:
        """With the groups of a table of photos, if it has any. items: columns path and perhaps group."""
        if "group" not in items:
            return self
        group = self.table["path"].map(items.set_index("path")["group"]).to_numpy(int)
        return replace(self, group=group)

    def __len__(self) -> int:
        return len(self.table)

    def where(self, rows: np.ndarray) -> Predictions:
        """The rows that a mask or an array of places names."""
        table = self.table.loc[rows] if rows.dtype == bool else self.table.iloc[rows]
        return Predictions(
            table.reset_index(drop=True), self.vocab, None if self.group is None else self.group[rows]
        )

    def part(self, split: str) -> Predictions:
        """The photos of one split. Raises InputError when there are none."""
        part = self.where((self.table["split"] == split).to_numpy())
        if not len(part):
            none = "There are no predictions for photos of the part `{split}`."
            test = (
                "There are no predictions for photos of the part `{split}`. Set `data.test_pct`, or name a "
                "folder test, and run it again."
            )
            raise InputError(test if split == "test" else none, split=split)
        return part

    def without(self, others: Predictions) -> Predictions:
        """The photos that are not among the others."""
        return self.where(~self.table["path"].isin(others.paths).to_numpy())

    def of(self, paths: Sequence[str]) -> Predictions:
        """The photos with these paths, in this order. Raises InputError for a path that is not among them."""
        places = pd.Index(self.table["path"]).get_indexer(list(paths))
        if (places < 0).any():
            raise InputError("There is no prediction for {photo}.", photo=paths[int(places.argmin())])
        return self.where(places)

    @staticmethod
    def joined(parts: Sequence[Predictions]) -> Predictions:
        """Several tables over the same classes as one."""
        table = pd.concat([part.table for part in parts], ignore_index=True)
        groups = [part.group for part in parts]
        group = None if any(each is None for each in groups) else np.concatenate(groups)
        return Predictions(table, parts[0].vocab, group)

    def answered(self, probabilities: np.ndarray) -> Predictions:
        """The same photos with other answers; probabilities: (photos, classes)."""
        items = self.table[["path", "split"]].assign(label=self.table["truth"])
        return replace(self.from_probabilities(items, probabilities, self.vocab), group=self.group)

    def as_part(self, split: str) -> Predictions:
        """The same answers as those of another part."""
        return replace(self, table=self.table.assign(split=split))

    @property
    def split(self) -> str:
        """The part that the photos are of: that of the first one."""
        return str(self.table["split"].iloc[0])

    @property
    def paths(self) -> list[str]:
        """Below the data folder, in the order of the rows."""
        return self.table["path"].tolist()

    @cached_property
    def truth(self) -> np.ndarray:
        """The true classes as places in vocab; shape (photos,)."""
        return _places(self.table["truth"], self.vocab)

    @cached_property
    def answers(self) -> np.ndarray:
        """The predicted classes as places in vocab; shape (photos,)."""
        return _places(self.table["predicted"], self.vocab)

    @property
    def right(self) -> np.ndarray:
        """Whether the predicted class is the true one; shape (photos,)."""
        return self.truth == self.answers

    @property
    def loss(self) -> np.ndarray:
        """Cross-entropy of each photo, nats; shape (photos,)."""
        return self.table["loss"].to_numpy(float)

    @cached_property
    def probabilities(self) -> np.ndarray:
        """Before calibration; shape (photos, classes)."""
        return self.table[predictions_file.columns(self.vocab)].to_numpy(float)

    @property
    def logits(self) -> np.ndarray:
        """Up to a constant a photo, which softmax does not see; shape (photos, classes)."""
        return temperature.logits(self.probabilities)

    @property
    def confidence(self) -> np.ndarray:
        """The probability of the predicted class; shape (photos,)."""
        return self.probabilities[np.arange(len(self)), self.answers]

    @property
    def units(self) -> np.ndarray:
        """The group of each photo, or its own number where there are no groups; shape (photos,)."""
        return np.arange(len(self)) if self.group is None else self.group

    @property
    def confusion(self) -> np.ndarray:
        """Photos by true class in rows and predicted class in columns; shape (classes, classes)."""
        size = len(self.vocab)
        return np.bincount(self.truth * size + self.answers, minlength=size**2).reshape(size, size)

    def spread(self, number: int) -> Predictions:
        """At most so many photos, evenly over the rows."""
        return self.where(np.unique(np.linspace(0, len(self) - 1, number).astype(int)))

    def worst(self, number: int) -> Predictions:
        """The photos with the largest losses, largest first."""
        return self.where(self.table["loss"].astype(float).nlargest(number, keep="first").index.to_numpy())


def _places(labels: pd.Series, vocab: Sequence[str]) -> np.ndarray:
    places = pd.Index(vocab, dtype=object).get_indexer(labels.astype(object))
    if (places < 0).any():
        label = labels[places < 0].iloc[0]
        what = "Class {label!r} in column `{column}` is not one of: {classes}."
        raise InputError(what, label=label, column=labels.name, classes=", ".join(vocab))
    return places
