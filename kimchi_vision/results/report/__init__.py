"""Section `report`: a run folder, or several, become one HTML file that opens offline. No torch."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from kimchi_vision.base.files import write_text
from kimchi_vision.base.messages import catalogue, language
from kimchi_vision.base.pages import render
from kimchi_vision.config.sections import Report
from kimchi_vision.results.choices import Winner
from kimchi_vision.results.report import run_page, table_page
from kimchi_vision.results.run import Run

__all__ = ["write", "write_table"]


def write(run: Run, section: Report) -> Path:
    """Write report.html from what lies in the run folder, and return its path.

    Photos that are no longer there are named only.
    Raises InputError when metrics.json, predictions.csv, labels.json or experiment.yaml is missing.
    """
    chosen = language(section.lang)
    write_text(run.files.report, render(__name__, "run.html", chosen, **run_page.view(run, chosen)))
    return run.files.report


def write_table(
    rows: Mapping[str, Sequence[Run]],
    path: Path,
    lang: str = "auto",
    verdicts: Sequence[str] = (),
    won: Winner | None = None,
) -> Path:
    """Write one page with the rows of a table side by side, and return its path.

    rows: by name, each with its runs, one a seed. verdicts: sentences of the comparison, shown first. won:
    the row whose accuracy is the first number.
    """
    chosen = language(lang)
    view = table_page.view(rows, path, verdicts, catalogue(chosen), won)
    write_text(path, render(__name__, "table.html", chosen, **view))
    return path
