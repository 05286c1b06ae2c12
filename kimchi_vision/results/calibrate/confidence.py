"""Does a probability of 0.9 mean right in nine of ten photos? Reliability, its error, and the temperature."""

import numpy as np
import pandas as pd
from scipy import optimize

from kimchi_vision.results.intervals import Estimate, of_class
from kimchi_vision.results.temperature import logits, softmax

DRAWS = 1000
SCALES = np.concatenate([np.linspace(0, 1.6, 33), [2.0, 3.0]])
"""Multiples of the gaps that were seen, among which the true ones are looked for."""
USUAL = (0.0125, 0.5, 0.9875)
"""Quantiles of errors that are usual, and their median; wider than 95 %, since the gaps are only
estimated."""
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
    arXiv:1909.10155). Here the gaps that were seen are taken SCALES times, noise of a bootstrap over photos,
    or groups of near-copies, is added, and the error is the scale whose median is what was seen; the interval
    holds the scales under which that is usual (test inversion: Carpenter, 1999, Statistics in Medicine
    18:2321). It starts at 0 when a calibrated model could show as much.
    """
    units = units_of(len(confidence), groups)
    number = units.max() + 1
    gaps = np.zeros((number, bins))
    np.add.at(gaps, (units, _bin(confidence, bins)), (right - confidence) / len(confidence))
    middle = gaps.sum(0)
    noise = np.random.default_rng(0).multinomial(number, np.ones(number) / number, DRAWS) @ gaps - middle
    seen = float(np.abs(middle).sum())
    usual = np.array([np.quantile(np.abs(scale * middle + noise).sum(1), USUAL) for scale in SCALES])
    inside = SCALES[(usual[:, 0] <= seen) & (seen <= usual[:, 2])]
    error = seen * float(np.interp(seen, usual[:, 1], SCALES))
    return Estimate.around(error, seen * inside.min(initial=1.0), seen * inside.max(initial=1.0))


def error_when_calibrated(confidence: np.ndarray, bins: int, groups: np.ndarray | None = None) -> float:
    """The calibration error below which 95 % of perfectly calibrated models stay on such photos; seeded.

    groups: photos of one group (near-copies) are right or wrong together.
    Consistency resampling: Bröcker and Smith, 2007, Weather and Forecasting 22:651.
    """
    random = np.random.default_rng(0)
    index, units = _bin(confidence, bins), units_of(len(confidence), groups)
    number = units.max() + 1
    draws = [
        np.abs(np.bincount(index, weights=(random.random(number)[units] < confidence) - confidence)).sum()
        for _ in range(DRAWS)
    ]
    return float(np.quantile(draws, 0.95) / len(confidence))


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
