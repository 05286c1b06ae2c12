"""What a table shows on a terminal at its end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich import print as rich_print
from rich.table import Table

from kimchi_vision.jobs import table
from kimchi_vision.results.scores import METRICS

if TYPE_CHECKING:
    import pandas as pd

    from kimchi_vision.base.sentence import Text
    from kimchi_vision.jobs.table import Finished


def show(finished: Finished, say: Text, lang: str) -> Path:
    """The end of a table: its rows side by side, the verdicts, and where the pages are; returns its page."""
    print_table(table.side_by_side(finished), say)
    print(table.verdicts(finished, lang))
    runs = [run for row in finished.values() for run in row]
    for run in runs:
        print(say("report_at", path=run.files.report))
    return table.page_of(runs)


def print_table(rows: pd.DataFrame, say: Text) -> None:
    """Rows as columns, so that any number of figures fits a narrow terminal; mean ± sd over seeds."""
    shown = Table("", *rows["run"])
    silent = {"run", "error_rate", *(["seeds"] if (rows["seeds"] == 1).all() else [])}
    for name in rows.columns.drop(list(silent), errors="ignore"):
        if not name.endswith("_sd"):
            spread = rows[f"{name}_sd"] if f"{name}_sd" in rows else [None] * len(rows)
            cells = zip(rows[name], spread, rows["seeds"], strict=True)
            shown.add_row(say(name), *(_cell(name, *each) for each in cells))
    rich_print(shown)


def _cell(name: str, value: float | None, sd: float | None, seeds: int) -> str:
    if value is None or value != value:
        return ""
    like = METRICS["accuracy"] if name in ("accuracy_low", "accuracy_high", "floor") else METRICS.get(name)
    text = like.shown(value) if like else f"{value:,.2f}" if isinstance(value, float) else f"{value:,}"
    return text if seeds == 1 or sd is None or like is None else f"{text} ± {like.shown(sd)} (n = {seeds})"
