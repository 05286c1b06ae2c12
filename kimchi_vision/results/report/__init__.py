"""Section `report`: a run folder, or several, become one HTML file that opens offline. No torch."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from kimchi_vision.base.files import write_text
from kimchi_vision.base.messages import Text, catalogue, language
from kimchi_vision.base.pages import render
from kimchi_vision.base.plain import Json
from kimchi_vision.config.sections import Report
from kimchi_vision.data import images
from kimchi_vision.results import headline
from kimchi_vision.results.choices import Winner
from kimchi_vision.results.report import run_page, table_page
from kimchi_vision.results.run import Run

__all__ = ["notebook", "write", "write_table"]

WORST = 6
MATRIX_CLASSES = 15
"""Above so many classes the matrix is left to plot_confusion_matrix."""
SIDE = 120


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


def notebook(run: Run) -> str:
    """A run as a notebook shows it, an HTML fragment: the answer, the small matrix, the worst photos, files.

    A run that has not ended says so.
    """
    lang = language(run.experiment.report.lang)
    view = _answer(run, catalogue(lang)) if run.files.metrics.is_file() else {}
    return render(__name__, "notebook.html", lang, run=run, **view)


def _answer(run: Run, say: Text) -> Json:
    sentences = [*headline.sentences(run, say), headline.baseline(run, say)]
    matrix = list(zip(run.vocab, run.mistakes["confusion_matrix"], strict=True))
    worst = run.answers.of(run.mistakes["top_losses"][:WORST])
    sources = [images.photo(file, SIDE) for file in run.photos.files(worst.table)]
    files = (run.files.report, run.files.onnx, run.files.pkl)
    return {
        "sentences": list(filter(None, sentences)),
        "over": headline.over(run, say),
        "matrix": matrix if len(matrix) <= MATRIX_CLASSES else None,
        "worst": list(zip(sources, worst.table["predicted"], worst.table["truth"], strict=True)),
        "side": SIDE,
        "files": [file for file in files if file.is_file()],
    }
