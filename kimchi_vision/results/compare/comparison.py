"""Many runs on the same photos: which is better, which are practically equal, and what cannot be told."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import pandas as pd

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.files import write_table, write_text
from kimchi_vision.base.messages import catalogue, language
from kimchi_vision.results.compare import runs, sentences
from kimchi_vision.results.compare.pairs import Pair, Row, judge
from kimchi_vision.results.compare.runs import Run
from kimchi_vision.results.compare.sentences import Words
from kimchi_vision.results.intervals import over_seeds

SEED = re.compile(r"[-_. ]*(seed)?[-_. ]*\d+$")
"""The end of a run's name that tells its seed."""


@dataclass(frozen=True)
class Comparison:
    """What was found.

    answer: sentences on the most accurate experiment. words: how it is said.
    experiments: most accurate first; columns experiment, seeds (n), accuracy (mean over seeds), sd (over
    seeds; missing for one), low and high (95 %, over photos and seeds), photos.
    pairs: every two experiments, the more accurate one first.
    """

    answer: tuple[str, ...]
    words: Words
    experiments: pd.DataFrame
    pairs: tuple[Pair, ...]

    def text(self) -> str:
        """For a screen: the answer, a table of experiments, and a sentence a pair."""
        return sentences.text(self.words, self.answer, self.experiments, self.pairs)

    def sentences(self) -> list[str]:
        """The answer, and a sentence a pair."""
        return [*self.answer, *map(self.words.sentence, self.pairs)]

    def write(self, path: Path) -> Path:
        """Write the pairs as .csv, or everything as .md. Raises InputError for another suffix."""
        if path.suffix == ".csv":
            table = pd.DataFrame(map(asdict, self.pairs), columns=[field.name for field in fields(Pair)])
            write_table(path, table.assign(sentence=list(map(self.words.sentence, self.pairs))))
        elif path.suffix == ".md":
            write_text(path, sentences.markdown(self.words, self.answer, self.experiments, self.pairs))
        else:
            raise InputError(f"{path}: give a name that ends in .csv or .md.")
        return path


def compare(
    folders: Sequence[Path], margin: float = 0.01, test: bool = False, lang: str = "auto"
) -> Comparison:
    """Compare run folders on their validation photos, or on the test part.

    margin: difference in accuracy, 0 to 1, below which two experiments are as good as equal.
    test: score the test part; each run folder notes that it was opened. lang: ko, en or auto.
    Runs that differ in train.seed alone are one experiment. Where items.csv has groups, the first photo of
    each counts. Raises InputError for fewer than two runs, and when photos, labels or classes differ.
    """
    said = Words(catalogue(language(lang)), margin)
    if not 0 <= margin < 1:
        raise InputError(f"margin is a difference in accuracy between 0 and 1, such as 0.01, not {margin}.")
    folders = list({Path(folder).resolve(): Path(folder) for folder in folders}.values())
    if len(folders) < 2:
        raise InputError("A comparison needs two run folders or more.")
    found = [runs.read(folder, "test" if test else "valid") for folder in folders]
    runs.check_same_photos(found)
    if test:
        for run in found:
            run.folder.open_test("compare --test")
    rows = sorted(_rows(found), key=lambda row: -row.accuracy)
    pairs = judge(rows, margin)
    answer = said.answer([row.name for row in rows], pairs)
    return Comparison(tuple(answer), said, pd.DataFrame(map(_summary, rows)), tuple(pairs))


def summary(folders: Sequence[Path]) -> dict[str, object]:
    """One experiment over its seeds, as a row of Comparison.experiments. Errors as in compare."""
    found = [runs.read(Path(folder)) for folder in folders]
    runs.check_same_photos(found)
    return _summary(Row(_name(found), runs.outcomes(found)[0]))


def _rows(found: Sequence[Run]) -> list[Row]:
    """Runs that share all of the experiment but its seed, together."""
    experiments = _by_experiment(found)
    names = [_name(members) for members in experiments]
    if len(set(names)) < len(names):
        names = [str(members[0].folder.path) for members in experiments]
    return [Row(name, runs.outcomes(members)[0]) for name, members in zip(names, experiments, strict=True)]


def _by_experiment(found: Sequence[Run]) -> list[list[Run]]:
    same: dict[str, list[Run]] = {}
    for run in found:
        plain = {key: value for key, value in run.experiment.items() if key != "name"}
        plain["train"] = {key: value for key, value in plain.get("train", {}).items() if key != "seed"}
        # The same experiment and seed twice, say on two machines, are two things to compare.
        copies = itertools.count()
        key = (json.dumps([plain, number], sort_keys=True, default=str) for number in copies)
        place = next(k for k in key if run.seed not in {other.seed for other in same.get(k, [])})
        same.setdefault(place, []).append(run)
    return list(same.values())


def _name(members: Sequence[Run]) -> str:
    """The run's name, or what the names of several seeds share: exp1 for exp1-seed1 and exp1-seed2."""
    if len(members) == 1:
        return members[0].name
    bare = [SEED.sub("", run.name) for run in members]
    return bare[0] if len(set(bare)) == 1 and bare[0] else members[0].name


def _summary(row: Row) -> dict[str, object]:
    photos = row.right.shape[1]
    low, high = over_seeds(row.right).tolist()
    return {
        "experiment": row.name,
        "seeds": row.seeds,
        "accuracy": row.accuracy,
        "sd": float(row.right.mean(axis=1).std(ddof=1)) if row.seeds > 1 else None,
        "low": low,
        "high": high,
        "photos": photos,
    }
