"""What charts.html draws: values become places, in per cent of a chart's width and height."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from kimchi_vision.base.numbers import percent, with_ends

Scale = Literal["linear", "log"]


@dataclass(frozen=True)
class Axis:
    """From values to 0 at its start and 100 at its end, with round numbers between; ticks: (place, label)."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    scale: Scale = "linear"

    def at(self, value: float) -> float:
        """The place of a value, per cent."""
        low, high, value = (np.log10(v) if self.scale == "log" else v for v in (self.low, self.high, value))
        return round(float(np.clip(100 * (value - low) / (high - low), 0, 100)), 2)


@dataclass(frozen=True)
class Mark:
    """A value on an interval plot, with its interval. kind: own, baseline, other, goal; tip: for hovering."""

    value: float
    low: float | None
    high: float | None
    kind: str
    tip: str


@dataclass(frozen=True)
class Row:
    """A line of an interval plot: its name, its marks, and the numbers that stand behind."""

    name: str
    marks: Sequence[Mark]
    shown: str
    note: str = ""
    link: str | None = None

    @classmethod
    def of(
        cls, name: str, kind: str, share: float, interval: Sequence[float] | None, link: str | None = None
    ) -> Row:
        """A line with a single mark, whose tip stands behind, too."""
        tip = with_ends(share, *interval) if interval else percent(share)
        return cls(name, [Mark(share, *(interval or (None, None)), kind, tip)], tip, link=link)


@dataclass(frozen=True)
class Intervals:
    """Rows over one axis."""

    rows: Sequence[Row]
    axis: Axis

    @classmethod
    def of(cls, rows: Sequence[Row], *beyond: float) -> Intervals:
        """Rows of shares, over an axis that holds all their marks, and these values."""
        marks = [mark for row in rows for mark in row.marks]
        ends = [end for mark in marks for end in (mark.value, mark.low, mark.high) if end is not None]
        return cls(rows, shares([*ends, *beyond]))


@dataclass(frozen=True)
class Series:
    """Points (x, y, tip) of a chart, with the ends of their intervals. kind: own, baseline or other."""

    name: str
    points: Sequence[tuple[float, float, str]]
    kind: str = "own"
    line: bool = True
    dots: bool = True
    """Whether the points of a line are seen; else only that under the pointer."""
    ends: Sequence[Sequence[float]] = ()


@dataclass(frozen=True)
class Chart:
    """Series over two axes. marked: an x with its word. diagonal: where both axes agree."""

    title: str
    x: Axis
    y: Axis
    x_title: str
    series: Sequence[Series]
    marked: tuple[float, str] | None = None
    diagonal: bool = False
    names: bool = False
    """Whether points have their names beside them."""


def axis(values: Sequence[float], shown: Callable[[float], str], steps: int = 5) -> Axis:
    """A linear axis around all values, ending at round numbers."""
    from matplotlib.ticker import MaxNLocator

    low, high = min(values), max(values)
    if low == high:
        low, high = low - 0.05 * (abs(low) or 1), high + 0.05 * (abs(high) or 1)
    places = MaxNLocator(steps, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    return _ticked(float(places[0]), float(places[-1]), places, shown)


def shares(values: Sequence[float]) -> Axis:
    """The same for shares: it does not leave 0 to 1."""
    found = axis(values, _tick, 4)
    inside = [place / 100 * (found.high - found.low) + found.low for place, _ in found.ticks]
    inside = [place for place in inside if -1e-6 <= place <= 1 + 1e-6]
    return _ticked(inside[0], inside[-1], inside, _tick)


def _tick(share: float) -> str:
    return percent(share).replace(".0 ", " ")


def whole(low: float, high: float, shown: Callable[[float], str]) -> Axis:
    """An axis over whole numbers, such as epochs, with half a step on both sides."""
    from matplotlib.ticker import MaxNLocator

    places = MaxNLocator(8, integer=True, min_n_ticks=1).tick_values(low, high)
    inside = [place for place in places if low <= place <= high]
    return _ticked(low - 0.5, high + 0.5, inside, shown)


def rates(values: Sequence[float]) -> Axis:
    """A logarithmic axis with powers of ten."""
    low, high = float(min(values)), float(max(values))
    powers = range(int(np.ceil(np.log10(low) - 1e-9)), int(np.floor(np.log10(high) + 1e-9)) + 1)
    return _ticked(low, high, [10.0**power for power in powers], "{:g}".format, "log")


def counts(values: Sequence[float]) -> Axis:
    """A logarithmic axis with the values themselves, such as numbers of photos, and room on both sides."""
    low, high = float(min(values)) / 1.2, float(max(values)) * 1.2
    return _ticked(low, high, values, "{:,}".format, "log")


def _ticked(
    low: float, high: float, places: Sequence[float], shown: Callable[[float], str], scale: Scale = "linear"
) -> Axis:
    made = Axis(low, high, (), scale)
    return replace(made, ticks=tuple((made.at(place), shown(place)) for place in places))
