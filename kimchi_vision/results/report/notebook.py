"""A run as a notebook shows it: the answer, the small matrix, the worst photos, and where its files are."""

from __future__ import annotations

from html import escape

from kimchi_vision.base.messages import Text, catalogue, language
from kimchi_vision.results import headline
from kimchi_vision.results.report import images
from kimchi_vision.results.run import Run

WORST = 6
MATRIX_CLASSES = 15
"""Above so many classes the matrix is left to plot_confusion_matrix."""
SIDE = 120


def html(run: Run) -> str:
    """An HTML fragment; a run that has not ended says so."""
    say = catalogue(language(run.experiment.report.lang))
    if not run.files.metrics.is_file():
        return f"<p>{escape(say('not_finished', path=run.path))}</p>"
    parts = [f"<h3>{escape(run.name)}</h3>", _answer(run, say)]
    if len(run.vocab) <= MATRIX_CLASSES:
        parts.append(_matrix(run))
    return "\n".join([*parts, _worst(run), _files(run, say)])


def _answer(run: Run, say: Text) -> str:
    accuracy = run.score["accuracy"]
    first, *others = map(escape, headline.sentences(run, say))
    lines = [f"<b>{first}</b>", *others]
    floor = run.metrics.get("floor")
    if floor:
        lines.append(f"{escape(say('floor'))}: {accuracy.metric.shown(floor['accuracy'])}")
    return f"<p>{'<br>'.join(lines)}</p>"


def _matrix(run: Run) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in run.vocab)
    rows = []
    for name, counts in zip(run.vocab, run.metrics["confusion_matrix"], strict=True):
        cells = "".join(f"<td>{count or ''}</td>" for count in counts)
        rows.append(f"<tr><th>{escape(name)}</th>{cells}</tr>")
    return f"<table><thead><tr><th></th>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _worst(run: Run) -> str:
    worst = run.predictions.of(run.metrics["top_losses"][:WORST])
    shown = []
    for file, predicted, truth in zip(
        run.photos.files(worst.table), worst.table["predicted"], worst.table["truth"], strict=True
    ):
        source = images.photo(file, SIDE)
        picture = f'<img src="{source}" style="max-height:{SIDE}px">' if source else ""
        said = f"{escape(predicted)} ({escape(truth)})"
        shown.append(
            f'<figure style="display:inline-block;margin:4px">{picture}<br><small>{said}</small></figure>'
        )
    return f"<div>{''.join(shown)}</div>"


def _files(run: Run, say: Text) -> str:
    files = [file for file in (run.files.report, run.files.onnx, run.files.pkl) if file.is_file()]
    return "<p>" + "<br>".join(f"<code>{escape(str(file))}</code>" for file in files) + "</p>"
