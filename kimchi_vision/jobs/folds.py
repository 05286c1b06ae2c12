"""k-fold: an experiment trained on each fold, its out-of-fold predictions pooled into one run folder."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from kimchi_vision.base.plain import Json
from kimchi_vision.config import Experiment
from kimchi_vision.jobs import run_lock
from kimchi_vision.jobs.experiment import check, run, write_scores
from kimchi_vision.results import folds as results
from kimchi_vision.results import report
from kimchi_vision.results.run import Run

MEASURED = ("latency_ms", "photos_per_second", "peak_memory_mb", "machine")
"""What the first fold's model stands for: all of them are the same network."""


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
        predictions = results.answers(runs)
        facts = results.facts(runs, predictions) | _costs([run.metrics for run in runs])
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
