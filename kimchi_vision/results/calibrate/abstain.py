"""When to say "I don't know": the photos with the lowest confidence are handed back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from kimchi_vision.results.calibrate.confidence import units_of

FOLDS = 10


@dataclass(frozen=True)
class Abstention:
    """A threshold on the probability of the predicted class; photos below it are not answered.

    threshold: 0 to 1, or None when no threshold keeps the error.
    coverage: share of photos that are answered; error: share of wrong ones among them, with error_interval
    (95 %). Coverage and error come from photos that did not choose the threshold (10 folds).
    """

    threshold: float | None
    coverage: float
    error: float | None
    error_interval: list[float] | None


def risk_coverage(confidence: np.ndarray, right: np.ndarray) -> pd.DataFrame:
    """Columns threshold, coverage (share answered) and risk (share wrong among those), falling threshold.

    Photos of the same confidence are answered together. El-Yaniv and Wiener, 2010, JMLR 11:1605.
    """
    threshold, answered, risk = _curve(confidence, right)
    return pd.DataFrame({"threshold": threshold, "coverage": answered / len(confidence), "risk": risk})


def area_under_risk_coverage(confidence: np.ndarray, right: np.ndarray) -> float:
    """Mean risk over all coverages, between 0 (best) and 1."""
    curve = risk_coverage(confidence, right)
    return float(np.average(curve["risk"], weights=np.diff(curve["coverage"], prepend=0)))


def abstain_at(
    error: float, confidence: np.ndarray, right: np.ndarray, groups: np.ndarray | None = None
) -> Abstention:
    """The lowest threshold that keeps the error among answered photos at `error`, 0 to 1, or less.

    groups: photos of one group (near-copies) stay in one fold and count as one.
    """
    threshold = _lowest_threshold(error, confidence, right)
    if threshold is None:
        return Abstention(None, 0.0, None, None)
    units = units_of(len(confidence), groups)
    fold = np.random.default_rng(0).permutation(units.max() + 1)[units] % FOLDS
    answered = np.zeros(len(confidence), bool)
    for number in np.unique(fold):
        others = fold != number
        chosen = _lowest_threshold(error, confidence[others], right[others]) if others.any() else None
        if chosen is not None:
            answered[~others] = confidence[~others] >= chosen
    if not answered.any():
        return Abstention(threshold, 0.0, None, None)
    wrong = float((~right[answered]).mean())
    distinct = len(np.unique(units[answered]))
    interval = proportion_confint(wrong * distinct, distinct, method="wilson")
    return Abstention(threshold, float(answered.mean()), wrong, [float(bound) for bound in interval])


def unknown_accepted(unknown: np.ndarray, known: np.ndarray, threshold: float) -> dict[str, object]:
    """How photos of no class fare: unknown and known are confidences, threshold is where answers begin.

    Returns photos, accepted (answered by mistake), accepted_share, accepted_share_interval (95 %), and auroc:
    the probability that a known photo has the higher confidence, 0.5 for chance.
    """
    accepted, photos = int((unknown >= threshold).sum()), len(unknown)
    low, high = proportion_confint(accepted, photos, method="wilson")
    auroc = stats.mannwhitneyu(known, unknown).statistic / (len(known) * photos)
    return {
        "photos": photos,
        "accepted": accepted,
        "accepted_share": accepted / photos,
        "accepted_share_interval": [float(low), float(high)],
        "auroc": float(auroc),
    }


def _lowest_threshold(error: float, confidence: np.ndarray, right: np.ndarray) -> float | None:
    threshold, _, risk = _curve(confidence, right)
    kept = threshold[risk <= error]
    return float(kept[-1]) if len(kept) else None


def _curve(confidence: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Falling thresholds, photos answered, and share of wrong ones among those."""
    order = np.argsort(-confidence, kind="stable")
    sure, wrong = confidence[order], np.cumsum(~right[order])
    last = np.flatnonzero(np.append(sure[1:] != sure[:-1], True))
    return sure[last], last + 1, wrong[last] / (last + 1)
