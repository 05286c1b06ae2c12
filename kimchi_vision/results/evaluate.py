"""Section `evaluate`: one inference over the photos; scores and figures follow from its table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn import metrics as sklearn_metrics

from kimchi_vision.base.errors import RunError
from kimchi_vision.data.photo import thumbnail
from kimchi_vision.results import plots

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    from fastai.learner import Learner
    from matplotlib.figure import Figure

    from kimchi_vision.config.sections import Evaluate
    from kimchi_vision.data.photo import Photos

RESULTS_SHOWN = 9
PIXELS_SHOWN = 320


def predictions(learn: Learner, photos: Photos) -> pd.DataFrame:
    """One inference over the validation and test photos.

    Columns path, split, truth, predicted, loss (cross-entropy, nats) and `p:CLASS`, the probability
    of each class, float32. Raises RunError when the model's outputs are not finite numbers.
    """
    from fastcore.basics import noop

    items = _scored(photos)
    outputs, _ = learn.get_preds(dl=learn.dls.test_dl(photos.files(items)), act=noop)
    return _table(items, outputs, photos.vocab)


def averaged(section: Evaluate, learn: Learner, photos: Photos, varied: list[Any]) -> pd.DataFrame | None:
    """What `predictions` returns, from `tta` varied views of each photo and the plain one; None without.

    By fastai's Learner.tta: the plain view has a quarter of the weight. A column views more: `tta`.
    varied: batch transforms, in place of the loader's own, which may be still.
    Draws from the global random state: seed before it. The plain view alone decides what is in
    predictions.csv, is calibrated and is exported: `predict` and model.onnx see one view.
    Raises RunError as `predictions` does.
    """
    if not section.tta:
        return None
    from fastai.data.transforms import IntToFloatTensor

    items = _scored(photos)
    # Learner.tta's own batch_tfms would leave out Resize.
    dl = learn.dls.test_dl(photos.files(items), after_batch=[IntToFloatTensor(), *varied])
    probabilities, _ = learn.tta(dl=dl, n=section.tta)
    # Their logarithm is what softmax turns back into them; that of 0 would make the loss infinite.
    outputs = probabilities.clamp_min(np.finfo(np.float32).tiny).log()
    return _table(items, outputs, photos.vocab).assign(views=section.tta)


def _table(items: pd.DataFrame, outputs: torch.Tensor, vocab: Sequence[str]) -> pd.DataFrame:
    """outputs: (photos, classes), of which softmax makes probabilities."""
    if not outputs.isfinite().all():
        raise RunError(
            "The model gives outputs that are no numbers: the training went wrong. Lower the rate."
        )
    outputs = outputs.float().cpu()
    probabilities = outputs.softmax(dim=1).numpy()
    truth = _codes(items["label"], vocab)
    # From the outputs: a probability that float32 rounds to 0 would make the loss infinite.
    losses = -outputs.double().log_softmax(dim=1).numpy()[np.arange(len(items)), truth]
    table = pd.DataFrame(
        {
            "path": items["path"],
            "split": items["split"],
            "truth": items["label"],
            "predicted": [vocab[column] for column in probabilities.argmax(axis=1)],
            "loss": losses.astype(np.float32),
        }
    )
    columns = [f"p:{name}" for name in vocab]
    return pd.concat([table, pd.DataFrame(probabilities, columns=columns)], axis=1)


def metrics(
    predictions: pd.DataFrame, vocab: Sequence[str], section: Evaluate, split: str = "valid"
) -> dict[str, Any]:
    """Scores over the photos of one part, ready for JSON, without NaN.

    Macro scores are means over the classes that the part has photos of; a precision or recall with nothing
    to divide by is 0.
    confusion_matrix: photos, rows actual, columns predicted. most_confused: [actual, predicted, photos],
    most first. top_losses: paths, largest loss first.
    Raises RunError when the part has no photos.
    """
    part = _part(predictions, split)
    truth, predicted = _codes(part["truth"], vocab), _codes(part["predicted"], vocab)
    counts = sklearn_metrics.confusion_matrix(truth, predicted, labels=range(len(vocab)))
    probabilities = part[[f"p:{name}" for name in vocab]].to_numpy()
    top_k = min(section.top_k, len(vocab))
    most_probable = np.argsort(-probabilities, axis=1, kind="stable")[:, :top_k]
    wrong = int((truth != predicted).sum())
    return {
        "split": split,
        "photos": len(part),
        "accuracy": (len(part) - wrong) / len(part),
        "error_rate": wrong / len(part),
        **_macro(truth, predicted),
        "top_k": top_k,
        "top_k_accuracy": float((most_probable == truth[:, None]).any(axis=1).mean()),
        "loss": float(part["loss"].astype(float).mean()),
        "classes": _per_class(truth, predicted, vocab),
        "confusion_matrix": counts.tolist(),
        "most_confused": _most_confused(counts, vocab),
        "top_losses": part.nlargest(section.top_losses, "loss", keep="first")["path"].tolist(),
    }


def classification_text(predictions: pd.DataFrame, vocab: Sequence[str], split: str = "valid") -> str:
    """scikit-learn's classification report and the confusion matrix, in straight columns for Hangul too."""
    part = _part(predictions, split)
    truth, predicted = _codes(part["truth"], vocab), _codes(part["predicted"], vocab)
    labels = range(len(vocab))
    report = sklearn_metrics.classification_report(
        truth, predicted, labels=labels, target_names=vocab, output_dict=True, zero_division=0
    )
    accuracy = report.pop("accuracy")
    scores = pd.DataFrame(report).T.astype({"support": int})
    counts = sklearn_metrics.confusion_matrix(truth, predicted, labels=labels)
    matrix = pd.DataFrame(counts, index=vocab, columns=vocab)
    with pd.option_context("display.unicode.east_asian_width", True):
        return (
            f"{scores.to_string(float_format='{:.3f}'.format)}\n\n"
            f"accuracy {accuracy:.3f} of {len(part)} photos ({split})\n\n"
            f"confusion matrix: rows actual, columns predicted\n{matrix.to_string()}\n"
        )


