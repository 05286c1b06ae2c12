"""Run folders as tables that can be compared photo by photo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.run_files import RunDir
from kimchi_vision.config import read_yaml

LARGEST_GAP = 1e-3
"""Probabilities of a photo may miss 1 by this much: float32 and a text file lose digits."""


@dataclass(frozen=True)
class Run:
    """What a run said about the photos of one split.

    experiment: the resolved experiment as plain data.
    photos: indexed and sorted by sha256, exact copies once; columns path, truth, predicted, and `group`
    where items.csv has it.
    """

    name: str
    folder: RunDir
    experiment: Mapping[str, Any]
    vocab: tuple[str, ...]
    photos: pd.DataFrame

    @property
    def seed(self) -> Any:
        """train.seed of the experiment."""
        return self.experiment.get("train", {}).get("seed")

    @property
    def right(self) -> np.ndarray:
        """Whether each photo's predicted class is its true one."""
        return (self.photos["truth"] == self.photos["predicted"]).to_numpy()


def read(path: Path, split: str = "valid") -> Run:
    """Read a run folder.

    Raises InputError for a missing file, for a split without photos, and for predictions that are no
    probabilities over the classes of the run.
    """
    folder = RunDir(path)
    vocab = tuple(folder.read_json(folder.labels))
    predictions = folder.read_table(folder.predictions)
    _check_columns(predictions, vocab, folder)
    predictions = predictions[predictions["split"] == split]
    if predictions.empty:
        hint = " Set data.test_pct, or a folder named test, and run it again." if split == "test" else ""
        raise InputError(f"{folder.predictions} has no photos of the {split} part.{hint}")
    _check_values(predictions, vocab, folder)
    items = folder.read_table(folder.items)
    known = items[["path", "sha256", *items.columns.intersection(["group"])]]
    photos = predictions[["path", "truth", "predicted"]].merge(known, on="path", how="left")
    if photos["sha256"].isna().any():
        lost = photos["path"][photos["sha256"].isna()].iloc[0]
        raise InputError(f"{folder.predictions} names {lost}, which {folder.items.name} does not.")
    photos = photos.drop_duplicates(["sha256", "truth"]).sort_values(["sha256", "truth"]).set_index("sha256")
    return Run(path.name, folder, read_yaml(folder.experiment), vocab, photos)


def outcomes(runs: Sequence[Run]) -> tuple[np.ndarray, np.ndarray]:
    """Right or wrong, [runs, photos], and the true class of each photo; near-copies once.

    runs: of the same photos.
    """
    photos = runs[0].photos
    once = ~photos["group"].duplicated().to_numpy() if "group" in photos else slice(None)
    return np.stack([run.right[once] for run in runs]), photos["truth"].to_numpy()[once]


def check_same_photos(runs: Sequence[Run]) -> None:
    """Raise InputError, which says what differs, unless all runs have the same classes, photos and labels."""
    first = runs[0]
    for other in runs[1:]:
        pair = f"{first.folder.path} and {other.folder.path}"
        if first.vocab != other.vocab:
            raise InputError(f"{pair} cannot be compared: {_differing_classes(first, other)}")
        mine, theirs = set(first.photos.index), set(other.photos.index)
        if mine != theirs:
            raise InputError(
                f"{pair} were scored on different photos: {len(mine - theirs)} only in the first, "
                f"{len(theirs - mine)} only in the second, {len(mine & theirs)} in both. "
                f"{_differing_data(first, other)}"
            )
        if first.photos.index.equals(other.photos.index):
            changed = (first.photos["truth"].to_numpy() != other.photos["truth"].to_numpy()).nonzero()[0]
            sample = first.photos["path"].iloc[changed[:1]].tolist()
        else:
            sample = first.photos["path"][first.photos.index.duplicated()].tolist() or ["some"]
        if sample:
            raise InputError(f"{pair} have different labels for the same photos, such as {sample[0]}.")


def _check_columns(predictions: pd.DataFrame, vocab: Sequence[str], folder: RunDir) -> None:
    needed = ["path", "split", "truth", "predicted", *(f"p:{label}" for label in vocab)]
    missing = [column for column in needed if column not in predictions]
    if missing:
        raise InputError(f"{folder.predictions} lacks the column `{missing[0]}`; run the experiment again.")
    beyond = [c for c in predictions if c.startswith("p:") and c not in needed]
    if beyond:
        raise InputError(f"{folder.predictions} has `{beyond[0]}`, a class that {folder.labels.name} lacks.")


def _check_values(predictions: pd.DataFrame, vocab: Sequence[str], folder: RunDir) -> None:
    for column in ("truth", "predicted"):
        strange = predictions[column][~predictions[column].isin(vocab)]
        if len(strange):
            name = strange.iloc[0]
            raise InputError(f"{folder.predictions}: {name!r} in `{column}` is not in {folder.labels.name}.")
    columns = [f"p:{label}" for label in vocab]
    try:
        rows = predictions[columns].to_numpy(float)
    except ValueError as error:
        raise InputError(f"{folder.predictions}: a probability is not a number: {error}.") from None
    total = rows.sum(axis=1)
    # A comparison with NaN is false, so this finds missing values too.
    sound = (np.abs(total - 1) <= LARGEST_GAP) & (rows >= 0).all(axis=1)
    if not sound.all():
        worst = int(np.argmin(sound))
        raise InputError(
            f"{folder.predictions}: the probabilities of {predictions['path'].iloc[worst]} do not sum to one "
            f"(they sum to {total[worst]:.4g}); {int((~sound).sum())} photos are like that."
        )


def _differing_classes(first: Run, other: Run) -> str:
    mine, theirs = set(first.vocab) - set(other.vocab), set(other.vocab) - set(first.vocab)
    if not mine and not theirs:
        return "their classes come in a different order."
    parts = [
        f"only the {which} has {', '.join(sorted(names))}"
        for which, names in (("first", mine), ("second", theirs))
        if names
    ]
    return f"of their classes, {' and '.join(parts)}."


def _differing_data(first: Run, other: Run) -> str:
    mine, theirs = first.experiment.get("data") or {}, other.experiment.get("data") or {}
    keys = [key for key in {**mine, **theirs} if mine.get(key) != theirs.get(key)]
    if not keys:
        return "Their `data` sections agree, so the folder of photos itself has changed."
    return " ".join(f"data.{key} is {mine.get(key)} and {theirs.get(key)}." for key in keys)
