"""95 % intervals of shares, means and macro scores over photos, some of which count as one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from kimchi_vision.base.plain import Json

SMALLEST = 1e-15
"""A variance below it is none."""
PSEUDO_PHOTOS = 4.0
"""Photos, half right and half wrong, that steady a variance near 0 and 1: Agresti and Coull, 1998,
"Approximate is better than exact", The American Statistician 52:119. Each class gets as many, as good as
all."""
FEWEST = 8
"""Independent photos below which a share or a mean has no interval: none covers the truth in 93 % of
trials."""
FEWEST_OF_CLASS = 4
"""The same for the photos of each class in a mean over classes."""
TOGETHER = 1 - ((np.arange(100) + 0.5) / 100) ** 2
"""Correlations within a group that are thought possible, each as much as the others: Beta(1, 1/2), which is
inclined to groups whose photos are right or wrong together."""


class Estimate(NamedTuple):
    """A value with its 95 % interval; both ends are None where nothing can be said."""

    value: float
    low: float | None
    high: float | None

    @property
    def interval(self) -> list[float] | None:
        """Low and high, or None."""
        return None if self.low is None or self.high is None else [self.low, self.high]

    @classmethod
    def around(cls, value: float, low: float, high: float) -> Estimate:
        """With ends that rounding has not carried past the value."""
        return cls(float(value), min(float(low), float(value)), max(float(high), float(value)))


def named(name: str, found: Estimate | None) -> Json:
    """As files of a run hold it: NAME and NAME_interval; both are None where no photo tells."""
    return {name: found and found.value, f"{name}_interval": found and found.interval}


def share(hits: np.ndarray, units: np.ndarray) -> Estimate:
    """The share of photos that are hits. units: photos with the same number are one group.

    Wilson's interval for `worth` photos; none below FEWEST independent ones.
    """
    rate = float(hits.mean())
    if independent(units) < FEWEST:
        return Estimate(rate, None, None)
    return Estimate.around(rate, *wilson(rate, worth(hits, units)))


def independent(units: np.ndarray) -> float:
    """How many photos there would be if those of one group were one: Kish's effective size, 1965."""
    sizes = np.unique(units, return_counts=True)[1]
    return float(len(units) ** 2 / (sizes**2).sum())


def worth(values: np.ndarray, units: np.ndarray) -> float:
    """How many photos without groups would tell as much about the mean of `values`, one a photo.

    Photos over the design effect, 1 + correlation * (size - 1), where size is that of a photo's group on
    average: Kish, 1965, Survey Sampling, 5.4.
    """
    size = len(values) / independent(units)
    return len(values) / (1 + together(values, units) * (size - 1))


def together(values: np.ndarray, units: np.ndarray) -> float:
    """Correlation within groups, 0 to 1: the mean of what the photos leave possible of TOGETHER.

    By the likelihood of normal groups with one correlation, all of one size taken together. Values that lie
    far out, such as few errors, make squares less sure than normal ones do, in the ratio 2 / (kurtosis - 1):
    the likelihood is raised to that power. Coverage for groups of all kinds: python -m benchmarks.promises.
    """
    photos, apart = len(values), values - values.mean()
    group = np.unique(units, return_inverse=True)[1]
    sizes = np.bincount(group)
    between = np.bincount(group, weights=apart) ** 2 / sizes
    squares = float((apart**2).sum())
    within = squares - float(between.sum())
    if within < SMALLEST * photos:
        return 1.0
    size, kind = np.unique(sizes, return_inverse=True)
    spread = 1 + (size[:, None] - 1) * TOGETHER
    likelihood = (photos - len(sizes)) * np.log(1 - TOGETHER) + np.bincount(kind) @ np.log(spread)
    likelihood += (
        photos / squares * (within / (1 - TOGETHER) + np.bincount(kind, weights=between) @ (1 / spread))
    )
    kurtosis = photos * float((apart**4).sum()) / squares**2
    sure = 2 / max(kurtosis - 1, 2)
    weight = np.exp(-sure / 2 * (likelihood - likelihood.min()))
    return float(weight @ TOGETHER / weight.sum())


def mean(values: np.ndarray, units: np.ndarray) -> Estimate:
    """The mean of a number per photo, at least 0, for `worth` photos; none below FEWEST independent ones.

    Student's t after a cubic transformation that takes the skewness away: of losses, which a few photos make,
    a plain t interval is too low in 7 to 25 % of trials. Hall, 1992, "On the removal of skewness by
    transformation", JRSS B 54:221, equation (2.4).
    """
    middle, spread = float(values.mean()), float(values.std())
    if independent(units) < FEWEST:
        return Estimate(middle, None, None)
    if spread == 0:
        return Estimate(middle, middle, middle)
    number = worth(values, units)
    skew = float(((values - middle) ** 3).mean()) / spread**3 / np.sqrt(number)
    reach = stats.t.ppf([0.975, 0.025], number - 1)
    if abs(skew) > SMALLEST:
        reach = 3 / skew * (np.cbrt(1 + skew * (reach - skew / 6)) - 1)
    low, high = middle - reach * spread / np.sqrt(number - 1)
    return Estimate.around(middle, max(low, 0.0), high)


def of_class(hits: np.ndarray, units: np.ndarray) -> list[float] | None:
    """Interval of the share of hits among some photos, such as those of one class; None without photos."""
    return wilson(hits.mean(), worth(hits, units)).tolist() if len(hits) else None


