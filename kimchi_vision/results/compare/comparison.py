"""Many runs on the same photos: which is better, which are practically equal, and what cannot be told."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from html import escape
from pathlib import Path

import pandas as pd

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.files import write_table, write_text
from kimchi_vision.base.messages import Language, catalogue, language
from kimchi_vision.base.numbers import with_ends
from kimchi_vision.results.compare import runs
from kimchi_vision.results.compare.pairs import Pair, judge
from kimchi_vision.results.compare.runs import Answers
from kimchi_vision.results.compare.sentences import Words
from kimchi_vision.results.predictions import FOLDS
from kimchi_vision.results.run import Run
from kimchi_vision.results.scores import METRICS, over_runs, scores


@dataclass(frozen=True)
class Comparison:
    """What was found.

    answer: sentences on the most accurate experiment. words: how it is said.
    experiments: most accurate first; columns experiment, seeds (n), accuracy (mean over seeds), sd (over
    seeds; missing for one), low and high (95 %, over photos and seeds), photos.
    scores: every score of every experiment; columns experiment, score, value (mean over seeds), sd, and, for
    one seed, low and high (95 %).
    pairs: every two experiments, the more accurate one first.
    runs: of each experiment, by its name. part: the photos, valid, folds or test. lang: en or ko.
    """

    answer: tuple[str, ...]
    words: Words
    experiments: pd.DataFrame
    scores: pd.DataFrame
    pairs: tuple[Pair, ...]
    runs: Mapping[str, Sequence[Run]] = field(default_factory=dict)
    part: str = "valid"
    lang: Language = "en"

    @property
    def table(self) -> pd.DataFrame:
        """The experiments, most accurate first."""
        return self.experiments

    def __repr__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        said = "".join(f"<p>{escape(sentence)}</p>" for sentence in self.sentences())
        return said + self.experiments.to_html(index=False)

    def text(self) -> str:
        """For a screen: the answer, tables of experiments and scores, and a sentence a pair."""
        head, *rows = self._scored()
        with pd.option_context("display.unicode.east_asian_width", True):
            experiments = pd.DataFrame(self._cells(), columns=self.words.head()).to_string(index=False)
            scored = pd.DataFrame(rows, columns=head).to_string(index=False)
        verdicts = map(self.words.sentence, self.pairs)
        return "\n".join([*self.answer, "", experiments, "", scored, "", *verdicts])

    def markdown(self) -> str:
        """The same as a Markdown page."""
        table = _markdown([self.words.head(), *self._cells()])
        verdicts = [f"- {self.words.sentence(pair)}" for pair in self.pairs]
        parts = [*self.answer, "", *table, "", *verdicts, "", *_markdown(self._scored())]
        return "\n".join([f"# {self.words.say('comparison')}", "", *parts]) + "\n"

    def sentences(self) -> list[str]:
        """The answer, and a sentence a pair."""
        return [*self.answer, *map(self.words.sentence, self.pairs)]

    def write(self, path: Path) -> Path:
        """Write the pairs as .csv, everything as .md, or, with pictures of photos that changed sides, .html.

        Raises InputError for another suffix, and for a page about test photos.
        """
        if path.suffix == ".csv":
            table = pd.DataFrame(map(asdict, self.pairs), columns=[each.name for each in fields(Pair)])
            write_table(path, table.assign(sentence=list(map(self.words.sentence, self.pairs))))
        elif path.suffix == ".md":
            write_text(path, self.markdown())
        elif path.suffix == ".html":
            from kimchi_vision.results import report  # which compares, too

            if self.part == "test":
                raise InputError(
                    "{path}: a page shows validation photos. Give a name that ends in .md.", path=path
                )
            report.write_table(self.runs, path, self.lang, self.sentences())
        else:
            raise InputError("{path}: give a name that ends in .csv, .md or .html.", path=path)
        return path

    def _cells(self) -> list[list[str]]:
        return [self.words.cells(row) for row in self.experiments.itertuples()]

    def _scored(self) -> list[list[str]]:
        """Every score in a row, every experiment in a column; the first row is the head."""
        say, names = self.words.say, list(self.experiments["experiment"])
        rows = [[say("score"), *names]]
        for name, same in self.scores.groupby("score", sort=False):
            lines = same.set_index("experiment").loc[names].itertuples()
            rows.append([say(name), *(_score(line, METRICS[name].shown) for line in lines)])
        return rows


def _score(line: object, shown: Callable[[float], str]) -> str:
    """A score with its interval, or with its spread over seeds."""
    if pd.notna(line.low):
        return with_ends(line.value, line.low, line.high, shown)
    return shown(line.value) + (f" ± {shown(line.sd)}" if pd.notna(line.sd) else "")


def _markdown(rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table; the first row is its head."""
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return [lines[0], "| " + " | ".join(["---"] * len(rows[0])) + " |", *lines[1:]]


