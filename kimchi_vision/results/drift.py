"""Are the photos that come in like those that a model was trained on? No torch."""

from typing import Literal, NamedTuple

import numpy as np
from scipy.stats import mannwhitneyu

from kimchi_vision.base.plain import Json
from kimchi_vision.results import intervals
from kimchi_vision.results.embedding import nearest, reduced
from kimchi_vision.results.intervals import Estimate
from kimchi_vision.results.separation import area, estimate

Verdict = Literal["alike", "different", "cannot tell"]

ALIKE = 0.6
"""An area that lies below it for certain is as good as chance: three of five pairs are told apart."""
FEWEST = 30
"""Groups of photos of either kind below which nothing is said: copies of one picture count once."""
LEVEL = 0.025
"""How often photos of the same kind may be called different."""
STRENGTH = 0.1
"""scikit-learn's C of the classifier, for features of variance 1 on average."""
NEIGHBOUR = 5
"""How far a photo lies from those that were trained on is how alike the fifth nearest of them is."""
USUAL = 0.95
"""Share of the held-out photos that lie nearer than a photo that is called unlike."""


class Side(NamedTuple):
    """What a network finds in photos, in none of which it was trained.

    features: (photos, features). probabilities: calibrated, (photos, classes). units: photos of one group.
    """

    features: np.ndarray
    probabilities: np.ndarray
    units: np.ndarray

    @property
    def confidence(self) -> np.ndarray:
        """The probability of the most probable class; shape (photos,)."""
        return self.probabilities.max(axis=1)


def measure(
    known: Side, incoming: Side, trained: np.ndarray, vocab: tuple[str, ...], threshold: float | None
) -> Json:
    """How photos that came in differ from held-out photos of a run.

    trained: features of photos that it was trained on. threshold: the run's own, below which it does not
    answer. Returns, ready for JSON: verdict; photos and known_photos; groups and known_groups; auc of a
    classifier that is to tell the two apart; unlike_share: photos further from the trained ones than USUAL of
    the held-out ones; for known and incoming confidence (mean), unanswered (share, None without a threshold)
    and classes (share by name); each with its _interval.
    """
    auc = told_apart(known, incoming)
    far = distances(trained, incoming.features)
    unlike = far > np.quantile(distances(trained, known.features), USUAL)
    return {
        "verdict": verdict(auc),
        "photos": len(incoming.features),
        "known_photos": len(known.features),
        "groups": len(np.unique(incoming.units)),
        "known_groups": len(np.unique(known.units)),
        **intervals.named("auc", auc),
        **intervals.named("unlike_share", intervals.share(unlike, incoming.units)),
        "known": _answers(known, vocab, threshold),
        "incoming": _answers(incoming, vocab, threshold),
    }


def verdict(auc: Estimate) -> Verdict:
    """Practically alike goes before a difference that is certain and small, as in compare."""
    if auc.low is None or auc.high is None:
        return "cannot tell"
    if auc.high < ALIKE:
        return "alike"
    return "different" if auc.low > 0.5 else "cannot tell"


def told_apart(known: Side, incoming: Side) -> Estimate:
    """How well a classifier tells photos that came in from held-out ones: area under its ROC curve.

    A logistic regression learns on half of the groups, and is asked about the others: areas over folds hang
    together and their intervals are too narrow (benchmarks/promises.py). 0.5 is chance; the interval is
    DeLong's, and there is none below FEWEST groups of either kind. It lies above chance only where the rank
    test of Mann and Whitney, with one score a group, agrees at the level of one end, 2.5 %. Lopez-Paz and
    Oquab, 2017, "Revisiting classifier two-sample tests", arXiv:1610.06545.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold

    new = np.repeat([False, True], [len(known.features), len(incoming.features)])
    units = np.concatenate([known.units, incoming.units + known.units.max() + 1])
    if min(len(np.unique(side.units)) for side in (known, incoming)) < FEWEST:
        return Estimate(0.5, None, None)
    values = reduced(np.concatenate([known.features, incoming.features]).astype(np.float64))
    values /= values.std() or 1.0
    halves = StratifiedGroupKFold(2, shuffle=True, random_state=0)
    learnt, asked = next(halves.split(values, new, units))
    classifier = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=1000)
    scores = classifier.fit(values[learnt], new[learnt]).decision_function(values[asked])
    new, units = new[asked], units[asked]
    found = estimate(*area(scores, new), units, [new, ~new])
    if found.low is None or by_chance(scores, new, units) <= LEVEL:
        return found
    return found._replace(low=min(found.low, 0.5))


def by_chance(scores: np.ndarray, new: np.ndarray, units: np.ndarray) -> float:
    """How probable scores of `new` photos as high as these are, were both kinds the same; a group is one."""
    _, first, group, sizes = np.unique(units, return_index=True, return_inverse=True, return_counts=True)
    means, new = np.bincount(group, weights=scores) / sizes, new[first]
    return float(mannwhitneyu(means[new], means[~new], alternative="greater").pvalue)


def distances(trained: np.ndarray, features: np.ndarray) -> np.ndarray:
    """How far each photo lies from the trained ones, 0 to 2: 1 less the cosine to the NEIGHBOUR-th nearest.

    Sun, Ming, Zhu and Li, 2022, "Out-of-distribution detection with deep nearest neighbors",
    arXiv:2204.06507.
    """
    _, alike = nearest(trained, features, NEIGHBOUR)
    return 1 - alike[:, -1]


def _answers(side: Side, vocab: tuple[str, ...], threshold: float | None) -> Json:
    taken = side.probabilities.argmax(axis=1)
    unanswered = None if threshold is None else intervals.share(side.confidence < threshold, side.units)
    return {
        **intervals.named("confidence", intervals.mean(side.confidence, side.units)),
        **({} if unanswered is None else intervals.named("unanswered", unanswered)),
        "classes": {
            name: intervals.named("share", intervals.share(taken == place, side.units))
            for place, name in enumerate(vocab)
        },
    }
