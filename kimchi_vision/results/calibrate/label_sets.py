"""Sets of labels that hold the right one: all that are probable enough, by split conformal prediction."""

import numpy as np

from kimchi_vision.results.calibrate.confidence import units_of

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
