"""One number about a model, and what it is: direction, unit, how it is printed, its interval."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from scipy import stats

from kimchi_vision.base.numbers import percent, with_ends
from kimchi_vision.results import intervals
from kimchi_vision.results.intervals import Estimate
from kimchi_vision.results.predictions import Predictions

Unit = Literal["share", "nats", "number"]
Better = Literal["higher", "lower"]


class Asked(Protocol):
    """What the section `evaluate` asks of scores."""

    @property
    def top_k(self) -> int:
        """Among so many most probable classes the true one counts as found."""


Estimator = Callable[[Predictions, Asked], Estimate]


@dataclass(frozen=True)
class Metric:
    """What a score is.

    estimate: from the predictions of one part to value and interval.
    unit: share, 0 to 1, nats, or a number of no unit. better: which direction is.
    """

    name: str
    estimate: Estimator
    unit: Unit
    better: Better

    @property
    def sign(self) -> int:
        """1 when a higher value is better, -1 when a lower one is."""
        return 1 if self.better == "higher" else -1

    def shown(self, value: float) -> str:
        """A value for people: 81.3 %, or 0.412 nats."""
        return percent(value) if self.unit == "share" else f"{value:.3f}"


@dataclass(frozen=True)
class Score:
    """One number about a model: value, 95 % interval (None where there is none), and n, its photos."""

    metric: Metric
    value: float
    low: float | None
    high: float | None
    n: int

    @property
    def name(self) -> str:
        """Its key in metrics.json, history.csv, `train.monitor` and `goals`."""
        return self.metric.name

    @property
    def interval(self) -> list[float] | None:
        """Low and high, or None."""
        return None if self.low is None or self.high is None else [self.low, self.high]

    def wider(self, level: float) -> list[float] | None:
        """Ends that the truth lies beyond in a share `level` of trials a side, instead of NOMINAL.

        Of a share, Wilson's for the number of photos that its interval is worth; else normal.
        """
        if self.interval is None or level == NOMINAL:
            return self.interval
        ratio = stats.norm.ppf(1 - level) / stats.norm.ppf(1 - NOMINAL)
        if self.metric.unit != "share":
            return [self.value + ratio * (end - self.value) for end in self.interval]
        end = self.low if self.low != self.value else self.high
        if end == self.value or end in (0, 1):
            return self.interval
        worth = stats.norm.ppf(1 - NOMINAL) ** 2 * end * (1 - end) / (self.value - end) ** 2
        return intervals.wilson(self.value, worth, 2 * level).tolist()

    def __str__(self) -> str:
        shown = self.metric.shown
        if self.interval is None:
            return shown(self.value)
        return with_ends(self.value, *self.interval, shown)


NOMINAL = 0.025
"""Share of trials in which the truth lies beyond an end of a 95 % interval."""
