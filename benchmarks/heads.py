"""Linear heads on frozen features: KIMCHI_CACHE=/tmp/heads python -m benchmarks.heads WHAT FOLDER [FOLDER].

WHAT: sizes, what a pair of backbones gains when each sees photos of its own size; heads, other heads than
logistic regression; rare, what helps classes with a tenth of the photos. The photos of all folders are put
together; each draw takes N of each class to fit on, and scores on all others. How a backbone looks at photos
is computed once, by the package's own functions in bfloat16, and kept in $KIMCHI_CACHE; a head then takes
seconds. Differences are paired by draw, with 95 % intervals of the t distribution over draws.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy import linalg, stats
from torch import Tensor, nn

from kimchi_vision import data
from kimchi_vision.base.allocator import keep_memory
from kimchi_vision.config import sections
from kimchi_vision.learning import linear_probe, model
from kimchi_vision.results.preprocess import Preprocess

STRENGTH = {16: 0.1, 64: 0.03}
"""scikit-learn's C by photos a class, where it is not chosen by each head itself."""
DRAWS = {16: 12, 64: 6}
SHRUNKEN = 0.7
"""Part of the covariance within classes that is replaced by a multiple of the identity."""
RARE = 10, 100
"""Photos of a rare class and of a frequent one."""

Rows = tuple[np.ndarray, np.ndarray]
"""Numbers of the photos to fit on, and of those to score."""
Answers = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""From these to scores of the second, (photos, classes): the largest is what is said."""
Head = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""From features and labels to fit on, and features to answer for, to such scores."""


@dataclass(frozen=True)
class Look:
    """How a frozen backbone sees photos. number: of tf_efficientnet_liteN. side: of the photos, pixels."""

    number: int
    side: int


class Looking(nn.Module):
    """A body in bfloat16."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body.to(memory_format=torch.channels_last)

    def forward(self, photos: Tensor) -> Tensor:
        """photos: (n, 3, side, side)."""
        with torch.autocast("cpu", torch.bfloat16):
            return self.body(photos.contiguous(memory_format=torch.channels_last))


class Seen:
    """All photos: their classes, and what looks make of them."""

    def __init__(self, folders: list[Path]) -> None:
        sources = [sections.Data(path=each, duplicates="keep", splitter="stratified") for each in folders]
        self.folders = [data.load(source) for source in sources]
        labels = np.concatenate([each.items["label"] for each in self.folders])
        self.classes = np.unique(labels, return_inverse=True)[1]
        self.known: dict[Look, np.ndarray] = {}

    def by(self, *looks: Look) -> np.ndarray:
        """Features side by side, (photos, features)."""
        for look in looks:
            if look not in self.known:
                self.known[look] = self._by(look)
        return np.concatenate([self.known[look] for look in looks], axis=1).astype(np.float64)

    def _by(self, look: Look) -> np.ndarray:
        section = sections.Model(backbone=f"tf_efficientnet_lite{look.number}", weights="offline")
        body, steps = model.frozen(section)
        steps = Preprocess(math.ceil(look.side * 384 / 224), look.side, mean=steps.mean, std=steps.std)
        looking = Looking(body).eval()
        return np.concatenate(
            [linear_probe.compute(looking, each, each.items, steps) for each in self.folders]
        )

    def draws(self, count: int, classes: range) -> Iterator[Rows]:
        """Draws of so many photos of each class."""
        for seed in range(DRAWS[count]):
            random = np.random.default_rng(seed)
            rows = [random.permutation(np.flatnonzero(self.classes == number)) for number in classes]
            fitted, scored = ([each[part] for each in rows] for part in (slice(count), slice(count, None)))
            yield np.concatenate(fitted), np.concatenate(scored)


def sizes(seen: Seen) -> None:
    """Frozen heads of lite2, and of lite0 beside it: lite2 on photos of lite0's size, and of its own."""
    for count, strength in STRENGTH.items():
        for name, first in {"lite2": [], "lite0 and lite2": [Look(0, 224)]}.items():
            ways = {
                f"{name}, lite2 at {side} pixels": by(seen, [*first, Look(2, side)], logistic(strength))
                for side in (224, 260)
            }
            table(seen, count, range(10), ways)


def heads(seen: Seen) -> None:
    """Heads on lite0, for five classes by which one would choose, and for the other five."""
    look = [Look(0, 224)]
    ways = {
        "the package's": by(seen, look, package),
        "the same on square roots": by(seen, look, package, np.sqrt),
        "linear discriminant": by(seen, look, discriminant),
        "linear discriminant on square roots": by(seen, look, discriminant, np.sqrt),
        "mean of the package's and the discriminant": by(seen, look, both),
    }
    for count in DRAWS:
        for classes in (range(5), range(5, 10)):
            table(seen, count, classes, ways)


def by(
    seen: Seen, looks: list[Look], head: Head, values: Callable[[np.ndarray], np.ndarray] | None = None
) -> Answers:
    """A head on what the looks find. values: taken of each feature before."""

    def answers(train: np.ndarray, test: np.ndarray) -> np.ndarray:
        features = seen.by(*looks)
        features = values(np.maximum(features, 0)) if values else features
        fitted, asked = prepared(features[train], features[test])
        return head(fitted, np.unique(seen.classes[train], return_inverse=True)[1], asked)

    return answers


