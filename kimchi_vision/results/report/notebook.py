"""A run as a notebook shows it: the answer, the small matrix, the worst photos, and where its files are."""

from __future__ import annotations

from kimchi_vision.base.messages import Text, catalogue, language
from kimchi_vision.base.pages import render
from kimchi_vision.base.plain import Json
from kimchi_vision.results import headline
from kimchi_vision.results.report import images
from kimchi_vision.results.run import Run

WORST = 6
MATRIX_CLASSES = 15
"""Above so many classes the matrix is left to plot_confusion_matrix."""
SIDE = 120


def html(run: Run) -> str:
    """An HTML fragment; a run that has not ended says so."""
    lang = language(run.experiment.report.lang)
    view = _view(run, catalogue(lang)) if run.files.metrics.is_file() else {}
    return render("kimchi_vision.results.report", "notebook.html", lang, run=run, **view)


def _view(run: Run, say: Text) -> Json:
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
