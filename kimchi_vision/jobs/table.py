"""Many experiments: run each row, pool its folds, go on when one fails, and lay the results side by side."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from kimchi_vision.base.errors import FAILURES, InputError, RunError
from kimchi_vision.base.files import write_table
from kimchi_vision.base.messages import Text, catalogue, language
from kimchi_vision.base.numbers import percent
from kimchi_vision.base.plain import Json
from kimchi_vision.config import Experiment, Table
from kimchi_vision.jobs import run_lock
from kimchi_vision.jobs.executor import Executor, Serial
from kimchi_vision.jobs.executor.interface import training
from kimchi_vision.jobs.experiment import check, run, write_scores
from kimchi_vision.results import choices, compare, goals, headline, plots, report
from kimchi_vision.results import folds as pooled
from kimchi_vision.results.predictions import FOLDS
from kimchi_vision.results.run import Run
from kimchi_vision.results.scores import over_runs

log = logging.getLogger(__name__)

MEASURED = ("latency_ms", "photos_per_second", "peak_memory_mb", "machine")
"""What the first fold's model stands for: all of them are the same network."""

Finished = Mapping[str, Sequence[Run]]
"""Rows by name with their runs, one a seed."""


class Rows(dict[str, list[Run]]):
    """The finished rows of a table: by name, their runs, one a seed."""

    @property
    def table(self) -> pd.DataFrame:
        """A line a row, as side_by_side has it."""
        return side_by_side(self)

    def _repr_html_(self) -> str:
        return self.table.to_html(index=False)


def run_rows(
    table: Table, exports: Path = Path("exports"), force: bool = False, on: Executor | None = None
) -> Rows:
    """Run every row into exports/TABLE/ROW, write table.csv there, and return the finished runs by row.

    A row with seeds has a run a seed, ROW-seedN; with folds, a run is the pool of its folds.
    on: where the runs are executed; None: one after the other in this process.
    Every row is checked before the first one trains. A run that fails is named, the others run.
    Raises InputError when a row cannot run, RunError when no row ended.
    """
    folder = exports / table.name
    planned = [(row.name, *each) for row in table.rows for each in row.runs()]
    for _, experiment, folds in planned:
        for each in (experiment, *folds):
            check(each, folder, force)
    done = _one_by_one(planned, folder, force) if on is None else _executed(on, planned, folder, force)
    finished, failed = Rows(), []
    for row, experiment, _ in planned:
        if experiment.name in done:
            finished.setdefault(row, []).append(done[experiment.name])
        else:
            failed.append(experiment.name)
    if not finished:
        raise RunError("No row of {table} ended. The messages above say why.", table=table.name)
    write_table(folder / "table.csv", side_by_side(finished))
    if failed:
        log.error("Failed runs: %s. The table holds the others.", ", ".join(failed))
    return finished


Planned = tuple[str, Experiment, list[Experiment]]
"""A row's name, a run of it, and that run's folds."""


def _one_by_one(planned: Sequence[Planned], folder: Path, force: bool) -> dict[str, Run]:
    """In this process, where a run with its folds is one piece of work; runs by name."""

    def work(experiment: Experiment, folds: Sequence[Experiment], again: bool) -> Run:
        return run_folds(experiment, folds, folder, force) if folds else run(experiment, folder, force)

    leaves = [
        replace(training(experiment, folder), work=partial(work, experiment, folds))
        for _, experiment, folds in planned
    ]
    return Serial().run(leaves).results


def _executed(on: Executor, planned: Sequence[Planned], folder: Path, force: bool) -> dict[str, Run]:
    """Side by side, where each fold is a piece of work and is pooled here; runs by name."""
    every = [each for _, experiment, folds in planned for each in (folds or [experiment])]
    refused, done = on.run([training(each, folder, force) for each in every]).refused, {}
    for _, experiment, folds in planned:
        if any(each.name in refused for each in (folds or [experiment])):
            continue
        try:
            pool = partial(run_folds, experiment, folds, folder, force, trained=True)
            done[experiment.name] = pool() if folds else Run.open(folder / experiment.name)
        except FAILURES as error:
            log.error("Run %s failed: %s", experiment.name, error)
    return done


def run_folds(
    experiment: Experiment,
    folds: Sequence[Experiment],
    exports: Path = Path("exports"),
    force: bool = False,
    trained: bool = False,
) -> Run:
    """Train each fold into its own run folder, and pool them in exports/NAME; returns that run.

    Each photo's prediction there comes from the one model that had not seen it, so that all photos count in
    the scores. It holds no model. trained: the folds are, just now. Errors as in run.
    """
    files = check(experiment, exports, force)
    runs = [run(fold, exports, force and not trained) for fold in folds]
    # Each photo validated one fold.
    photos = replace(runs[0].photos, items=runs[0].items.assign(split="valid"))
    if run_lock.stands(files, photos, force):
        return Run.open(files.path)
    with run_lock.locked(files):
        run_lock.take(files, experiment, photos, force)
        predictions = pooled.answers(runs)
        facts = pooled.facts(runs, predictions) | _costs([run.metrics for run in runs])
        write_scores(experiment, photos, predictions, facts, files)
        report.write(Run.open(files.path), experiment.report)
        run_lock.finish(files, experiment)
    return Run.open(files.path)