def compare(
    folders: Sequence[str | Path | Run], margin: float = 0.01, test: bool = False, lang: str = "auto"
) -> Comparison:
    """Compare run folders on their validation photos, those of folds where all have them, or the test part.

    margin: difference in accuracy, 0 to 1, below which two experiments are as good as equal.
    test: score the test part; each run folder notes that it was opened. lang: ko, en or auto.
    Runs that differ in train.seed alone are one experiment. Photos of one group count together.
    Raises InputError for fewer than two runs, and when photos, labels or classes differ.
    """
    chosen = language(lang)
    said = Words(catalogue(chosen), margin)
    if not 0 <= margin < 1:
        raise InputError(
            "margin is a difference in accuracy between 0 and 1, such as 0.01, not {margin}.", margin=margin
        )
    opened = list({run.path.resolve(): run for run in map(Run.open, folders)}.values())
    if len(opened) < 2:
        raise InputError("A comparison needs two run folders or more.")
    part = "test" if test else runs.common(opened)
    found = [runs.read(run, part) for run in opened]
    runs.check_same_photos(found)
    if test:
        for each in found:
            each.run.open_test("compare --test")
    named = runs.named(found)
    rows = sorted(map(runs.row, named, named.values()), key=lambda row: -row.accuracy)
    pairs = judge(rows, margin)
    answer = said.answer([row.name for row in rows], pairs)
    once = [named[row.name][0].run for row in rows if row.seeds == 1]
    if any(pair.about == "trainings" for pair in pairs):
        answer.append(_settling(said, once))
    if part == FOLDS:
        answer.append(said.say("over", photos=len(found[0].predictions), part=said.say(part)))
    scored = pd.DataFrame([line for row in rows for line in _scores(row.name, named[row.name])])
    table = pd.DataFrame(map(runs.line, rows))
    behind = {row.name: [each.run for each in named[row.name]] for row in rows}
    return Comparison(tuple(answer), said, table, scored, tuple(pairs), behind, part, chosen)


def _settling(said: Words, once: Sequence[Run]) -> str:
    """What would tell the experiments of these runs apart, with its cost."""
    seconds = [(run.json_if(run.files.metrics).get("train") or {}).get("seconds") for run in once]
    minutes = None if None in seconds else 2 * sum(seconds) / 60
    seed = once[0].experiment.train.seed
    path, here = once[0].path, Path.cwd()
    shown = path.relative_to(here) if path.is_relative_to(here) else path
    return said.settled_by(str(shown), once[0].path.name, (seed, seed + 1, seed + 2), minutes)


def _scores(name: str, members: Sequence[Answers]) -> list[dict[str, object]]:
    """The lines of Comparison.scores of one experiment."""
    each = [list(scores(one.predictions, one.run.experiment.evaluate)) for one in members]
    lines = []
    for score, sd in map(over_runs, zip(*each, strict=True)):
        spread = {"sd": sd, "low": score.low, "high": score.high}
        lines.append({"experiment": name, "score": score.name, "value": score.value, **spread})
    return lines
