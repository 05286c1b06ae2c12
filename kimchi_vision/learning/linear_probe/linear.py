"""Logistic regression on features: how strongly to regularise is chosen by cross-validation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, cross_val_predict
from sklearn.utils.class_weight import compute_sample_weight

from kimchi_vision.config import Experiment
from kimchi_vision.config.sections import Features
from kimchi_vision.results.temperature import softmax

STRENGTHS = (1e-2, 3e-2, 1e-1, 3e-1, 1.0)
"""Values of scikit-learn's C that are tried, for features of variance 1 on average."""
FEW = 1e-1
"""C where a class has a single photo, which leaves nothing to choose by."""
OTHERS = 3 / 7
"""Weight of what frozen bodies say beside a trained one, whose logits count once (benchmarks/recipes.md)."""
ENOUGH = 2000
"""Photos that C is chosen on; the fit takes all."""


@dataclass(frozen=True)
class Rare:
    """How much rare classes count.

    weights: balanced, photos count so that all classes count alike. adjustment: so many times the log of its
    share is taken off each class's logit (Menon et al., 2021, arXiv:2007.07314, section 4.1).
    """

    weights: Literal["balanced"] | None = None
    adjustment: float = 0.0

    @classmethod
    def of(cls, experiment: Experiment) -> Rare:
        """As the training is told; photos that are drawn evenly count evenly."""
        train = experiment.train
        even = train.class_weights == "balanced" or experiment.loader.sampling == "balanced"
        return cls("balanced" if even else None, train.logit_adjustment)

    def model(self, strength: float) -> LogisticRegression:
        """The head before it is fitted."""
        # The same head as with lbfgs, 5 to 20 times sooner: features are many and alike.
        return LogisticRegression(C=strength, solver="newton-cg", max_iter=1000, class_weight=self.weights)

    def loss(self, labels: np.ndarray, probabilities: np.ndarray) -> float:
        """What a strength is chosen by."""
        return float(
            log_loss(labels, probabilities, sample_weight=compute_sample_weight(self.weights, labels))
        )


AS_THEY_ARE = Rare()


class Linear(NamedTuple):
    """A linear head: `features @ weight.T + bias` are logits.

    weight: (classes, features). bias: (classes,). strength: the C that was chosen.
    """

    weight: np.ndarray
    bias: np.ndarray
    strength: float

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """(photos, classes), float32, each row summing to 1."""
        return softmax(features.astype(np.float64) @ self.weight.T + self.bias).astype(np.float32)


def fit(
    section: Features, features: np.ndarray, labels: np.ndarray, classes: int, rare: Rare = AS_THEY_ARE
) -> Linear:
    """The head that knows the features best. labels: 0 to classes - 1, each at least once.

    One scale for all features: scaling each by itself would raise those that hardly tell photos apart, and
    costs 3 to 8 points at 8 photos a class (benchmarks/recipes.md).
    Source: Kornblith, Shlens and Le, 2019, "Do Better ImageNet Models Transfer Better?", arXiv:1805.08974.
    """
    scaled, centre, scale = _scaled(features)
    turned, turn = _turned(scaled)
    strength = _strength(section, turned, labels, rare)
    model = rare.model(strength).fit(turned, labels)
    weight, bias = np.zeros((classes, features.shape[1])), np.zeros(classes)
    if classes == 2:  # scikit-learn keeps the second class's logit alone
        weight[1], bias[1] = model.coef_[0] @ turn, model.intercept_[0]
    else:
        weight[:], bias[:] = model.coef_ @ turn, model.intercept_
    # Both become part of the head, so that it takes features as the body gives them.
    weight /= scale
    bias -= rare.adjustment * np.log(np.bincount(labels, minlength=classes) / len(labels))
    return Linear(weight, bias - weight @ centre, strength)


def apart(
    section: Features, features: np.ndarray, labels: np.ndarray, classes: int, first: int, rare: Rare
) -> Linear:
    """A head for the first so many features and one for the others, whose logits count OTHERS.

    The first alone can then be trained, and what the others say stays beside it.
    """
    own = fit(section, features[:, :first], labels, classes, rare)
    others = fit(section, features[:, first:], labels, classes, rare)
    weight = np.concatenate([own.weight, OTHERS * others.weight], axis=1)
    return Linear(weight, own.bias + OTHERS * others.bias, own.strength)


def cross_validated(
    section: Features, features: np.ndarray, labels: np.ndarray, groups: np.ndarray | None = None
) -> np.ndarray:
    """The class, 0 to n - 1, that each photo gets from a head fitted without its fold.

    groups: photos with the same number, such as copies, share a fold; by default there are none.
    A class with fewer photos than `folds` lowers the number of folds to its photos, at least two.
    """
    features, _ = _turned(_scaled(features)[0])
    strength = _strength(section, features, labels, AS_THEY_ARE)
    folds, kept = _folds(section, labels), {}
    if groups is not None and len(np.unique(groups)) < len(groups):
        folds = StratifiedGroupKFold(folds.n_splits, shuffle=True, random_state=0)
        kept = {"groups": groups}
    return cross_val_predict(AS_THEY_ARE.model(strength), features, labels, cv=folds, **kept)


def _strength(section: Features, features: np.ndarray, labels: np.ndarray, rare: Rare) -> float:
    if np.bincount(labels).min() < 2:
        return FEW
    some = _some(labels)
    features, labels = features[some], labels[some]
    folds = _folds(section, labels)

    def loss(strength: float) -> float:
        model = rare.model(strength)
        found = cross_val_predict(model, features, labels, cv=folds, method="predict_proba")
        return rare.loss(labels, found)

    return min(STRENGTHS, key=loss)


def _some(labels: np.ndarray) -> np.ndarray:
    """Rows of at most ENOUGH photos, evenly spread over the classes."""
    order = np.argsort(labels, kind="stable")
    places = np.linspace(0, len(order) - 1, min(len(order), ENOUGH)).astype(int)
    return order[places]


def _folds(section: Features, labels: np.ndarray) -> StratifiedKFold:
    smallest = int(np.bincount(labels).min())
    return StratifiedKFold(max(2, min(section.folds, smallest)), shuffle=True, random_state=0)


def _turned(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fewer photos than features span as many directions as there are photos: the features along these alone,
    which give the same head several times sooner, and the directions, (directions, features).
    """
    photos, number = features.shape
    if photos >= number:
        return features, np.eye(number)
    directions = np.linalg.qr(features.T)[0].T
    return features @ directions.T, directions


def _scaled(features: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Features of mean 0, which the solver converges faster on, and of variance 1 on average.

    Also the means that were taken off and the number that all were divided by.
    """
    centre = features.mean(axis=0, dtype=np.float64)
    scale = float(np.sqrt(features.var(axis=0, dtype=np.float64).mean())) or 1.0
    return (features - centre) / scale, centre, scale