def wilson(rate: ArrayLike, photos: ArrayLike, alpha: float = 0.05) -> np.ndarray:
    """Wilson's interval, 95 % by default, of a rate seen on so many photos; shape (..., 2).

    Photos may be a fraction, an effective number. Averaged over rates it covers the truth in 95 % of trials;
    for a single rate it moves between 91 and 98 %, less than other usual intervals of a count do: Brown, Cai
    and DasGupta, 2001, "Interval estimation for a binomial proportion", Statistical Science 16:101.
    """
    rate, photos = np.asarray(rate, float), np.asarray(photos, float)
    low, high = proportion_confint(rate * photos, photos, alpha=alpha, method="wilson")
    return np.clip(np.stack([low, high], axis=-1), 0.0, 1.0)


def over_seeds(right: np.ndarray, units: np.ndarray) -> Estimate:
    """The mean accuracy of an experiment over its seeds, also those that were not run.

    right: right or wrong, [seeds, photos]; one seed is `share`, which says nothing of other seeds.
    """
    seeds = len(right)
    if seeds == 1:
        return share(right[0], units)
    return over_trainings(right, units, right.mean(1).var(ddof=1) / seeds, seeds - 1)


def over_trainings(right: np.ndarray, units: np.ndarray, variance: float, freedom: int) -> Estimate:
    """The mean accuracy of trainings, which others would change by `variance`, known with so much freedom.

    Wilson's interval for the number of photos that the mean is worth, never more than there are. The other
    variance adds to that over photos, as much more as Student's quantile is wider: see paired.over_seeds.
    """
    rate, by_photo = float(right.mean()), right.mean(0)
    if independent(units) < FEWEST:
        return Estimate(rate, None, None)
    number = worth(by_photo, units)
    if variance == 0 or not freedom:
        return Estimate.around(rate, *wilson(rate, number))
    wider = (stats.t.ppf(0.975, freedom) / stats.norm.ppf(0.975)) ** 2
    both = by_photo.var() / (number - 1) + variance * wider
    return Estimate.around(rate, *wilson(rate, min(rate * (1 - rate) / both, number)))


def macro(truth: np.ndarray, answers: np.ndarray, units: np.ndarray, classes: int) -> dict[str, Estimate]:
    """Recall, precision and F1, means over the classes that have photos, with intervals.

    truth, answers: of each photo, from 0 to classes - 1. A score with nothing to divide by is 0, as in
    scikit-learn with zero_division=0.
    The interval is Wilson's for the number of photos that the score is worth, and none where a class has
    fewer than FEWEST_OF_CLASS independent ones. The number is score * (1 - score) / variance (the effective
    sample size of Korn and Graubard, 1998, Survey Methodology 24:193), with the variance by the delta method
    (for F1: Takahashi et al., 2022, Applied Intelligence 52:4961), taken from confusions that are steadied
    class by class: a class of two photos, both right, is not certain. A percentile bootstrap is [1, 1] when
    all photos are right.
    """
    confusion = np.bincount(truth * classes + answers, minlength=classes**2).reshape(classes, classes)
    known, share = confusion.sum(axis=1) > 0, _steadied(confusion)
    scores, expected = _macro_scores(confusion, known), _macro_scores(share, known)
    enough = all(independent(units[truth == place]) >= FEWEST_OF_CLASS for place in np.flatnonzero(known))
    result = {}
    for name, influence in _influences(share, known).items():
        if not enough:
            result[name] = Estimate(float(scores[name]), None, None)
            continue
        variance = (share * influence**2).sum() - (share * influence).sum() ** 2
        score = expected[name]
        # One class alone is always right: there is no variance, and each photo is worth one.
        each = score * (1 - score) / variance if variance > SMALLEST else 1.0
        number = each * worth(influence[truth, answers], units)
        result[name] = Estimate.around(scores[name], *wilson(scores[name], number))
    return result


def _steadied(confusion: np.ndarray) -> np.ndarray:
    """Shares of photos in each cell, with PSEUDO_PHOTOS imagined in each class; the classes keep their
    sizes."""
    size, photos = len(confusion), confusion.sum()
    imagined = PSEUDO_PHOTOS * (1 + 1 / size) / 2
    right = (np.trace(confusion) + imagined) / (photos + PSEUDO_PHOTOS)
    prior = np.full((size, size), (1 - right) / max(size - 1, 1))
    np.fill_diagonal(prior, right)
    truth = confusion.sum(1, keepdims=True)
    return (confusion + PSEUDO_PHOTOS * prior) / (truth + PSEUDO_PHOTOS) * truth / photos


def _macro_scores(confusion: np.ndarray, known: np.ndarray) -> dict[str, np.ndarray]:
    right, truth, predicted = _margins(confusion)
    parts = {"recall": (right, truth), "precision": (right, predicted), "f1": (2 * right, truth + predicted)}
    return {
        name: (known * top / np.where(bottom > 0, bottom, 1)).sum() / known.sum()
        for name, (top, bottom) in parts.items()
    }


def _influences(share: np.ndarray, known: np.ndarray) -> dict[str, np.ndarray]:
    """How each macro score moves with the share of photos in each cell; shape (K, K) as the shares."""
    own = np.eye(len(share))
    right, truth, predicted = _margins(share)
    seen = [np.where(bottom > 0, bottom, 1) for bottom in (truth, predicted, truth + predicted)]
    weight = known / known.sum()
    by_truth, by_answer, by_both = (weight / bottom for bottom in seen)
    recall, precision, f1 = right / seen[0], right / seen[1], 2 * right / seen[2]
    shared = f1 * by_both
    return {
        "recall": (own - recall[:, None]) * by_truth[:, None],
        "precision": (own - precision) * by_answer,
        "f1": 2 * own * by_both - shared[:, None] - shared,
    }


def _margins(confusion: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Right answers, photos and answers of each class."""
    return np.diagonal(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
