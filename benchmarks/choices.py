"""Do the corrected accuracy of a winner, nested folds and the learning curve keep their promises?

Trainings of known truth: python -m benchmarks.choices [winner|folds|curve] [--trials N]
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np
import pandas as pd
from scipy.special import expit
from scipy.stats import norm

from kimchi_vision.results.candidates import Candidates, Stop
from kimchi_vision.results.choices import optimism, without
from kimchi_vision.results.compare.power_law import Redrawn, fit
from kimchi_vision.results.folds import by_others
from kimchi_vision.results.intervals import Estimate, over_seeds, wilson

Kind = Literal["equal", "rising", "uneven", "stopped"]
"""stopped: they rise, and early stopping ends them after PATIENCE epochs without a better one."""
PATIENCE = 3
GRID = {
    "photos": (40, 100, 400, 2000),
    "choices": (3, 10, 50),
    "accuracy": (0.6, 0.85, 0.97),
    "kind": ("equal", "rising", "uneven", "stopped"),
    "alike": (0.3, 0.8),
}
"""alike: how much two candidates are right on the same photos; 0.8 is usual for epochs, 0.3 for networks."""


def truths(kind: Kind, choices: int, accuracy: float, random: np.random.Generator) -> np.ndarray:
    """True accuracy of each candidate: all the same, rising over epochs, or one point of spread."""
    if kind in ("rising", "stopped"):
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
        found_by = Candidates(right, right)
        if kind == "stopped":
            found_by = Candidates(right, None, Stop(right.astype(float), PATIENCE))
        best = int(found_by.kept(np.ones((1, photos)))[0])
        if kind == "stopped":  # what comes later was never trained
            found_by = Candidates(right[: best + 1], None, Stop(right[: best + 1].astype(float), PATIENCE))
        gain = optimism([[found_by]], np.arange(photos), draws)
        reported = Estimate.around(right[best].mean(), *wilson(right[best].mean(), photos))
        both = reported, without(reported, gain)
        above = [each.value - truth[best] for each in both]
        found.append([*above, *(each.low <= truth[best] <= each.high for each in both)])
    names = ("reported", "corrected", "covered before", "covered")
    return dict(zip(names, 100 * np.mean(found, axis=0), strict=True))


def grid(trials: int, of: Mapping[str, tuple] = GRID, what: Callable[..., dict] = winner) -> pd.DataFrame:
    """A row a cell."""
    cells = [dict(zip(of, values, strict=True)) for values in itertools.product(*of.values())]
    return pd.DataFrame([{**cell, **what(**cell, trials=trials)} for cell in cells])


FOLDS = {"photos": (60, 120, 300), "wide": (10, 60), "flipped": (0.05, 0.25), "epochs": (5, 50)}
"""flipped: the share of labels that are wrong, so that long trainings overfit."""


def folds(photos: int, wide: int, flipped: float, epochs: int, trials: int) -> dict[str, float]:
    """Means over trials, points: how far five folds' accuracy lies above that on fresh photos.

    own: each fold keeps its best epoch; nested: the one that the other folds' photos choose. Logistic
    regressions on normal features, trained in full steps of gradient descent.
    """
    random = np.random.default_rng([photos, wide, round(100 * flipped), epochs])
    slope = random.normal(size=wide) / np.sqrt(wide)

    def drawn(count: int) -> tuple[np.ndarray, np.ndarray]:
        seen = random.normal(size=(count, wide))
        return seen, (seen @ slope > 0) ^ (random.random(count) < flipped)

    fresh, answer = drawn(4000)
    found = []
    for _ in range(trials):
        seen, label = drawn(photos)
        fold = np.arange(photos) % 5
        trained = [logistic(seen[fold != k], label[fold != k], epochs) for k in range(5)]
        right = [
            (w @ seen[fold == k].T > 0) == label[fold == k] for k, w in zip(range(5), trained, strict=True)
        ]
        true = np.array([((w @ fresh.T > 0) == answer).mean(axis=1) for w in trained])
        kept = by_others([Candidates(each, each.astype(float)) for each in right])
        own = [each.mean(axis=1).argmax() for each in right]
        reported = np.concatenate([each[best] for each, best in zip(right, own, strict=True)]).mean()
        sizes = [each.shape[1] for each in right]
        others = np.concatenate([each[epoch] for each, epoch in zip(right, kept, strict=True)]).mean()
        fresh_share = np.average(true[np.arange(5), kept], weights=sizes)
        found.append([reported - true[np.arange(5), own].mean(), others - fresh_share])
    own, others = 100 * np.mean(found, axis=0)
    return {"own": own, "nested": others, "sd": 100 * np.std([each[1] for each in found])}


def logistic(seen: np.ndarray, label: np.ndarray, epochs: int) -> np.ndarray:
    """Weights after each epoch, (epochs, wide)."""
    weights, after = np.zeros(seen.shape[1]), []
    for _ in range(epochs):
        weights = weights + 2 * seen.T @ (label - expit(seen @ weights)) / len(seen)
        after.append(weights)
    return np.array(after)


SHARES = np.array([0.1, 0.25, 0.5, 1.0])
CLASSES = 4


def train_and_ask(photos: int, valid: np.ndarray, apart: float, take: np.ndarray) -> np.ndarray:
    """Right or wrong of class means learnt from the photos `take`; features are as wide as `valid`'s."""
    means = np.stack(
        [take[place::CLASSES][: max(photos // CLASSES, 1)].mean(axis=0) for place in range(CLASSES)]
    )
    truth = np.arange(len(valid)) % CLASSES
    return ((valid[:, None] - means) ** 2).sum(axis=2).argmin(axis=1) == truth


def features(photos: int, wide: int, apart: float, random: np.random.Generator) -> np.ndarray:
    """Photos of the classes in turn: normal numbers around the class's own place."""
    places = np.eye(CLASSES, wide) * apart
    return places[np.arange(photos) % CLASSES] + random.normal(size=(photos, wide))


def curve(
    photos: int, valid: int, wide: int, apart: float, trials: int, trainings: int = 3
) -> dict[str, float]:
    """How often the points' intervals, and that of the gain from twice the photos, hold the truth, %.

    A learner of class means on normal features; the truth is its mean accuracy over fresh training photos.
    alone: as before, over validation photos and seeds.
    """
    random = np.random.default_rng([photos, valid, wide])
    fresh = features(4000, wide, apart, random)
    counts = np.round(np.append(SHARES, 2) * photos).astype(int)
    truth = [
        np.mean([train_and_ask(n, fresh, apart, features(n, wide, apart, random)).mean() for _ in range(60)])
        for n in counts
    ]
    held = []
    for _ in range(trials):
        pool, asked = features(photos, wide, apart, random), features(valid, wide, apart, random)
        right = []
        for n in counts[:-1]:
            several = []
            for _ in range(trainings):
                rows = np.stack(
                    [place + CLASSES * random.permutation(photos // CLASSES) for place in range(CLASSES)],
                    axis=1,
                ).ravel()
                several.append(train_and_ask(n, asked, apart, pool[rows]))
            right.append(np.stack(several))
        redrawn = Redrawn.of(SHARES, [each.mean(axis=1) for each in right])
        units = np.arange(valid)
        spans = [redrawn.interval(each, units, share)[1:] for each, share in zip(right, SHARES, strict=True)]
        alone = [over_seeds(each, units)[1:] for each in right]
        classes, trained = list(range(CLASSES)), counts[:-1].astype(float)
        gains = fit(right, units % CLASSES, units, classes, trained).gains()
        low, high = np.quantile(gains[1:], [0.025, 0.975])
        points = [
            [low <= true <= high for (low, high), true in zip(each, truth, strict=False)]
            for each in (spans, alone)
        ]
        held.append([*map(np.mean, points), low <= truth[-1] - truth[-2] <= high])
    return dict(zip(("points", "alone", "gain"), 100 * np.mean(held, axis=0), strict=True))


CURVES = ((80, 200, 20, 2.0), (200, 200, 10, 2.0), (200, 1000, 30, 2.0), (400, 400, 60, 1.6))


def main() -> None:
    """Print a row a cell."""
    asked = argparse.ArgumentParser(prog="python -m benchmarks.choices", description=__doc__)
    asked.add_argument("what", choices=("winner", "folds", "curve"), nargs="?", default="winner")
    asked.add_argument("--trials", type=int, default=200)
    chosen = asked.parse_args()
    if chosen.what == "curve":
        names = ("photos", "valid", "wide", "apart")
        cells = [dict(zip(names, each, strict=True)) for each in CURVES]
        print(pd.DataFrame([{**each, **curve(**each, trials=chosen.trials)} for each in cells]).round(1))
        return
    if chosen.what == "folds":
        print(grid(chosen.trials, FOLDS, folds).round(2).to_string(index=False))
        return
    table = grid(chosen.trials)
    print(table.round(2).to_string(index=False))
    print(table.groupby("photos")[["reported", "corrected", "covered before", "covered"]].agg(["min", "max"]))


if __name__ == "__main__":
    main()
