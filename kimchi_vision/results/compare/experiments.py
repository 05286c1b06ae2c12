"""Runs that differ in their seed alone are one experiment."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Sequence
from pathlib import Path

from kimchi_vision.results.compare import runs
from kimchi_vision.results.compare.pairs import Row
from kimchi_vision.results.compare.runs import Answers
from kimchi_vision.results.intervals import over_seeds
from kimchi_vision.results.run import Run

SEED = re.compile(r"[-_. ]*(seed)?[-_. ]*\d+$")
"""The end of a run's name that tells its seed."""


def summary(folders: Sequence[str | Path | Run]) -> dict[str, object]:
    """One experiment over its seeds, as a row of Comparison.experiments. Errors as in compare."""
    found = [runs.read(folder) for folder in folders]
    runs.check_same_photos(found)
    return line(row(_name(found), found))


def named(found: Sequence[Answers]) -> dict[str, list[Answers]]:
    """Runs that share all of the experiment but its seed, together under a name."""
    experiments = _by_experiment(found)
    names = [_name(members) for members in experiments]
    if len(set(names)) < len(names):
        names = [str(members[0].run.path) for members in experiments]
    return dict(zip(names, experiments, strict=True))


def row(name: str, members: Sequence[Answers]) -> Row:
    """What its trainings answered, photo by photo."""
    found = runs.outcomes(members)
    return Row(name, found.right, found.units)


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
