"""When to say "I don't know": the least sure photos are handed back, or answered with a set of labels."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special, stats
from statsmodels.stats.proportion import proportion_confint

from kimchi_vision.results.calibrate.confidence import units_of
from kimchi_vision.results.intervals import Estimate, named, worth

DELTA = 0.05
"""Share of runs in which the wrong answers among fresh photos may still be more than what was wanted."""
THRESHOLDS = 1 - np.geomspace(1e-4, 1, 200)
"""Those that are tried, the strictest first; chosen before any photo was seen."""
STARTS = (0, 1 / 3, 2 / 3)
"""Shares of photos answered at which tests begin, with photos enough to allow a few wrong answers; each goes
on to lower thresholds until it fails."""


@dataclass(frozen=True)
class Abstention:
    """A threshold on the probability of the predicted class; photos below it are not answered.

    threshold: 0 to 1, or None when these photos allow none to be promised.
    coverage: share of photos that are answered; error: share of wrong ones among them, as seen here;
    error_interval: where it lies on fresh photos, [0, the error that was asked for], in 1 - DELTA of runs.
    """

    threshold: float | None
    coverage: float
    error: float | None
    error_interval: list[float] | None


def risk_coverage(confidence: np.ndarray, right: np.ndarray) -> pd.DataFrame:
    """Columns threshold, coverage (share answered) and risk (share wrong among those), falling threshold.

    Photos of the same confidence are answered together. El-Yaniv and Wiener, 2010, JMLR 11:1605.
    """
    order = np.argsort(-confidence, kind="stable")
    sure, wrong = confidence[order], np.cumsum(~right[order])
    last = np.flatnonzero(np.append(sure[1:] != sure[:-1], True))
    answered = last + 1
    shares = {"coverage": answered / len(confidence), "risk": wrong[last] / answered}
    return pd.DataFrame({"threshold": sure[last], **shares})


def area_under_risk_coverage(curve: pd.DataFrame) -> float:
    """Mean risk over all coverages, between 0 (best) and 1, of what `risk_coverage` returned."""
    return float(np.average(curve["risk"], weights=np.diff(curve["coverage"], prepend=0)))


def abstain_at(
    error: float, confidence: np.ndarray, right: np.ndarray, groups: np.ndarray | None = None, epochs: int = 1
) -> Abstention:
    """The lowest threshold at which at most `error`, 0 to 1, of the answers to fresh photos are wrong.

    More are in at most DELTA of runs: Learn then Test (Angelopoulos et al., 2021, arXiv:2110.01052) by tests
    in a fixed order from STARTS, each with the exact binomial bound. groups: photos of one group count
    together. epochs: from how many these same photos chose the one that answers; each is tested at a share of
    DELTA, since the threshold of the luckiest one is lucky, too.
    """
    wrong, units = (~right).astype(float), units_of(len(confidence), groups)
    allowed = []
    for start in np.maximum(STARTS, 2 * fewest_photos(error, epochs) / len(right)):
        for threshold in THRESHOLDS:
            answered = confidence >= threshold
            if answered.mean() < min(start, 1):
                continue
            photos = worth(wrong[answered], units[answered])
            count = wrong[answered].mean() * photos
            # Probability of so few wrong answers, or fewer, if `error` of all were wrong.
            by_chance = special.betainc(photos - count, count + 1, 1 - error) if count < photos else 1.0
            if by_chance > _level(epochs):
                break
            allowed.append(float(threshold))
    if not allowed:
        return Abstention(None, 0.0, None, None)
    answered = confidence >= min(allowed)
    return Abstention(min(allowed), float(answered.mean()), float(wrong[answered].mean()), [0.0, error])


def fewest_photos(error: float, epochs: int = 1) -> int:
    """Independent photos, all answered and all right, with which a threshold can be promised."""
    return math.ceil(math.log(_level(epochs)) / math.log(1 - error))


def _level(epochs: int) -> float:
    return DELTA / len(STARTS) / epochs


def unknown_accepted(unknown: np.ndarray, known: np.ndarray, threshold: float) -> dict[str, object]:
    """How photos of no class fare: unknown and known are confidences, threshold is where answers begin.

    Returns photos, accepted (answered by mistake), accepted_share, accepted_share_interval (95 %), and auroc:
    the probability that a known photo has the higher confidence, 0.5 for chance.
    """
    accepted, photos = int((unknown >= threshold).sum()), len(unknown)
    low, high = proportion_confint(accepted, photos, method="wilson")
    share = named("accepted_share", Estimate(accepted / photos, float(low), float(high)))
    auroc = stats.mannwhitneyu(known, unknown).statistic / (len(known) * photos)
    return {"photos": photos, "accepted": accepted, **share, "auroc": float(auroc)}


SHARES = (0.8, 0.9, 0.95, 0.99)
"""Shares of fresh photos whose set is to hold the right label."""


def least_probable(
    probabilities: np.ndarray, truth: np.ndarray, groups: np.ndarray | None = None
) -> dict[str, float | None]:
    """For each of SHARES the probability from which a label belongs to a photo's set.

    A set holds the right label of a photo of a new group in at least that share of draws, whatever the model
    is: Sadinle, Lei and Wasserman, 2019, "Least ambiguous set-valued classifiers with bounded error levels",
    JASA 114:223. Each group counts as one, shared among its photos, and so does the new one: Lee, Barber and
    Willett, 2023, "Distribution-free inference with hierarchical data", arXiv:2306.06342.
    None where there are fewer groups than 1 / (1 - share) - 1.
    probabilities: (photos, classes); truth, groups: of each photo.
    """
    group = units_of(len(truth), groups)
    sizes = np.bincount(group)
    sure = probabilities[np.arange(len(truth)), truth]
    order = np.argsort(sure, kind="stable")
    new = 1 / (len(sizes) + 1)
    weights = new / sizes[group[order]]
    below = new + np.cumsum(weights) - weights  # the weight that a threshold at each photo shuts out
    found = {}
    for share in SHARES:
        allowed = np.flatnonzero(below <= 1 - share + 1e-9)
        found[str(share)] = float(sure[order[allowed[-1]]]) if len(allowed) else None
    return found
