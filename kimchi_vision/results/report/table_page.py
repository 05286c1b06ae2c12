"""What the page over several runs shows."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from kimchi_vision.base.files import TABLE_ENCODING
from kimchi_vision.base.run_files import RunDir
from kimchi_vision.config import read_yaml
from kimchi_vision.results.report import images
from kimchi_vision.results.report.recorded import flat, interval, machine, question

SCORES = ("accuracy", "macro_f1", "top_k_accuracy", "loss")
EXPECTED_TO_DIFFER = ("name", "question")


def view(rows: Mapping[str, Sequence[RunDir]], folder: Path, verdicts: Sequence[str]) -> dict[str, Any]:
    """The template's values. folder: where the page will lie, for links to the runs' own pages.

    Raises InputError when a run folder has no metrics.json, predictions.csv or experiment.yaml.
    """
    experiments = {name: read_yaml(runs[0].experiment) for name, runs in rows.items()}
    return {
        "name": folder.resolve().name,
        "verdicts": list(verdicts),
        "rows": [_row(name, runs, folder) for name, runs in rows.items()],
        "scores": SCORES,
        "differences": _differences(experiments),
        "decision": _decision(folder),
        "pictures": {
            file.stem: images.figure(file, of_photos=False)
            for file in (folder / "learning_curve.png", folder / "accuracy_latency.png")
            if file.is_file()
        },
        "machine": _machines([run for runs in rows.values() for run in runs]),
        "on_other_photos": _on_other_photos([run for runs in rows.values() for run in runs]),
    }


def _row(name: str, runs: Sequence[RunDir], folder: Path) -> dict[str, Any]:
    """Scores are (mean over the runs, standard deviation or None, interval of a single run)."""
    found = [run.read_json(run.metrics) for run in runs]
    several, first = len(runs) > 1, runs[0]
    text = first.experiment.read_text(encoding="utf-8")
    values = {key: [metrics[key] for metrics in found] for key in SCORES}
    seconds = [metrics.get("train", {}).get("seconds") for metrics in found]
    return {
        "name": name,
        "question": question(read_yaml(first.experiment), text)[:1],
        "reports": [(run.path.name, _link(run, folder)) for run in runs],
        "scores": [
            (mean(values[key]), stdev(values[key]) if several else None, interval(found[0], key))
            for key in SCORES
        ],
        "seeds": len(runs),
        "photos": found[0]["photos"],
        "kept_epoch": None if several else found[0].get("train", {}).get("kept_epoch"),
        "train_seconds": None if None in seconds else mean(seconds),
        "parameters": found[0].get("model", {}).get("parameters"),
        "pkl_size": first.pkl.stat().st_size / 1e6 if first.pkl.is_file() else None,
    }


def _decision(folder: Path) -> dict[str, Any] | None:
    """decision.csv: names of runs, and by column their values; columns without a value are left out."""
    file = folder / "decision.csv"
    if not file.is_file():
        return None
    import pandas as pd

    table = pd.read_csv(
        file, dtype={"run": str}, keep_default_na=False, na_values=[""], encoding=TABLE_ENCODING
    )
    columns = table.columns[table.notna().any()].drop("run")
    whole = table[columns].astype(object).where(table[columns].notna(), None)
    return {"runs": list(table["run"]), "columns": {name: list(whole[name]) for name in columns}}


def _machines(runs: Sequence[RunDir]) -> str | None:
    """Where the runs were timed; all names when they differ."""
    found = [machine(run.read_json(run.metrics)) for run in runs]
    return "; ".join(dict.fromkeys(filter(None, found))) or None


def _link(run: RunDir, folder: Path) -> str | None:
    return Path(os.path.relpath(run.report, folder)).as_posix() if run.report.is_file() else None


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
