"""How well probabilities part a class from the others: areas and curves, one class against the rest."""

import numpy as np
from scipy.stats import rankdata
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_curve

from kimchi_vision.results.intervals import FEWEST_OF_CLASS, Estimate, independent, wilson, worth
from kimchi_vision.results.predictions import Predictions


def area(scores: np.ndarray, positive: np.ndarray) -> tuple[float, np.ndarray]:
    """Area under the ROC curve, and what each photo adds to it above the mean; their mean square is its
    variance times the photos.

    The probability that a positive photo has the higher score; equal ones count half. DeLong, DeLong and
    Clarke-Pearson, 1988, Biometrics 44:837, with the ranks of Sun and Xu, 2014, IEEE SPL 21:1389.
    """
    ranks, ahead = rankdata(scores), np.empty(len(scores))
    yes, no = int(positive.sum()), int((~positive).sum())
    ahead[positive] = (ranks[positive] - rankdata(scores[positive])) / no
    ahead[~positive] = 1 - (ranks[~positive] - rankdata(scores[~positive])) / yes
    value = float(ahead[positive].mean())
    return value, (ahead - value) * len(scores) / np.where(positive, yes, no)


def by_class(predictions: Predictions) -> dict[str, Estimate]:
    """The area of each class that some photos have, and others not."""
    found = {}
    for place in parted(predictions):
        positive = predictions.truth == place
        value, parts = area(predictions.probabilities[:, place], positive)
        found[predictions.vocab[place]] = estimate(value, parts, predictions.units, [positive, ~positive])
    return found


def macro(predictions: Predictions) -> Estimate:
    """The mean of the classes' areas; 0.5 is chance. As scikit-learn's roc_auc_score with
    multi_class="ovr"."""
    places = parted(predictions)
    if not places:
        return Estimate(0.5, None, None)
    areas = [area(predictions.probabilities[:, place], predictions.truth == place) for place in places]
    value, parts = float(np.mean([each for each, _ in areas])), np.mean([parts for _, parts in areas], axis=0)
    return estimate(value, parts, predictions.units, [predictions.truth == place for place in places])


def parted(predictions: Predictions) -> list[int]:
    """Places of the classes that some photos have, and others not."""
    present = np.unique(predictions.truth).tolist()
    return present if len(present) > 1 else []


def average_precision(predictions: Predictions) -> dict[str, float]:
    """The area under each class's precision-recall curve, as a sum of steps."""
    return {
        predictions.vocab[place]: float(average_precision_score(*_of(predictions, place)))
        for place in parted(predictions)
    }


def curves(predictions: Predictions, kind: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Points of each class: false positives and recall for `roc`, recall and precision for
    `precision_recall`."""
    found = {}
    for place in parted(predictions):
        first, second, _ = (roc_curve if kind == "roc" else precision_recall_curve)(*_of(predictions, place))
        found[predictions.vocab[place]] = (first, second) if kind == "roc" else (second, first)
    return found


def _of(predictions: Predictions, place: int) -> tuple[np.ndarray, np.ndarray]:
    return predictions.truth == place, predictions.probabilities[:, place]


def estimate(value: float, parts: np.ndarray, units: np.ndarray, sides: list[np.ndarray]) -> Estimate:
    """Wilson's interval for the number of photos that an area is worth; all apart: of the smallest side."""
    least = min(independent(units[side]) for side in sides)
    if least < FEWEST_OF_CLASS:
        return Estimate(value, None, None)
    variance = float((parts**2).mean())
    number = value * (1 - value) / variance * worth(parts, units) if variance > 0 else least
    return Estimate.around(value, *wilson(value, min(number, independent(units))))
