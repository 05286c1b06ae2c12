"""Many experiments: run each row, go on when one fails, and lay the results side by side."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from kimchi_vision import claim, goals, report
from kimchi_vision.compare import compare
from kimchi_vision.errors import InputError, KimchiError, RunError
from kimchi_vision.run import run
from kimchi_vision.rundir import RunDir, write_table

if TYPE_CHECKING:
    from kimchi_vision.config import Table

log = logging.getLogger(__name__)


def run_rows(table: Table, exports: Path = Path("exports"), force: bool = False) -> list[RunDir]:
    """Run every row into exports/TABLE/ROW, write table.csv there, and return the finished runs.

    Every row is checked before the first one trains. A row that fails is named, the others run.
    Raises InputError when a row cannot run, RunError when no row ended.
    """
    folder = exports / table.name
    for row in table.rows:
        claim.check(row, folder, force)
    finished, failed = [], []
    for number, row in enumerate(table.rows, 1):
        log.info("Row %d of %d: %s", number, len(table.rows), row.name)
        try:
            finished.append(run(row, folder, force))
        except KimchiError as error:
            log.error("Row %s failed: %s", row.name, error)
            failed.append(row.name)
    if not finished:
        raise RunError(f"No row of {table.name} ended. The messages above say why.")
    write_table(folder / "table.csv", side_by_side(finished))
    if failed:
        log.error("Failed rows: %s. The table holds the others.", ", ".join(failed))
    return finished


def side_by_side(runs: Sequence[RunDir]) -> pd.DataFrame:
    """A row a run: scores over the validation photos, accuracy's 95 % interval, parameters, size and time."""
    return pd.DataFrame([_row(run) for run in runs])


def verdicts(finished: Sequence[RunDir]) -> str:
    """The comparison of runs and the goals they meet, as text, or why there can be no comparison.

    Beside the runs it is written to compare.md and, with all scores, to report.html; decision.csv has what
    each run reaches and costs.
    """
    folder = finished[0].path.parent
    decision = goals.decision(finished)
    write_table(folder / "decision.csv", decision)
    reached = goals.sentences(decision)
    try:
        result = compare([run.path for run in finished])
    except InputError as error:
        said = f"These rows are not compared. {error}"
        sentences = [said]
    else:
        result.write(folder / "compare.md")
        said, sentences = result.text(), result.sentences()
    page = report.write_table(finished, folder / "report.html", verdicts=[*sentences, *reached])
    return "\n".join([said, *reached, f"\nSide by side: {page}"])


def _row(run: RunDir) -> dict[str, object]:
    metrics = run.read_json(run.metrics)
    scores = ("accuracy", "error_rate", "macro_recall", "macro_precision", "macro_f1", "loss")
    return {
        "run": run.path.name,
        "photos": metrics["photos"],
        "accuracy_low": metrics["accuracy_interval"][0],
        "accuracy_high": metrics["accuracy_interval"][1],
        **{name: metrics[name] for name in scores},
        "epoch": metrics["train"]["kept_epoch"],
        "parameters": metrics["model"]["parameters"],
        "model_mb": round(run.pkl.stat().st_size / 1e6, 1) if run.pkl.is_file() else None,
        "train_minutes": round(metrics["train"]["seconds"] / 60, 2),
    }