def figures(predictions: pd.DataFrame, photos: Photos, scores: dict[str, Any]) -> dict[str, Figure]:
    """Figures by name: the confusion matrix twice, top losses, and some results drawn at random.

    scores: what `metrics` returned.
    """
    part = _part(predictions, scores["split"])
    counts = np.array(scores["confusion_matrix"])
    worst = part.set_index("path", drop=False).loc[scores["top_losses"]]
    some = part.sample(min(RESULTS_SHOWN, len(part)), random_state=0)
    return {
        "confusion_matrix": plots.confusion_matrix(counts, photos.vocab),
        "confusion_matrix_normalized": plots.confusion_matrix(counts, photos.vocab, normalize=True),
        "top_losses": _grid(worst, photos),
        "results": _grid(some, photos),
    }


def _grid(rows: pd.DataFrame, photos: Photos) -> Figure:
    images = [thumbnail(file, PIXELS_SHOWN) for file in photos.files(rows)]
    titles = [
        f"{row.predicted}  {row[f'p:{row.predicted}']:.0%}\nactual {row.truth}, loss {row.loss:.2f}"
        for _, row in rows.iterrows()
    ]
    right = (rows["truth"] == rows["predicted"]).tolist()
    return plots.photo_grid(images, titles, [plots.RIGHT if hit else plots.WRONG for hit in right])


def _scored(photos: Photos) -> pd.DataFrame:
    return pd.concat([photos.part("valid"), photos.part("test")], ignore_index=True)


def _part(predictions: pd.DataFrame, split: str) -> pd.DataFrame:
    part = predictions[predictions["split"] == split].reset_index(drop=True)
    if part.empty:
        raise RunError(f"There are no predictions for the part `{split}`, so it has no scores.")
    return part


def _codes(names: pd.Series, vocab: Sequence[str]) -> np.ndarray:
    return pd.Index(vocab, dtype=object).get_indexer(names.astype(object))


def _macro(truth: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    precision, recall, f1, _ = sklearn_metrics.precision_recall_fscore_support(
        truth, predicted, labels=np.unique(truth), average="macro", zero_division=0
    )
    return {"macro_precision": float(precision), "macro_recall": float(recall), "macro_f1": float(f1)}


def _per_class(truth: np.ndarray, predicted: np.ndarray, vocab: Sequence[str]) -> dict[str, dict[str, Any]]:
    columns = sklearn_metrics.precision_recall_fscore_support(
        truth, predicted, labels=range(len(vocab)), zero_division=0
    )
    return {
        name: {
            "precision": float(precision),
            "recall": float(recall),
            "f1": float(f1),
            "support": int(support),
        }
        for name, precision, recall, f1, support in zip(vocab, *columns, strict=True)
    }


def _most_confused(counts: np.ndarray, vocab: Sequence[str]) -> list[list[Any]]:
    pairs = [
        [vocab[row], vocab[column], int(counts[row, column])]
        for row, column in zip(*counts.nonzero(), strict=True)
        if row != column
    ]
    return sorted(pairs, key=lambda pair: -pair[2])
