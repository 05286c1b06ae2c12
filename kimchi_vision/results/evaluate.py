"""Section `evaluate`: scores and figures of the predictions for one part of the photos."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure
from sklearn import metrics as sklearn_metrics

from kimchi_vision.base.numbers import percent
from kimchi_vision.base.plain import Json
from kimchi_vision.config.sections import Evaluate
from kimchi_vision.data.photo import Photos, thumbnail
from kimchi_vision.results import plots, separation
from kimchi_vision.results.intervals import named, of_class
from kimchi_vision.results.predictions import Predictions
from kimchi_vision.results.scores import scores

RESULTS_SHOWN = 9
PIXELS_SHOWN = 320
DEFAULT = Evaluate()
"""What is asked where no experiment says anything."""


def metrics(predictions: Predictions, section: Evaluate) -> Json:
    """Scores over the photos of one part, ready for JSON, without NaN.

    Each score of the registry by its name, and NAME_interval: 95 %, [low, high] or None.
    classes: precision, recall, f1, support and intervals of each; a precision or recall with nothing to
    divide by is 0, its interval None. separation: auc, auc_interval and average_precision of each class
    against the rest, without classes that no photo is of. confusion_matrix: photos, rows actual, columns
    predicted.
    most_confused: [actual, predicted, photos], most first. top_losses: paths, largest loss first.
    """
    counts, vocab = predictions.confusion, predictions.vocab
    confused = [
        [vocab[row], vocab[column], int(counts[row, column])]
        for row, column in zip(*counts.nonzero(), strict=True)
        if row != column
    ]
    precision = separation.average_precision(predictions)
    found: Json = {"split": predictions.split, "photos": len(predictions)}
    for score in scores(predictions, section):
        found |= {score.name: score.value, f"{score.name}_interval": score.interval}
    return {
        **found,
        "top_k": min(section.top_k, len(vocab)),
        "classes": _per_class(predictions),
        "separation": {
            name: {**named("auc", area), "average_precision": precision[name]}
            for name, area in separation.by_class(predictions).items()
        },
        "confusion_matrix": counts.tolist(),
        "most_confused": sorted(confused, key=lambda pair: -pair[2]),
        "top_losses": predictions.worst(section.top_losses).paths,
    }


def classification_text(predictions: Predictions) -> str:
    """scikit-learn's classification report and the confusion matrix, in straight columns for Hangul too."""
    vocab = predictions.vocab
    said, options = (predictions.truth, predictions.answers), {"output_dict": True, "zero_division": 0}
    names = {"labels": range(len(vocab)), "target_names": vocab}
    report = sklearn_metrics.classification_report(*said, **names, **options)
    accuracy = report.pop("accuracy")
    table = pd.DataFrame(report).T.astype({"support": int})
    matrix = pd.DataFrame(predictions.confusion, index=vocab, columns=vocab)
    with pd.option_context("display.unicode.east_asian_width", True):
        return (
            f"{table.to_string(float_format='{:.3f}'.format)}\n\n"
            f"accuracy {accuracy:.3f} of {len(predictions)} photos ({predictions.split})\n\n"
            f"confusion matrix: rows actual, columns predicted\n{matrix.to_string()}\n"
        )


def figures(predictions: Predictions, photos: Photos, top_losses: Sequence[str]) -> dict[str, Figure]:
    """Figures by name: the confusion matrix twice, ROC and precision-recall of each class, top losses, and
    some results drawn at random.

    top_losses: paths, as `metrics` gives them.
    """
    counts = predictions.confusion
    some = predictions.table.sample(min(RESULTS_SHOWN, len(predictions)), random_state=0)
    return {
        "confusion_matrix": plots.confusion_matrix(counts, predictions.vocab),
        "roc": plots.one_against_rest(separation.curves(predictions, "roc"), "false positives", "recall"),
        "precision_recall": plots.one_against_rest(
            separation.curves(predictions, "precision_recall"), "recall", "precision"
        ),
        "confusion_matrix_normalized": plots.confusion_matrix(counts, predictions.vocab, normalize=True),
        "top_losses": grid(predictions.of(top_losses), photos),
        "results": grid(predictions.of(some["path"]), photos),
    }


def grid(predictions: Predictions, photos: Photos) -> Figure:
    """The photos, each with what is said of it and what it is."""
    table = predictions.table
    images = [thumbnail(file, PIXELS_SHOWN) for file in photos.files(table)]
    titles = [
        f"{predicted}  {percent(sure, 0)}\nactual {truth}, loss {loss:.2f}"
        for predicted, sure, truth, loss in zip(
            table["predicted"], predictions.confidence, table["truth"], predictions.loss, strict=True
        )
    ]
    colours = [plots.RIGHT if hit else plots.WRONG for hit in predictions.right]
    return plots.photo_grid(images, titles, colours)


def _per_class(predictions: Predictions) -> dict[str, Json]:
    truth, answers, units = predictions.truth, predictions.answers, predictions.units
    columns = sklearn_metrics.precision_recall_fscore_support(
        truth, answers, labels=range(len(predictions.vocab)), zero_division=0
    )
    found = {}
    for place, (name, *scored, support) in enumerate(zip(predictions.vocab, *columns, strict=True)):
        own, said = truth == place, answers == place
        found[name] = {
            **dict(zip(("precision", "recall", "f1"), map(float, scored), strict=True)),
            "support": int(support),
            "recall_interval": of_class(predictions.right[own], units[own]),
            "precision_interval": of_class(predictions.right[said], units[said]),
        }
    return found
