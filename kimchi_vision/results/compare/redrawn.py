"""What training again, on other photos of the same kind, would change: variance over repeated draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from kimchi_vision.results.intervals import Estimate, over_trainings


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
