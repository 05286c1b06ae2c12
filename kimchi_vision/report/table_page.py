"""What the page over several runs shows."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kimchi_vision.config import read_yaml
from kimchi_vision.report.recorded import flat, interval, question
from kimchi_vision.rundir import RunDir

SCORES = ("accuracy", "macro_f1", "top_k_accuracy", "loss")
EXPECTED_TO_DIFFER = ("name", "question")


def view(runs: Sequence[RunDir], folder: Path, verdicts: Sequence[str]) -> dict[str, Any]:
    """The template's values. folder: where the page will lie, for links to the runs' own pages.

    Raises InputError when a run folder has no metrics.json, predictions.csv or experiment.yaml.
    """
    experiments = {run.path.name: read_yaml(run.experiment) for run in runs}
    return {
        "name": folder.resolve().name,
        "verdicts": list(verdicts),
        "rows": [_row(run, folder) for run in runs],
        "scores": SCORES,
        "differences": _differences(experiments),
        "on_other_photos": _on_other_photos(runs),
    }


def _row(run: RunDir, folder: Path) -> dict[str, Any]:
    metrics = run.read_json(run.metrics)
    experiment = read_yaml(run.experiment)
    text = run.experiment.read_text(encoding="utf-8")
    report = os.path.relpath(run.report, folder) if run.report.is_file() else None
    return {
        "name": run.path.name,
        "question": question(experiment, text)[:1],
        "report": Path(report).as_posix() if report else None,
        "scores": [(metrics[name], interval(metrics, name)) for name in SCORES],
        "photos": metrics["photos"],
        "kept_epoch": metrics.get("train", {}).get("kept_epoch"),
        "train_seconds": metrics.get("train", {}).get("seconds"),
        "parameters": metrics.get("model", {}).get("parameters"),
        "pkl_size": run.pkl.stat().st_size / 1e6 if run.pkl.is_file() else None,
    }


def _differences(experiments: dict[str, Any]) -> dict[str, list[Any]]:
    """Values by dotted key, one for each run, of the keys that are not the same in all."""
    plain = [dict(flat(_without_lists(experiment))) for experiment in experiments.values()]
    keys = dict.fromkeys(key for values in plain for key in values)
    rows = {key: [values.get(key) for values in plain] for key in keys if key not in EXPECTED_TO_DIFFER}
    return {key: values for key, values in rows.items() if any(value != values[0] for value in values)}


def _without_lists(tree: Any) -> Any:
    """Lists as mappings from their places, so that each of their values has a dotted name."""
    if isinstance(tree, list):
        tree = {str(place): value for place, value in enumerate(tree, start=1)}
    if not isinstance(tree, dict):
        return tree
    return {key: _without_lists(value) for key, value in tree.items()}


def _on_other_photos(runs: Sequence[RunDir]) -> list[str]:
    """Names of the runs whose scored photos are not those of the first run, by content."""
    scored = [_scored(run) for run in runs]
    return [run.path.name for run, photos in zip(runs, scored, strict=True) if photos != scored[0]]


def _scored(run: RunDir) -> list[str]:
    items = run.read_table(run.items)
    split = run.read_json(run.metrics)["split"]
    return sorted(items["sha256"][items["split"] == split])
