"""Two runs on the same photos, by how many only one of them has right: tests, intervals, photos needed.

Counts may be fractions: photos that are as good as independent, see `discordant`.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special, stats
from scipy.optimize import brentq

from kimchi_vision.results.intervals import SMALLEST, worth

LEVEL = 0.05
"""A verdict `better` is wrong in at most this share of trials; intervals are 1 - LEVEL."""
BISECTIONS = 50


def discordant(first: np.ndarray, second: np.ndarray, units: np.ndarray) -> tuple[float, float, float]:
    """Photos that only the first has right, those that only the second has, and all, as if without groups.

    first, second: right or wrong, one a photo; photos of equal units are a group, worth fewer. McNemar's test
    of these counts is that of groups: Obuchowski, 1998, Statistics in Medicine 17:1495; Durkalski et al.,
    2003, Statistics in Medicine 22:2417.
    """
    number = worth(first.astype(float) - second, units)
    each = number / len(units)
    return float((first & ~second).sum() * each), float((second & ~first).sum() * each), number


def exact_p(only_first: ArrayLike, only_second: ArrayLike) -> np.ndarray:
    """McNemar's exact test: a fair coin decides each photo that only one run has right. McNemar, 1947."""
    fewer, discordant = np.minimum(only_first, only_second), np.add(only_first, only_second)
    return np.minimum(2 * _coins(fewer, discordant), 1.0)


def mid_p(only_first: ArrayLike, only_second: ArrayLike) -> np.ndarray:
    """McNemar's mid-p test, less timid than exact_p: only half of what was seen counts as extreme.

    For 30 photos or more its error stays below its level at every share of discordant photos; recommended by
    Fagerland, Lydersen and Laake, 2013, BMC Medical Research Methodology 13:91.
    """
    fewer, discordant = np.minimum(only_first, only_second), np.add(only_first, only_second)
    against = special.betaln(fewer + 1, discordant - fewer + 1) + discordant * np.log(2)
    seen = np.exp(-against) / (discordant + 1)
    return np.minimum(2 * _coins(fewer, discordant) - seen, 1.0)


def _coins(heads: np.ndarray, coins: np.ndarray) -> np.ndarray:
    """Probability of so many heads or fewer; of fractions, what lies between whole numbers."""
    return np.where(coins > 0, special.betainc(np.maximum(coins - heads, SMALLEST), heads + 1, 0.5), 1.0)


def difference_interval(only_first: ArrayLike, only_second: ArrayLike, photos: ArrayLike) -> np.ndarray:
    """Tango's 95 % score interval of the difference in accuracy, first minus second; shape (..., 2).

    At a difference of 0 its statistic is McNemar's, so that interval and test rarely disagree, and it has a
    width when no photo is discordant. Tango, 1998, Statistics in Medicine 17:891, equations 24 to 26.
    """
    first, second, photos = np.broadcast_arrays(*np.atleast_1d(only_first, only_second, photos))
    seen = (first - second) / photos
    z = stats.norm.ppf(1 - LEVEL / 2)
    bounds = []
    for edge, sign in ((-1.0, 1), (1.0, -1)):
        outside, inside = np.full(seen.shape, edge), seen.astype(float)
        for _ in range(BISECTIONS):
            middle = (outside + inside) / 2
            beyond = sign * difference_score(middle, first, second, photos) > z
            outside, inside = np.where(beyond, middle, outside), np.where(beyond, inside, middle)
        bounds.append(inside)
    return np.squeeze(np.stack(bounds, axis=-1))


def difference_score(
    difference: ArrayLike, only_first: ArrayLike, only_second: ArrayLike, photos: ArrayLike
) -> np.ndarray:
    """Tango's statistic against a true difference; the share of only_second is estimated under it."""
    first, second = np.asarray(only_first, float), np.asarray(only_second, float)
    b = (2 * photos - first + second) * difference - first - second
    root = np.sqrt(np.maximum(b**2 + 8 * photos * second * difference * (1 - difference), 0))
    share = (root - b) / (4 * photos)
    variance = photos * (2 * share + difference * (1 - difference))
    return (first - second - photos * difference) / np.sqrt(np.maximum(variance, 1e-12))


