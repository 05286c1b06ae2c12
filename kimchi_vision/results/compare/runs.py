"""Runs on the same photos, side by side photo by photo; those that differ in their seed alone are one."""

import itertools
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean

import numpy as np
import pandas as pd

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.sentence import Sentence, Sentences
from kimchi_vision.results.compare.pairs import Row
from kimchi_vision.results.intervals import over_seeds
from kimchi_vision.results.predictions import FOLDS, Predictions
from kimchi_vision.results.run import Run
from kimchi_vision.results.scores import Score

SEED = re.compile(r"[-_. ]*(seed)?[-_. ]*\d+$")
"""The end of a run's name that tells its seed."""


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


def common(runs: Sequence[Run]) -> str:
    """The part that several runs are compared on: that of their folds where all have them, else valid."""
    return FOLDS if all(run.files.fold_metrics.is_file() for run in runs) else "valid"


def accuracy(members: Sequence[Run], split: str = "valid") -> Score:
    """Of an experiment: its run's, or the mean over its seeds with its interval over photos and seeds."""
    found = [run.scored(split)["accuracy"] for run in members]
    if len(found) == 1:
        return found[0]
    over = summary(members, split)
    return replace(found[0], value=mean(each.value for each in found), low=over["low"], high=over["high"])


def summary(folders: Sequence[str | Path | Run], split: str = "valid") -> dict[str, object]:
    """One experiment over its seeds, as a row of Comparison.experiments. Errors as in compare."""
    found = [read(folder, split) for folder in folders]
    check_same_photos(found)
    return line(row(_name(found), found))


def named(found: Sequence[Answers]) -> dict[str, list[Answers]]:
    """Runs that share all of the experiment but its seed, together under a name."""
    experiments = _by_experiment(found)
    names = [_name(members) for members in experiments]
    if len(set(names)) < len(names):
        names = [str(members[0].run.path) for members in experiments]
    return dict(zip(names, experiments, strict=True))


def row(name: str, members: Sequence[Answers]) -> Row:
    """What its trainings, of the same photos, answered photo by photo."""
    photos = members[0].photos
    units = photos["group"].to_numpy() if "group" in photos else np.arange(len(photos))
    return Row(name, np.stack([each.right for each in members]), units)


def line(experiment: Row) -> dict[str, object]:
    """A row of Comparison.experiments."""
    photos = experiment.right.shape[1]
    _, low, high = over_seeds(experiment.right, experiment.units)
    return {
        "experiment": experiment.name,
        "seeds": experiment.seeds,
        "accuracy": experiment.accuracy,
        "sd": float(experiment.right.mean(axis=1).std(ddof=1)) if experiment.seeds > 1 else None,
        "low": low,
        "high": high,
        "photos": photos,
    }


def _by_experiment(found: Sequence[Answers]) -> list[list[Answers]]:
    same: dict[str, list[Answers]] = {}
    for each in found:
        plain = {key: value for key, value in each.run.experiment.resolved().items() if key != "name"}
        plain["train"] = {key: value for key, value in plain["train"].items() if key != "seed"}
        plain["data"] = {key: value for key, value in plain["data"].items() if key != "draw"}
        # The same experiment and seed twice, say on two machines, are two things to compare.
        copies = itertools.count()
        key = (json.dumps([plain, number], sort_keys=True, default=str) for number in copies)
        place = next(k for k in key if _seed(each) not in set(map(_seed, same.get(k, []))))
        same.setdefault(place, []).append(each)
    return list(same.values())


def _seed(each: Answers) -> int:
    return each.run.experiment.train.seed


def _name(members: Sequence[Answers]) -> str:
    """The run's name, or what the names of several seeds share: exp1 for exp1-seed1 and exp1-seed2."""
    if len(members) == 1:
        return members[0].run.path.name
    bare = [SEED.sub("", each.run.path.name) for each in members]
    return bare[0] if len(set(bare)) == 1 and bare[0] else members[0].run.path.name
