"""Errors that fall as a power of the number of photos, fitted many times over for intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from kimchi_vision.results.intervals import Estimate, independent, over_trainings


@dataclass(frozen=True)
class Redrawn:
    """Variance of a mean over trainings, each on its own draw of a share of the same photos.

    by_seed: of one training that seeds alone change. by_photos: what other training photos change, at all
    of them; it falls as one over their number. freedom: degrees of freedom, 0 when nothing was trained twice.
    """

    by_seed: float
    by_photos: float
    freedom: int

    @classmethod
    def of(cls, shares: np.ndarray, means: Sequence[np.ndarray]) -> Redrawn:
        """From the mean of each training, by share of the photos.

        Draws of a share s are alike, since they are of the same photos: their variance is that of new
        photos times 1 - s (the correction for a finite population; Cochran, 1977, Sampling Techniques, 2.6).
        """
        seen = [
            (s, each.var(ddof=1), len(each) - 1)
            for s, each in zip(shares, means, strict=True)
            if len(each) > 1
        ]
        if not seen:
            return cls(0.0, 0.0, 0)
        share, variance, freedom = np.array(seen).T
        # Times the share, so that all are about as sure.
        weight = np.sqrt(freedom)
        found, _ = nnls(np.stack([share, 1 - share], axis=1) * weight[:, None], variance * share * weight)
        return cls(*map(float, found), int(freedom.sum()))

    def apart(self, shares: np.ndarray, trainings: np.ndarray) -> np.ndarray:
        """Variance of each share's mean around that of the photos at hand.

        These are a draw, too, which adds by_photos to every share in common.
        """
        return (self.by_seed + self.by_photos * (1 - shares) / shares) / trainings

    def drawn(self, shares: np.ndarray, trainings: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """By how much the mean of each share could lie elsewhere; as unsure as the variances are."""
        if not self.freedom:
            return np.zeros(len(shares))
        wider = np.sqrt(self.freedom / random.chisquare(self.freedom))
        own = np.sqrt(self.apart(shares, trainings)) * random.normal(size=len(shares))
        return wider * (np.sqrt(self.by_photos) * random.normal() + own)

    def interval(self, right: np.ndarray, units: np.ndarray, share: float) -> Estimate:
        """Accuracy at a share, 95 % over validation photos, training photos and seeds.

        right: right or wrong, (trainings, photos); units: the photos' groups.
        """
        from_training = float(self.apart(np.array(share), np.array(len(right)))) + self.by_photos
        return over_trainings(right, units, from_training, self.freedom)


EXPONENTS = np.geomspace(0.1, 2, 16)
"""Powers with which errors fall as photos grow; 0.07 to 0.5 for many photos (Hestness et al., 2017)."""
DRAWS = 400
PSEUDO_PHOTOS = 2
"""Photos of each class that every draw imagines, wrong as often as all photos are: two of two right are no
certainty."""
LEVEL = 0.05


@dataclass(frozen=True)
class Fits:
    """Fits to what was seen, in the first row, and to DRAWS draws of it; photos are shares of the most.

    whole: a, b, c of accuracy's law, shape (1 + DRAWS, 3).
    by_class: what doubling brings to the recall of each class, no more than it lacks; shape
    (1 + DRAWS, classes).
    """

    whole: np.ndarray
    by_class: np.ndarray

    def gains(self) -> np.ndarray:
        """What doubling the most photos brings to accuracy, by each fit."""
        _, b, c = self.whole.T
        return b * (1 - 2.0**-c)

    def accuracy(self, share: np.ndarray) -> np.ndarray:
        """Of each fit at shares of the most photos, shape (1 + DRAWS, shares)."""
        a, b, c = self.whole.T[:, :, None]
        return np.clip(1 - a - b * share**-c, 0, 1)

    def alike(self, vocab: Sequence[str], first: str) -> list[str]:
        """Classes whose gain is not shown to be below that of the first; Bonferroni over the classes."""
        ahead = self.by_class[1:, [vocab.index(first)]] - self.by_class[1:]
        least = np.quantile(ahead, LEVEL / max(len(vocab) - 1, 1), axis=0)
        return [label for label, gap in zip(vocab, least, strict=True) if gap <= 0 and label != first]


@dataclass(frozen=True)
class _OfClass:
    """Validation photos of a class.

    errors: share of trainings that have each photo wrong, (shares, photos). group: of each photo, from 0.
    """

    errors: np.ndarray
    group: np.ndarray
    redrawn: Redrawn

    @classmethod
    def of(cls, own: Sequence[np.ndarray], share: np.ndarray, units: np.ndarray) -> _OfClass:
        redrawn = Redrawn.of(share, [each.mean(axis=1) for each in own])
        errors = 1 - np.stack([each.mean(axis=0) for each in own])
        return cls(errors, np.unique(units, return_inverse=True)[1], redrawn)

    def drawn(self, random: np.random.Generator) -> np.ndarray:
        """Share of wrong photos among groups drawn with replacement; (shares,)."""
        groups = int(self.group.max()) + 1
        times = np.bincount(random.integers(groups, size=groups), minlength=groups)[self.group]
        return self.errors @ times / times.sum()


def fit(
    right: Sequence[np.ndarray],
    truth: np.ndarray,
    units: np.ndarray,
    vocab: Sequence[str],
    counts: np.ndarray,
) -> Fits:
    """Fit errors by a + b * photos ** -c with a, b >= 0; each class has its own a and b.

    right: right or wrong by share, each [seeds, photos]; truth, units: classes and groups of these photos;
    counts: training photos of each share, the most last. Groups of validation photos are drawn by class, the
    same ones for all shares.
    Hestness et al., 2017, arXiv:1712.00409; drawn out to more data as in Mahmood et al., 2022,
    arXiv:2207.01725. How often the interval of the gain holds the truth: python -m benchmarks.choices curve.
    """
    random = np.random.default_rng(0)
    share, trainings = counts / counts[-1], np.array([len(each) for each in right])
    places = [truth == label for label in vocab]
    classes = [_OfClass.of([each[:, own] for each in right], share, units[own]) for own in places]
    sizes, worth = np.array([(len(each.group), independent(each.group)) for each in classes]).T
    redrawn = Redrawn.of(share, [each.mean(axis=1) for each in right])
    errors = [np.stack([each.errors.mean(axis=1) for each in classes], axis=1)]
    overall = errors[0] @ sizes / sizes.sum()
    whole = [overall]
    for _ in range(DRAWS):
        drawn = np.stack([each.drawn(random) for each in classes], axis=1)
        imagined = random.binomial(PSEUDO_PHOTOS, overall[:, None], drawn.shape)
        steady = (drawn * worth + imagined) / (worth + PSEUDO_PHOTOS)
        whole.append((steady @ sizes / sizes.sum() + redrawn.drawn(share, trainings, random)).clip(0, 1))
        trained = np.stack([each.redrawn.drawn(share, trainings, random) for each in classes], axis=1)
        errors.append((steady + trained).clip(0, 1))
    laws = [_power_law(share, each, sizes.sum()) for each in whole]
    by_class = [
        [
            min(_linear(share, own, c, size)[1] * (1 - 2.0**-c), own[-1])
            for own, size in zip(each.T, sizes, strict=True)
        ]
        for each, (_, _, c) in zip(errors, laws, strict=True)
    ]
    return Fits(np.array(laws), np.array(by_class))


def _power_law(share: np.ndarray, errors: np.ndarray, photos: int) -> tuple[float, float, float]:
    """a, b, c with the smallest weighted residual."""
    fits = [(*_linear(share, errors, c, photos), c) for c in EXPONENTS]
    a, b, _, c = min(fits, key=lambda found: found[2])
    return a, b, c


def _linear(share: np.ndarray, errors: np.ndarray, c: float, photos: int) -> tuple[float, float, float]:
    """a, b >= 0 and the residual; an error weighs by how sure so many photos make it."""
    weight = 1 / np.sqrt((errors * (1 - errors) + 1 / photos) / photos)
    (a, b), residual = nnls(np.stack([weight, weight * share**-c], axis=1), weight * errors)
    return a, b, residual
