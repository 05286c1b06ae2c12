"""k-fold: an experiment trained on each fold, its out-of-fold predictions pooled into one run folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from kimchi_vision.base.run_files import RunDir
from kimchi_vision.config import Experiment
from kimchi_vision.data.photo import Photos
from kimchi_vision.jobs import run_lock
from kimchi_vision.jobs.experiment import run, write_scores
from kimchi_vision.results import report

MEASURED = ("latency_ms", "photos_per_second", "peak_memory_mb", "machine")
"""What the first fold's model stands for: all of them are the same network."""


def run_folds(
    experiment: Experiment, folds: Sequence[Experiment], exports: Path = Path("exports"), force: bool = False
) -> RunDir:
    """Train each fold into its own run folder, and pool them in exports/NAME; returns that folder.

    Each photo's prediction there comes from the one model that had not seen it, so that all photos count in
    the scores. It holds no model. Errors as in run.
    """
    folder = run_lock.check(experiment, exports, force)
    runs = [run(fold, exports, force) for fold in folds]
    photos, predictions = _photos(runs), _predictions(runs)
    if run_lock.stands(folder, photos, force):
        return folder
    with run_lock.locked(folder):
        run_lock.take(folder, experiment, photos, force)
        write_scores(experiment, photos, predictions, _facts(runs), folder)
        report.write(folder, experiment.report)
        run_lock.finish(folder, experiment)
    return folder


def _photos(runs: Sequence[RunDir]) -> Photos:
    """All photos as validation photos: each of them validated one fold."""
    first = runs[0]
    facts = first.read_json(first.data)
    items = first.read_table(first.items).assign(split="valid")
    notes = tuple((says, values) for says, values in facts["notes"])
    return Photos(Path(facts["root"]), items, tuple(first.read_json(first.labels)), notes)


def _predictions(runs: Sequence[RunDir]) -> pd.DataFrame:
    tables = [run.read_table(run.predictions) for run in runs]
    return pd.concat([table[table["split"] == "valid"] for table in tables], ignore_index=True)


def _facts(runs: Sequence[RunDir]) -> dict[str, Any]:
    """What metrics.json says beside the scores; the seconds are those of all folds together."""
    metrics = [run.read_json(run.metrics) for run in runs]
    folds = [
        {"run": run.path.name, "photos": scores["photos"], "accuracy": scores["accuracy"]}
        for run, scores in zip(runs, metrics, strict=True)
    ]
    seconds = sum(scores["train"]["seconds"] for scores in metrics)
    train = {"epochs": sum(scores["train"]["epochs"] for scores in metrics), "kept_epoch": None}
    measured = {name: metrics[0][name] for name in MEASURED if name in metrics[0]}
    facts = {"folds": folds, "model": metrics[0]["model"], "train": {**train, "seconds": round(seconds, 1)}}
    return {**facts, **measured}