def holm(p: Sequence[float]) -> np.ndarray:
    """P values corrected for their number. Holm, 1979, Scandinavian Journal of Statistics 6:65."""
    order = np.argsort(p)  # statsmodels' own collects garbage at each call, which takes a second beside torch
    corrected = np.empty(len(p))
    steps = np.asarray(p, float)[order] * np.arange(len(p), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return corrected


def over_seeds(first: np.ndarray, second: np.ndarray, units: np.ndarray) -> tuple[float, np.ndarray, float]:
    """Difference in mean accuracy of two experiments with several seeds, its 95 % interval and p value.

    first, second: right or wrong, [seeds, photos], the same photos in the same order, with their groups; at
    least one of the two with two seeds or more. Variance over photos (paired) and over seeds (pooled) both
    count: Bouthillier et al., 2021, arXiv:2103.03098. Each has Student's quantile of its own degrees of
    freedom, and their squares add up (Howe, 1974, JASA 69:789): with Satterthwaite's one quantile for
    both, few seeds that happen to agree call equal experiments different in 7 to 13 % of trials.
    """
    seeds = len(first), len(second)
    by_photo = first.mean(0) - second.mean(0)
    photos = worth(by_photo, units)
    difference = float(by_photo.mean())
    freedom = sum(seeds) - 2
    spread = sum(((runs.mean(1) - runs.mean()) ** 2).sum() for runs in (first, second)) / freedom
    from_photos, from_seeds = by_photo.var() / (photos - 1), spread * (1 / seeds[0] + 1 / seeds[1])
    if from_photos + from_seeds == 0:
        return difference, difference_interval(0, 0, photos), 1.0

    def half(level: float) -> float:
        tails = stats.t.isf(level / 2, [photos - 1, freedom])
        return float(np.sqrt(tails**2 @ [from_photos, from_seeds]))

    reach, p = half(LEVEL), 0.0
    if abs(difference) <= half(1):  # no difference; the median of t is not always 0 to the last digit
        p = 1.0
    elif abs(difference) < half(SMALLEST):
        p = float(brentq(lambda level: half(level) - abs(difference), SMALLEST, 1))
    return difference, np.array([difference - reach, difference + reach]), p


POWER = 0.8
"""Share of trials in which the verdict shall be reached; the usual 0.8 of Cohen, 1988."""
MANY = 2000
"""Expected discordant photos above which the normal formula and the exact power agree."""
DRAWS = 10_000
"""Draws for a power: its standard error is 0.4 points."""


def photos_to_tell(only_first: float, only_second: float, photos: float, level: float = LEVEL) -> int | None:
    """Photos in all after which the mid-p test finds the seen difference with power 0.8; None for none seen.

    Connor's normal formula (1987, Biometrics 43:207), made exact where discordant photos are few.
    """
    discordant, difference = (only_first + only_second) / photos, abs(only_first - only_second) / photos
    if difference == 0:
        return None
    z_level, z_power = stats.norm.ppf(1 - level / 2), stats.norm.ppf(POWER)
    root = z_level * math.sqrt(discordant) + z_power * math.sqrt(discordant - difference**2)
    guess = math.ceil((root / difference) ** 2)
    if guess * discordant > MANY:
        return guess
    share = max(only_first, only_second) / (only_first + only_second)
    return _fewest(guess, lambda number: power_to_tell(number, discordant, share, level))


def photos_to_equate(only_first: float, only_second: float, photos: float, margin: float) -> int | None:
    """Photos in all after which the interval of the seen difference lies within the margin with power 0.8.

    None when the seen difference is no smaller than the margin. Two one-sided normal tests, made exact by
    seeded draws where discordant photos are few; with none, the width of the score interval.
    """
    discordant, difference = (only_first + only_second) / photos, abs(only_first - only_second) / photos
    if difference >= margin:
        return None
    z = stats.norm.ppf(1 - LEVEL / 2)
    if discordant == 0:
        return math.ceil(z**2 * (1 - margin) / margin)

    def shortfall(error: float) -> float:
        near, far = (margin - difference) / error - z, (margin + difference) / error - z
        return stats.norm.cdf(near) + stats.norm.cdf(far) - 1 - POWER

    error = optimize.brentq(shortfall, (margin - difference) / 20, (margin - difference) / z)
    guess = math.ceil((discordant - difference**2) / error**2)
    if guess * discordant > MANY:
        return guess
    shares = (only_first / photos, only_second / photos)
    return _fewest(guess, lambda number: power_to_equate(number, *shares, margin))


def power_to_tell(photos: int, discordant: float, share: float, level: float = LEVEL) -> float:
    """Probability that the mid-p test tells two runs apart.

    discordant: share of photos that only one run has right; share: part of those that go to the better run.
    """
    low, high = stats.binom.ppf([1e-7, 1 - 1e-7], photos, discordant)
    counts = np.arange(max(low, 1), high + 1)
    limit = stats.binom.ppf(level / 2, counts, 0.5)
    limit = np.where(mid_p(limit, counts - limit) < level, limit, limit - 1)
    found = stats.binom.cdf(limit, counts, share) + stats.binom.sf(counts - limit - 1, counts, share)
    return float((stats.binom.pmf(counts, photos, discordant) * found).sum())


def power_to_equate(photos: int, only_first: float, only_second: float, margin: float) -> float:
    """Probability that the score interval of the difference lies within the margin; the others are shares."""
    both = 1 - only_first - only_second
    draws = np.random.default_rng(0).multinomial(photos, (only_first, only_second, both), DRAWS)
    first, second = draws[:, 0], draws[:, 1]
    z = stats.norm.ppf(1 - LEVEL / 2)
    above = difference_score(-margin, first, second, photos) > z
    below = difference_score(margin, first, second, photos) < -z
    return float((above & below).mean())


def _fewest(guess: int, power: Callable[[int], float]) -> int:
    """The smallest number with POWER, within half a percent."""
    low, high = guess // 4, guess
    while power(high) < POWER:
        low, high = high, 2 * high
    while high - low > max(1, low // 200):
        middle = (low + high) // 2
        low, high = (low, middle) if power(middle) >= POWER else (middle, high)
    return high
