"""Every score there is: its value with a 95 % interval, its direction and unit, and what is said of it.

A new score is one function with its texts, registered by @metric: history, metrics.json, console, report,
table, comparison, trackers, `train.monitor` and `goals` find it here.
"""

import difflib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import numpy as np
from scipy import stats

from kimchi_vision.base import messages
from kimchi_vision.base.errors import ConfigError
from kimchi_vision.base.numbers import percent, with_ends
from kimchi_vision.base.plain import Json
from kimchi_vision.base.sentence import Sentence
from kimchi_vision.results import intervals, separation
from kimchi_vision.results.intervals import Estimate
from kimchi_vision.results.predictions import Predictions

Unit = Literal["share", "nats", "number"]


class Asked(Protocol):
    """What the section `evaluate` asks of scores."""

    @property
    def top_k(self) -> int:
        """Among so many most probable classes the true one counts as found."""


Estimator = Callable[[Predictions, Asked], Estimate]
NOMINAL = 0.025
"""Share of trials in which the truth lies beyond an end of a 95 % interval."""


@dataclass(frozen=True)
class Metric:
    """What a score is.

    estimate: from the predictions of one part to value and interval; None for one that is only read again.
    unit: share, 0 to 1, nats, or a number of no unit.
    sign: 1 when a higher value is better, -1 when a lower one is.
    """

    name: str
    estimate: Estimator | None
    unit: Unit
    sign: int

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


METRICS: dict[str, Metric] = {}
"""The registry, in the order in which scores are shown."""

OWN = ("A score of your own.", "직접 만든 지표입니다.")

LOSSES: dict[str, int] = {"train_loss": -1, "valid_loss": -1}
"""What training minimises, beside the scores; `train.monitor` may name it, with its sign."""


def metric(
    title: tuple[str, str] | None = None,
    explained: tuple[str, str] | None = None,
    unit: Unit = "share",
    better: Literal["higher", "lower"] = "higher",
) -> Callable[[Estimator], Estimator]:
    """Register a function as the score of its name.

    title, explained: in English and Korean; the latter is a sentence. None where they stand in
    base/messages/pages/scores.po as NAME and NAME_explained.
    """

    def register(estimate: Estimator) -> Estimator:
        name = estimate.__name__
        METRICS[name] = Metric(name, estimate, unit, 1 if better == "higher" else -1)
        if title and explained:
            messages.add({name: title, f"{name}_explained": explained})
        return estimate

    return register


def scores(predictions: Predictions, section: Asked) -> Iterator[Score]:
    """Every score of one part, in the order of the registry."""
    for each in METRICS.values():
        yield Score(each, *each.estimate(predictions, section), len(predictions))


def over_runs(found: Sequence[Score]) -> tuple[Score, float | None]:
    """A score of one run; of several their mean, without an interval, and the standard deviation."""
    values = [each.value for each in found]
    if len(values) == 1:
        return found[0], None
    return replace(found[0], value=float(np.mean(values)), low=None, high=None), float(np.std(values, ddof=1))


def recorded(metrics: Json) -> dict[str, Score]:
    """The scores that a metrics.json holds, by name; older ones may lack some, and some a user gave."""
    given = [name for name in metrics if name not in METRICS and f"{name}_interval" in metrics]
    found = {}
    for name, each in {**METRICS, **{name: own(name) for name in given}}.items():
        if name in metrics:
            low, high = metrics.get(f"{name}_interval") or (None, None)
            found[name] = Score(each, metrics[name], low, high, metrics["photos"])
    return found


def own(name: str, estimate: Estimator | None = None) -> Metric:
    """A score that a user gave from Python: a share, higher is better, without texts of its own.

    estimate: None for a score that is only read again.
    """
    messages.add({name: (name, name), f"{name}_explained": OWN})
    return Metric(name, estimate, "share", 1)


def sign(monitor: str) -> int:
    """1 when a higher value of a score or loss is better, -1 when a lower one is."""
    return METRICS[monitor].sign if monitor in METRICS else LOSSES[monitor]


def check_monitor(name: str, key: str = "train.monitor") -> None:
    """Raise ConfigError, which names the nearest score, unless `name` is a score or a loss."""
    known = [*METRICS, *LOSSES]
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = Sentence(" Did you mean {near}?", near=near[0]) if near else ""
        what = "{key}: there is no score `{name}`.{hint} There are: {known}."
        raise ConfigError(what, key=key, name=name, hint=hint, known=", ".join(known))


@metric()
def accuracy(predictions: Predictions, section: Asked) -> Estimate:
    """The share of photos that are right."""
    return intervals.share(predictions.right, predictions.units)


@metric(better="lower")
def error_rate(predictions: Predictions, section: Asked) -> Estimate:
    """The share of photos that are wrong."""
    return intervals.share(~predictions.right, predictions.units)


@metric()
def macro_recall(predictions: Predictions, section: Asked) -> Estimate:
    """scikit-learn's balanced_accuracy_score."""
    return _macro(predictions, "recall")


@metric()
def macro_precision(predictions: Predictions, section: Asked) -> Estimate:
    """scikit-learn's precision_score with average="macro" and the classes that have photos as labels."""
    return _macro(predictions, "precision")


@metric()
def macro_f1(predictions: Predictions, section: Asked) -> Estimate:
    """scikit-learn's f1_score with average="macro" and the classes that have photos as labels."""
    return _macro(predictions, "f1")


@metric()
def top_k_accuracy(predictions: Predictions, section: Asked) -> Estimate:
    """The share of photos whose class is among the `evaluate.top_k` most probable."""
    most = np.argsort(-predictions.probabilities, axis=1, kind="stable")[:, : section.top_k]
    return intervals.share((most == predictions.truth[:, None]).any(axis=1), predictions.units)


@metric(unit="nats", better="lower")
def loss(predictions: Predictions, section: Asked) -> Estimate:
    """Mean cross-entropy of the photos, nats."""
    return intervals.mean(predictions.loss, predictions.units)


@metric(unit="number", better="lower")
def brier(predictions: Predictions, section: Asked) -> Estimate:
    """Mean over photos. Brier, 1950, Monthly Weather Review 78:1."""
    truth = np.eye(len(predictions.vocab))[predictions.truth]
    return intervals.mean(((predictions.probabilities - truth) ** 2).sum(axis=1), predictions.units)


@metric()
def macro_auc(predictions: Predictions, section: Asked) -> Estimate:
    """Each class against the rest."""
    return separation.macro(predictions)


def _macro(predictions: Predictions, name: str) -> Estimate:
    each = predictions.truth, predictions.answers, predictions.units
    return intervals.macro(*each, len(predictions.vocab))[name]
