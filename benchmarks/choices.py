"""Does the corrected accuracy of a winner keep its promise? Trainings with known truth, chosen on few photos.

python -m benchmarks.choices [--trials N]
"""

from __future__ import annotations

import argparse
import itertools
from typing import Literal

import numpy as np
import pandas as pd
from scipy.stats import norm

from kimchi_vision.results.choices import Candidates, optimism, without
from kimchi_vision.results.intervals import Estimate, wilson

Kind = Literal["equal", "rising", "uneven"]
GRID = {
    "photos": (40, 100, 400, 2000),
    "choices": (3, 10, 50),
    "accuracy": (0.6, 0.85, 0.97),
    "kind": ("equal", "rising", "uneven"),
    "alike": (0.3, 0.8),
}
"""alike: how much two candidates are right on the same photos; 0.8 is usual for epochs, 0.3 for networks."""


def truths(kind: Kind, choices: int, accuracy: float, random: np.random.Generator) -> np.ndarray:
    """True accuracy of each candidate: all the same, rising over epochs, or one point of spread."""
    if kind == "rising":
        return accuracy - 0.15 * np.exp(-np.arange(choices) / 2)
    spread = 0.01 * random.normal(size=choices) if kind == "uneven" else np.zeros(choices)
    return np.clip(accuracy + spread, 0.3, 0.995)


def answers(truth: np.ndarray, photos: int, alike: float, random: np.random.Generator) -> np.ndarray:
    """Right or wrong, (candidates, photos): photos are hard or easy for all, and a little for each."""
    hard, own = random.normal(size=photos), random.normal(size=(len(truth), photos))
    return norm.ppf(truth)[:, None] + np.sqrt(alike) * hard + np.sqrt(1 - alike) * own > 0


def winner(
    photos: int, choices: int, accuracy: float, kind: Kind, alike: float, trials: int, draws: int = 200
) -> dict[str, float]:
    """Means over trials, points: how far the reported and the corrected accuracy lie above the truth.

    covered: share of trials whose interval holds the truth, %, before and after.
    """
    random = np.random.default_rng([photos, choices, round(100 * accuracy), round(100 * alike)])
    found = []
    for _ in range(trials):
        truth = truths(kind, choices, accuracy, random)
        right = answers(truth, photos, alike, random)
        best = right.mean(axis=1).argmax()
        gain = optimism([[Candidates(right, right)]], np.arange(photos), draws)
        reported = Estimate.around(right[best].mean(), *wilson(right[best].mean(), photos))
        both = reported, without(reported, gain)
        above = [each.value - truth[best] for each in both]
        found.append([*above, *(each.low <= truth[best] <= each.high for each in both)])
    names = ("reported", "corrected", "covered before", "covered")
    return dict(zip(names, 100 * np.mean(found, axis=0), strict=True))


def grid(trials: int) -> pd.DataFrame:
    """A row a cell."""
    cells = [dict(zip(GRID, values, strict=True)) for values in itertools.product(*GRID.values())]
    return pd.DataFrame([{**cell, **winner(**cell, trials=trials)} for cell in cells])


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--trials", type=int, default=200)
    table = grid(asked.parse_args().trials)
    print(table.round(2).to_string(index=False))
    print(table.groupby("photos")[["reported", "corrected", "covered before", "covered"]].agg(["min", "max"]))
