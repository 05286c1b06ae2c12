"""Does a probability of 0.9 mean right in nine of ten photos? Reliability, its error, and the temperature."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import optimize
from typing_extensions import Self

from kimchi_vision.results.intervals import Estimate, independent, of_class
from kimchi_vision.results.temperature import logits, softmax

DRAWS = 1000
ERRORS = np.concatenate([[0], np.geomspace(0.001, 1, 50)])
"""Calibration errors that are tried."""
USUAL = (0.02, 0.5, 0.96, 0.98)
"""Quantiles of what may be seen: the least that is usual, the median, and the most: the first one where
the least would be usual of a calibrated model, too, and nothing is too little; else the second. The levels
are those at which python -m benchmarks.promises finds 95 % covered: how the error lies is only estimated."""
TIE = 1e-9
"""What rounding leaves between equal errors."""
COLDEST, HOTTEST = 0.02, 50.0
"""Temperatures between which one is looked for."""


def units_of(photos: int, groups: np.ndarray | None) -> np.ndarray:
    """For each photo the number, from 0, of what counts as one: itself, or its group of near-copies."""
    return np.arange(photos) if groups is None else np.unique(groups, return_inverse=True)[1]


def reliability(
    confidence: np.ndarray, right: np.ndarray, bins: int, groups: np.ndarray | None = None
) -> pd.DataFrame:
    """Photos sorted into bins of equal width by the probability of the predicted class.

    groups: photos of one group (near-copies) count together in the intervals.
    Columns low, high (the bin's edges; the upper one belongs to it), photos, confidence (mean), accuracy, and
    accuracy_low, accuracy_high (Wilson's 95 % interval). Bins without photos are left out.
    """
    edges = np.linspace(0, 1, bins + 1)
    units, places = units_of(len(confidence), groups), _bin(confidence, bins)
    rows = []
    for place in np.unique(places):
        here = places == place
        low, high = of_class(right[here], units[here])
        ends = {"low": edges[place], "high": edges[place + 1], "photos": int(here.sum())}
        means = {"confidence": confidence[here].mean(), "accuracy": right[here].mean()}
        rows.append({**ends, **means, "accuracy_low": low, "accuracy_high": high})
    return pd.DataFrame(rows)


def expected_calibration_error(confidence: np.ndarray, right: np.ndarray, bins: int) -> float:
    """Mean distance of confidence and accuracy over bins, weighted by photos; 0 is best.

    Naeini, Cooper and Hauskrecht, 2015; with 15 bins in Guo et al., 2017, arXiv:1706.04599.
    """
    gaps = np.bincount(_bin(confidence, bins), weights=right - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(confidence))


def calibration_error(
    confidence: np.ndarray, right: np.ndarray, bins: int, groups: np.ndarray | None = None
) -> Estimate:
    """The calibration error without what chance adds to it, with its 95 % interval; seeded.

    Chance moves every bin, so that the error of few photos is too large (Kumar, Liang and Ma, 2019,
    arXiv:1909.10155). Here the bins lie off as they were seen to, so far that their error is one of ERRORS,
    and photos are drawn: the error is the one whose median is what was seen, and the interval holds those
    under which that is usual (test inversion: Carpenter, 1999, Statistics in Medicine 18:2321). What is less
    than calibrated models show in the median counts as that, and near 0 the interval is one-sided by itself
    (Feldman and Cousins, 1998, Physical Review D 57:3873).
    """
    place, drawn = _bin(confidence, bins), _Bins.of(confidence, bins, groups)
    hits = np.bincount(place, right, bins)[np.unique(place)] / (drawn.share * len(place))
    seen = float(drawn.share @ np.abs(hits - drawn.sure))
    # A photo more in each bin, half right: bins that are all right may yet lie off.
    gaps = (hits * drawn.worth + 0.5) / (drawn.worth + 1) - drawn.sure
    chances = np.clip(drawn.sure + ERRORS[:, None] * gaps / (drawn.share @ np.abs(gaps)), 0, 1)
    usual = np.maximum.accumulate([np.quantile(drawn.errors(chance), USUAL) for chance in chances])
    least, middle, *most = usual.T
    most = np.where(least > middle[0], *most[::-1])
    true = np.abs(chances - drawn.sure) @ drawn.share
    # Few photos have few shares: of several errors that fit equally well, 0 is one to start with.
    value, low = (np.interp(seen - TIE, each, true) for each in (middle, most))
    return Estimate.around(value, low, np.interp(max(seen, middle[0]) + TIE, least, true))


def error_when_calibrated(confidence: np.ndarray, bins: int, groups: np.ndarray | None = None) -> float:
    """The calibration error below which 95 % of perfectly calibrated models stay on such photos; seeded.

    groups: photos of one group (near-copies) are right or wrong together.
    Consistency resampling: Bröcker and Smith, 2007, Weather and Forecasting 22:651.
    """
    drawn = _Bins.of(confidence, bins, groups)
    return float(np.quantile(drawn.errors(drawn.sure), 0.95))


@dataclass(frozen=True)
class _Bins:
    """Per bin with photos: its share of them, their mean confidence, and how many count; and those of all."""

    share: np.ndarray
    sure: np.ndarray
    worth: np.ndarray
    all: int

    @classmethod
    def of(cls, confidence: np.ndarray, bins: int, groups: np.ndarray | None) -> Self:
        """Photos of one group in a bin are right or wrong together: Kish's effective size, 1965."""
        place = np.unique(_bin(confidence, bins), return_inverse=True)[1]
        units = units_of(len(place), groups)
        pairs, sizes = np.unique([place, units], axis=1, return_counts=True)
        photos, squares = (np.bincount(pairs[0], weights) for weights in (sizes, sizes**2))
        sure = np.bincount(place, confidence) / photos
        worth = np.rint(photos**2 / squares).astype(int)
        return cls(photos / len(place), sure, worth, round(independent(units)))

    def errors(self, chance: np.ndarray) -> np.ndarray:
        """Calibration errors of DRAWS such folders, where a photo of each bin is right with this chance.

        Luck moves each bin as it is; how far it lies off counts by the photos that fall into it.
        """
        random, worth = np.random.default_rng(0), self.worth[:, None]
        share, sure, chance = (each[:, None] for each in (self.share, self.sure, chance))
        luck = random.binomial(worth, chance, (len(share), DRAWS)) / worth - chance
        shares = random.multinomial(self.all, self.share, DRAWS).T / self.all
        return np.abs(share * luck + shares * (chance - sure)).sum(axis=0)


def fit_temperature(probabilities: np.ndarray, truth: np.ndarray) -> float:
    """The temperature that makes the true classes most likely: above 1 for a model that is too sure.

    probabilities: [photos, classes]; truth: column of the true class. 1 when nothing can be fitted: no photo
    is wrong, or the best temperature lies beyond 0.02 to 50. Guo et al., 2017, arXiv:1706.04599.
    """
    outputs = logits(probabilities)
    own = outputs[np.arange(len(truth)), truth]

    def slope(coldness: float) -> float:
        """Of the mean negative log-likelihood, which is convex, along 1 / temperature."""
        return float(((softmax(coldness * outputs) * outputs).sum(axis=1) - own).mean())

    if slope(1 / HOTTEST) >= 0 or slope(1 / COLDEST) <= 0:
        return 1.0
    return 1 / optimize.brentq(slope, 1 / HOTTEST, 1 / COLDEST, xtol=1e-12)


def negative_log_likelihood(probabilities: np.ndarray, truth: np.ndarray) -> float:
    """Mean over photos, in nats."""
    return float(-logits(probabilities)[np.arange(len(truth)), truth].mean())


def _bin(confidence: np.ndarray, bins: int) -> np.ndarray:
    return np.clip(np.searchsorted(np.linspace(0, 1, bins + 1), confidence, side="left") - 1, 0, bins - 1)
