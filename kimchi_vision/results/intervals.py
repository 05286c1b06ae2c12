"""95 % intervals of the scores of one run, from its predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from kimchi_vision.base.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

PSEUDO_PHOTOS = 4.0
"""Photos, half right and half wrong, that steady a variance near 0 and 1: Agresti and Coull, 1998,
"Approximate is better than exact", The American Statistician 52:119."""


def with_intervals(
    metrics: Mapping[str, Any], predictions: pd.DataFrame, items: pd.DataFrame
) -> dict[str, Any]:
    """The metrics of one split, with `..._interval` beside each score: 95 %, [low, high] or None.

    metrics: with split and classes, as evaluate gives them; classes gain recall_interval, precision_interval.
    items: with path, and perhaps `group`: photos of one group (near-copies) count as one photo.
    """
    part = predictions[predictions["split"] == metrics["split"]]
    groups = part["path"].map(items.set_index("path")["group"]) if "group" in items else None
    found = intervals(part, list(metrics["classes"]), groups)
    classes = {label: {**scores, **found["classes"][label]} for label, scores in metrics["classes"].items()}
    return {**metrics, **found, "classes": classes}


def intervals(
    predictions: pd.DataFrame, vocab: Sequence[str], groups: pd.Series | None = None
) -> dict[str, Any]:
    """95 % intervals of accuracy, error rate, macro scores, and recall and precision of each class.

    predictions: rows of one split with columns truth and predicted.
    groups: a key for each row; photos with the same key count as one photo.
    Returns `accuracy_interval`, `error_rate_interval`, `macro_recall_interval`, `macro_precision_interval`,
    `macro_f1_interval`, and `classes`: label → `recall_interval`, `precision_interval`; each [low, high]
    between 0 and 1, or None where there is nothing to divide by, such as the precision of a class that was
    never predicted. Raises InputError for no rows or a class outside vocab.
    """
    confusion = confusion_matrix(predictions, vocab)
    keys = np.arange(len(predictions)) if groups is None else groups.to_numpy()
    truths, answers = predictions["truth"].to_numpy(), predictions["predicted"].to_numpy()
    right = np.diag(confusion)
    classes = {
        label: {
            "recall_interval": _class_interval(right[index], keys[truths == label]),
            "precision_interval": _class_interval(right[index], keys[answers == label]),
        }
        for index, label in enumerate(vocab)
    }
    distinct = len(np.unique(keys))
    low, high = wilson(right.sum() / len(keys), distinct).tolist()
    macro = macro_intervals(confusion, distinct / len(keys))
    return {
        "accuracy_interval": [low, high],
        "error_rate_interval": [1 - high, 1 - low],
        **{f"macro_{name}_interval": interval.tolist() for name, interval in macro.items()},
        "classes": classes,
    }


def confusion_matrix(predictions: pd.DataFrame, vocab: Sequence[str]) -> np.ndarray:
    """Counts, truth in rows and predicted in columns, in the order of vocab. Errors as in intervals."""
    if predictions.empty:
        raise InputError("There are no predictions to score; has the split any photos?")
    order = {label: index for index, label in enumerate(vocab)}
    codes = [predictions[column].map(order) for column in ("truth", "predicted")]
    for column, code in zip(("truth", "predicted"), codes, strict=True):
        if code.isna().any():
            label = predictions[column][code.isna()].iloc[0]
            raise InputError(f"Class {label!r} in column `{column}` is not one of: {', '.join(vocab)}.")
    cells = codes[0].to_numpy(int) * len(vocab) + codes[1].to_numpy(int)
    return np.bincount(cells, minlength=len(vocab) ** 2).reshape(len(vocab), len(vocab))


def wilson(rate: Any, photos: Any) -> np.ndarray:
    """Wilson's 95 % interval of a rate seen on so many photos; shape (..., 2).

    Photos may be a fraction, an effective number. Averaged over rates it covers the truth in 95 % of trials;
    for a single rate it moves between 91 and 98 %, less than other usual intervals of a count do: Brown, Cai
    and DasGupta, 2001, "Interval estimation for a binomial proportion", Statistical Science 16:101.
    """
    rate, photos = np.asarray(rate, float), np.asarray(photos, float)
    low, high = proportion_confint(rate * photos, photos, alpha=0.05, method="wilson")
    return np.clip(np.stack([low, high], axis=-1), 0.0, 1.0)


def over_seeds(right: np.ndarray) -> np.ndarray:
    """95 % interval of the mean accuracy of several seeds; shape (2,).

    right: right or wrong, [seeds, photos]; one seed is Wilson's interval.
    Wilson's for the number of photos that the mean is worth, never more than there are. Variance over photos
    and over seeds add up, with Satterthwaite's degrees of freedom, as in paired.over_seeds.
    """
    seeds, photos = right.shape
    rate = right.mean()
    if seeds == 1:
        return wilson(rate, photos)
    from_photos, from_seeds = right.mean(0).var(ddof=1) / photos, right.mean(1).var(ddof=1) / seeds
    variance = from_photos + from_seeds
    if variance == 0:
        return wilson(rate, photos)
    freedom = variance**2 / (from_photos**2 / (photos - 1) + from_seeds**2 / (seeds - 1))
    wider = (stats.t.ppf(0.975, freedom) / stats.norm.ppf(0.975)) ** 2
    return wilson(rate, min(rate * (1 - rate) / (variance * wider), photos))


def macro_scores(confusion: np.ndarray) -> dict[str, np.ndarray]:
    """Macro recall, precision and F1 of confusion matrices of shape (..., K, K).

    Means over the classes seen or predicted; a score with nothing to divide by is 0, as in scikit-learn
    with zero_division=0.
    """
    return _macro_scores(confusion, _known(confusion))


def macro_intervals(confusion: np.ndarray, distinct: float = 1.0) -> dict[str, np.ndarray]:
    """Wilson's interval for the number of photos that a macro score is worth; shape (..., 2) for (..., K, K).

    distinct: photos that are not near-copies, as a share of all.
    The number is score * (1 - score) / variance (the effective sample size of Korn and Graubard, 1998,
    Survey Methodology 24:193), with the variance by the delta method (for F1: Takahashi et al., 2022, Applied
    Intelligence 52:4961). A percentile bootstrap is [1, 1] when all photos are right: with 30 photos and a
    true accuracy of 0.99 it covers the truth in a quarter of trials.
    """
    size = confusion.shape[-1]
    photos = confusion.sum((-1, -2))
    truth = confusion.sum(-1, keepdims=True)
    prior = (np.eye(size) + 1 / size) / 2
    steady = confusion + PSEUDO_PHOTOS * prior * truth / photos[..., None, None]
    share = steady / steady.sum((-1, -2), keepdims=True)
    known = _known(confusion)
    scores, expected = _macro_scores(confusion, known), _macro_scores(share, known)
    result = {}
    for name, influence in _influences(share, known).items():
        mean = (share * influence).sum((-1, -2))
        variance = (share * influence**2).sum((-1, -2)) - mean**2
        score = expected[name]
        # One class alone is always right: there is no variance, and each photo is worth one.
        worth = np.where(variance > 1e-15, score * (1 - score) / np.maximum(variance, 1e-15), 1) * photos
        result[name] = wilson(scores[name], worth * distinct)
    return result


def _class_interval(right: int, keys: np.ndarray) -> list[float] | None:
    return wilson(right / len(keys), len(np.unique(keys))).tolist() if len(keys) else None


def _macro_scores(confusion: np.ndarray, known: np.ndarray) -> dict[str, np.ndarray]:
    right, truth, predicted = _margins(confusion)
    parts = {"recall": (right, truth), "precision": (right, predicted), "f1": (2 * right, truth + predicted)}
    return {
        name: (known * top / np.where(bottom > 0, bottom, 1)).sum(-1) / known.sum(-1)
        for name, (top, bottom) in parts.items()
    }


def _influences(share: np.ndarray, known: np.ndarray) -> dict[str, np.ndarray]:
    """How each macro score moves with the share of photos in each cell; shape (..., K, K) as the shares."""
    own = np.eye(share.shape[-1])
    right, truth, predicted = _margins(share)
    seen = [np.where(bottom > 0, bottom, 1) for bottom in (truth, predicted, truth + predicted)]
    weight = known / known.sum(-1, keepdims=True)
    by_truth, by_answer, by_both = (weight / bottom for bottom in seen)
    recall, precision, f1 = right / seen[0], right / seen[1], 2 * right / seen[2]
    shared = f1 * by_both
    return {
        "recall": (own - recall[..., :, None]) * by_truth[..., :, None],
        "precision": (own - precision[..., None, :]) * by_answer[..., None, :],
        "f1": 2 * own * by_both[..., None, :] - shared[..., :, None] - shared[..., None, :],
    }


def _known(confusion: np.ndarray) -> np.ndarray:
    """Which classes are seen or predicted; shape (..., K)."""
    return (confusion.sum(-1) + confusion.sum(-2)) > 0


def _margins(confusion: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Right answers, photos and answers of each class."""
    return np.diagonal(confusion, axis1=-2, axis2=-1), confusion.sum(-1), confusion.sum(-2)
