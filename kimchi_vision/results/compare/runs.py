"""Runs on the same photos, laid side by side photo by photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.sentence import Sentence, Sentences
from kimchi_vision.results.predictions import Predictions
from kimchi_vision.results.run import Run


@dataclass(frozen=True)
class Answers:
    """What a run said about the photos of one part.

    predictions: of that part. photos: indexed and sorted by sha256, exact copies once; columns path, truth,
    predicted, and `group` where items.csv has it.
    """

    run: Run
    predictions: Predictions
    photos: pd.DataFrame

    @property
    def right(self) -> np.ndarray:
        """Whether each photo's predicted class is its true one."""
        return (self.photos["truth"] == self.photos["predicted"]).to_numpy()


def read(run: str | Path | Run, split: str = "valid") -> Answers:
    """A run's answers for one part.

    Raises InputError for a missing file, for a split without photos, and for predictions that are no
    probabilities over the classes of the run.
    """
    run = Run.open(run)
    every = run.predictions
    try:
        part = every.part(split)
    except InputError as error:
        raise InputError("{file}: {reason}", file=run.files.predictions, reason=error) from None
    known = run.items[["path", "sha256", *run.items.columns.intersection(["group"])]]
    photos = part.table[["path", "truth", "predicted"]].merge(known, on="path", how="left")
    photos = photos.drop_duplicates(["sha256", "truth"]).sort_values(["sha256", "truth"]).set_index("sha256")
    return Answers(run, part, photos)


class Outcomes(NamedTuple):
    """Several runs on the same photos.

    right: right or wrong, [runs, photos]. truth: the photos' classes. units: their groups, whole numbers.
    """

    right: np.ndarray
    truth: np.ndarray
    units: np.ndarray


def outcomes(found: Sequence[Answers]) -> Outcomes:
    """What runs have right. found: answers for the same photos."""
    photos = found[0].photos
    units = photos["group"].to_numpy() if "group" in photos else np.arange(len(photos))
    return Outcomes(np.stack([each.right for each in found]), photos["truth"].to_numpy(), units)


def check_same_photos(found: Sequence[Answers]) -> None:
    """Raise InputError, which says what differs, unless all runs have the same classes, photos and labels."""
    first = found[0]
    for other in found[1:]:
        pair = Sentences((first.run.path, other.run.path), " and ")
        if first.run.vocab != other.run.vocab:
            raise InputError(
                "{pair} cannot be compared: {why}", pair=pair, why=_differing_classes(first.run, other.run)
            )
        mine, theirs = set(first.photos.index), set(other.photos.index)
        if mine != theirs:
            raise InputError(
                "{pair} were scored on different photos: {mine} only in the first, {theirs} "
                "only in the second, {both} in both. {why}",
                pair=pair,
                mine=len(mine - theirs),
                theirs=len(theirs - mine),
                both=len(mine & theirs),
                why=_differing_data(first.run, other.run),
            )
        if first.photos.index.equals(other.photos.index):
            changed = (first.photos["truth"].to_numpy() != other.photos["truth"].to_numpy()).nonzero()[0]
            sample = first.photos["path"].iloc[changed[:1]].tolist()
        else:
            sample = first.photos["path"][first.photos.index.duplicated()].tolist() or ["some"]
        if sample:
            raise InputError(
                "{pair} have different labels for the same photos, such as {one}.", pair=pair, one=sample[0]
            )


def _differing_classes(first: Run, other: Run) -> Sentence:
    mine, theirs = sorted(set(first.vocab) - set(other.vocab)), sorted(set(other.vocab) - set(first.vocab))
    if not mine and not theirs:
        return Sentence("their classes come in a different order.")
    only_first = Sentence("only the first has {classes}", classes=", ".join(mine)) if mine else None
    only_second = Sentence("only the second has {classes}", classes=", ".join(theirs)) if theirs else None
    parts = Sentences(filter(None, (only_first, only_second)), "; ")
    return Sentence("of their classes, {parts}.", parts=parts)


def _differing_data(first: Run, other: Run) -> Sentence | Sentences:
    mine, theirs = (run.experiment.resolved()["data"] for run in (first, other))
    keys = [key for key in {**mine, **theirs} if mine.get(key) != theirs.get(key)]
    if not keys:
        return Sentence("Their `data` sections agree, so the folder of photos itself has changed.")
    differs = "`data.{key}` is {one} and {other}."
    return Sentences(
        (Sentence(differs, key=key, one=mine.get(key), other=theirs.get(key)) for key in keys), " "
    )
