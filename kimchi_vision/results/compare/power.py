"""How many photos a verdict on two runs needs."""

import math
from collections.abc import Callable

import numpy as np
from scipy import optimize, stats

from kimchi_vision.results.compare.paired import LEVEL, difference_score, mid_p

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
