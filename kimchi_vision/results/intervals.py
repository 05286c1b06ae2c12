"""95 % intervals of shares, means and macro scores over photos, some of which count as one."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

PSEUDO_PHOTOS = 4.0
"""Photos, half right and half wrong, that steady a variance near 0 and 1: Agresti and Coull, 1998,
"Approximate is better than exact", The American Statistician 52:119."""


class Estimate(NamedTuple):
    """A value with its 95 % interval; both ends are None where nothing can be said."""

    value: float
    low: float | None
    high: float | None

    @classmethod
    def around(cls, value: float, low: float, high: float) -> Estimate:
        """With ends that rounding has not carried past the value."""
        return cls(float(value), min(float(low), float(value)), max(float(high), float(value)))


def share(hits: np.ndarray, units: np.ndarray) -> Estimate:
    """The share of photos that are hits. units: photos with the same number count as one."""
    rate = float(hits.mean())
    return Estimate.around(rate, *wilson(rate, len(np.unique(units))))


def mean(values: np.ndarray, units: np.ndarray) -> Estimate:
    """The mean of a number per photo, at least 0; Student's t over units, whose photos vary together.

    Source: Cameron and Miller, 2015, "A practitioner's guide to cluster-robust inference", section II.
    """
    middle = float(values.mean())
    sums = np.bincount(np.unique(units, return_inverse=True)[1], weights=values - middle)
    number = len(sums)
    if number < 2:
        return Estimate(middle, None, None)
    error = np.sqrt(number / (number - 1) * (sums**2).sum()) / len(values)
    reach = float(stats.t.ppf(0.975, number - 1) * error)
    return Estimate.around(middle, max(middle - reach, 0.0), middle + reach)


def of_class(hits: np.ndarray, units: np.ndarray) -> list[float] | None:
    """Interval of the share of hits among some photos, such as those of one class; None without photos."""
    return list(share(hits, units)[1:]) if len(hits) else None


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


def macro(confusion: np.ndarray, distinct: float = 1.0) -> dict[str, Estimate]:
    """Recall, precision and F1, means over the classes that have photos, with intervals.

    confusion: photos, true classes in rows, shape (K, K). distinct: photos that are not near-copies, as a
    share of all. A score with nothing to divide by is 0, as in scikit-learn with zero_division=0.
    The interval is Wilson's for the number of photos that the score is worth.
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
        result[name] = Estimate.around(scores[name], *wilson(scores[name], worth * distinct))
    return result


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
    """Which classes have photos; shape (..., K)."""
    return confusion.sum(-1) > 0


def _margins(confusion: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Right answers, photos and answers of each class."""
    return np.diagonal(confusion, axis1=-2, axis2=-1), confusion.sum(-1), confusion.sum(-2)