def prepared(fitted: np.ndarray, asked: np.ndarray) -> Rows:
    """Centred, of variance 1 on average, and of as many dimensions as there are photos: heads see no more."""
    centre, scale = fitted.mean(axis=0), math.sqrt(fitted.var(axis=0).mean())
    fitted, asked = (fitted - centre) / scale, (asked - centre) / scale
    if len(fitted) < fitted.shape[1]:
        spanned = linalg.svd(fitted, full_matrices=False)[2].T
        fitted, asked = fitted @ spanned, asked @ spanned
    return fitted, asked


def package(fitted: np.ndarray, labels: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """The package's head, which chooses its strength itself."""
    head = linear_probe.fit(sections.Features(), fitted, labels, labels.max() + 1)
    return asked @ head.weight.T + head.bias


def logistic(strength: float) -> Head:
    """The package's head at a given strength."""

    def head(fitted: np.ndarray, labels: np.ndarray, asked: np.ndarray) -> np.ndarray:
        return linear_probe.Rare().model(strength).fit(fitted, labels).decision_function(asked)

    return head


def discriminant(fitted: np.ndarray, labels: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Linear discriminant analysis with a shrunken covariance (Friedman, 1989, JASA 84:165)."""
    means = np.stack([fitted[labels == number].mean(axis=0) for number in range(labels.max() + 1)])
    within = fitted - means[labels]
    covariance = (1 - SHRUNKEN) * within.T @ within / len(fitted)
    covariance.flat[:: len(covariance) + 1] += SHRUNKEN * (within**2).mean()
    weight = linalg.solve(covariance, means.T, assume_a="pos")
    return asked @ weight - (means.T * weight).sum(axis=0) / 2


def both(fitted: np.ndarray, labels: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """The mean of the two, each of one spread."""
    found = package(fitted, labels, asked), discriminant(fitted, labels, asked)
    centred = [each - each.mean(axis=1, keepdims=True) for each in found]
    return sum(each / each.std() for each in centred)


def table(seen: Seen, count: int, classes: range, ways: dict[str, Answers]) -> None:
    """A line a way: accuracy over draws, and points more than the first one."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for train, test in seen.draws(count, classes):
        for name, answers in ways.items():
            right = answers(train, test).argmax(axis=1) == seen.classes[test] - classes[0]
            found[name].append(100 * right.mean())
    print(f"\n{count} a class, classes {classes[0]} to {classes[-1]}, {DRAWS[count]} draws")
    first = np.array(next(iter(found.values())))
    for name, each in found.items():
        print(f"| {name} | {np.mean(each):.1f} | {interval(np.array(each) - first)} |", flush=True)


def interval(gains: np.ndarray) -> str:
    """The mean with its 95 % interval."""
    mean, half = gains.mean(), stats.t.ppf(0.975, len(gains) - 1) * stats.sem(gains)
    return f"{mean:+.1f} ({mean - half:+.1f} to {mean + half:+.1f})" if gains.any() else ""


def rare(seen: Seen) -> None:
    """Recall of rare and of frequent classes by what is asked for them; which are rare is drawn."""
    ways = {
        "nothing": linear_probe.Rare(),
        "class_weights or sampling: balanced": linear_probe.Rare("balanced"),
        "logit_adjustment: 0.5": linear_probe.Rare(adjustment=0.5),
        "logit_adjustment: 1": linear_probe.Rare(adjustment=1),
        "both": linear_probe.Rare("balanced", 1),
    }
    found: dict[str, list[list[float]]] = {name: [] for name in ways}
    for seed in range(12):
        random = np.random.default_rng(seed)
        counts = random.permutation(np.repeat(RARE, 5))
        rows = [random.permutation(np.flatnonzero(seen.classes == number)) for number in range(10)]
        train = np.concatenate([each[:count] for each, count in zip(rows, counts, strict=True)])
        test = np.concatenate([each[max(RARE) :] for each in rows])
        values = seen.by(Look(0, 224))
        fitted, asked = prepared(values[train], values[test])
        for name, way in ways.items():
            head = way.model(0.1).fit(fitted, seen.classes[train])
            said = (head.decision_function(asked) - way.adjustment * np.log(counts)).argmax(axis=1)
            found[name].append(_recalls(said, seen.classes[test], counts))
    print("\n| asked for | macro recall | more than nothing | rare | frequent | accuracy at these shares |")
    for name, each in found.items():
        gain = np.array(each)[:, 0] - np.array(found["nothing"])[:, 0]
        macro, *others = np.mean(each, axis=0)
        shares = " | ".join(f"{share:.1f}" for share in others)
        print(f"| {name} | {macro:.1f} | {interval(gain)} | {shares} |", flush=True)


def _recalls(said: np.ndarray, truth: np.ndarray, counts: np.ndarray) -> list[float]:
    """Percent: mean recall of all, rare and frequent classes; accuracy when photos come in these shares."""
    recall = np.array([(said[truth == number] == number).mean() for number in range(len(counts))])
    parts = recall, recall[counts == min(RARE)], recall[counts == max(RARE)]
    return [100 * each.mean() for each in parts] + [100 * recall @ counts / counts.sum()]


MEASURES: dict[str, Callable[[Seen], None]] = {"sizes": sizes, "heads": heads, "rare": rare}

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=MEASURES)
    parser.add_argument("folders", type=Path, nargs="+")
    asked = parser.parse_args()
    keep_memory()
    MEASURES[asked.what](Seen(asked.folders))