def _costs(metrics: Sequence[Json]) -> Json:
    """What metrics.json says of model and training; the seconds are those of all folds together."""
    seconds = sum(scores["train"]["seconds"] for scores in metrics)
    train = {"epochs": sum(scores["train"]["epochs"] for scores in metrics), "kept_epoch": None}
    measured = {name: metrics[0][name] for name in MEASURED if name in metrics[0]}
    return {"model": metrics[0]["model"], "train": {**train, "seconds": round(seconds, 1)}, **measured}


def side_by_side(finished: Finished) -> pd.DataFrame:
    """A line a row: scores, accuracy's 95 % interval, parameters, size and time.

    part: what the scores are over, the validation photos, or those of the folds of all runs.

    Over several seeds each number is a mean; column seeds is their number, NAME_sd the standard deviation.
    """
    # Objects, so that whole numbers beside a missing one stay whole.
    part = compare.common(_every(finished))
    return pd.DataFrame([_line(name, runs, part) for name, runs in finished.items()], dtype=object)


def verdicts(finished: Finished, lang: str = "auto") -> str:
    """The comparison of rows and the goals they meet, as text, or why there can be no comparison.

    Beside the runs it is written to compare.md and, with all scores, to report.html; decision.csv has what
    each run reaches and costs.
    """
    say = catalogue(language(lang))
    runs = _every(finished)
    folder, part = runs[0].path.parent, compare.common(runs)
    decision = goals.decision(runs)
    write_table(folder / "decision.csv", decision)
    timed = decision.dropna(subset=["p50_ms", "file_mb"])
    if len(timed):
        plots.save(plots.accuracy_latency(timed, **goals.wanted(runs)), folder / "accuracy_latency.png")
    means = {name: compare.accuracy(row, part) for name, row in finished.items()}
    won = choices.winner(finished, means, part)
    lines = [_line(name, row, part) for name, row in finished.items()]
    also = [*_winner(won, finished, say), *_spreads(lines, say), *goals.sentences(decision, lang)]
    try:
        result = compare.compare(runs, lang=lang)
    except InputError as error:
        said = say("not_compared", why=error)
        sentences = [said]
    else:
        result.write(folder / "compare.md")
        said, sentences = result.text(), result.sentences()
    page = report.write_table(finished, page_of(runs), lang, [*sentences, *also], won)
    return "\n".join([said, "", goals.text(decision, lang), "", *also, "", say("side_by_side", path=page)])


def page_of(runs: Sequence[Run]) -> Path:
    """Where the page over a table's runs lies."""
    return runs[0].path.parent / "report.html"


def _every(finished: Finished) -> list[Run]:
    return [run for row in finished.values() for run in row]


def _line(name: str, runs: Sequence[Run], part: str) -> Json:
    found, scored = [run.metrics for run in runs], [run.scored(part) for run in runs]
    several, pkl = len(runs) > 1, runs[0].files.pkl
    accuracy = compare.accuracy(runs, part)
    line = {"run": name, "seeds": len(runs), "part": part, "photos": accuracy.n}
    line |= {"accuracy_low": accuracy.low, "accuracy_high": accuracy.high}
    for score in scored[0]:
        over, sd = over_runs([each[score] for each in scored])
        line |= {score: over.value} | ({f"{score}_sd": sd} if several else {})
    floors = [(run.mistakes if part == FOLDS else run.metrics).get("floor") for run in runs]
    if all(floors):
        line["floor"] = float(np.mean([floor["accuracy"] for floor in floors]))
    return line | {
        "epoch": None if several else found[0]["train"]["kept_epoch"],
        "parameters": found[0]["model"]["parameters"],
        "model_mb": round(pkl.stat().st_size / 1e6, 1) if pkl.is_file() else None,
        "train_minutes": round(float(np.mean([each["train"]["seconds"] for each in found])) / 60, 2),
    }


def _winner(found: choices.Winner | None, finished: Finished, say: Text) -> list[str]:
    """What the row with the highest accuracy has without the gain of having been chosen."""
    if found is None:
        return []
    effect = headline.effect(found.reported.value, found.accuracy)
    key = "winner" if found.epochs else "winner_of_rows"
    said = [say(key, name=found.name, rows=found.rows, epochs=found.epochs, effect=effect)]
    runs = finished[found.name]
    tested = [headline.accuracy(run) for run in runs if run.files.test_metrics.is_file()]
    return [*said, say("winner_test", accuracy=", ".join(map(str, tested)))] if tested else said


def _spreads(lines: Iterable[Json], say: Text) -> list[str]:
    """A sentence for each row with several seeds."""
    return [
        say(
            "over_seeds",
            run=line["run"],
            accuracy=percent(line["accuracy"], 2),
            sd=f"{100 * line['accuracy_sd']:.2f}",
            seeds=line["seeds"],
        )
        for line in lines
        if line["seeds"] > 1
    ]
