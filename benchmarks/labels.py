"""Labels that a choice of photos saves: python benchmarks/labels.py PHOTOS [PHOTOS ...]

A linear head on a frozen tf_efficientnet_lite0 begins with 8 labels a class and gets 40 more a round, chosen
in each of the ways below from 60 % of the photos; the others score it. Prints, for each way, how many labels
reach an accuracy (between rounds by a straight line) and the difference to choosing at random: mean over
seeds, each of which draws test photos and first labels anew, and its 95 % interval (paired by seed, t).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy import stats
from sklearn.linear_model import LogisticRegression

from kimchi_vision.deploy.labelling.choose import pick

FIRST, STEP = 8, 40
"""Labels of each class at the start, and of all classes a round."""
STRENGTH = 0.1
"""scikit-learn's C, for features of variance 1 on average."""
TARGETS = (0.60, 0.65, 0.70, 0.75)
Way = Callable[[np.ndarray, np.ndarray, np.random.Generator], np.ndarray]
"""From probabilities and features of unlabelled photos to the places of STEP of them."""


def badge(probabilities: np.ndarray, features: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """k-means++ on gradients of the last layer (Ash et al., 2020, BADGE, arXiv:1906.03671)."""
    guess = probabilities - np.eye(probabilities.shape[1])[probabilities.argmax(axis=1)]
    length = (guess**2).sum(axis=1) * (features**2).sum(axis=1)
    chosen = [int(length.argmax())]
    nearest = np.full(len(guess), np.inf)
    while len(chosen) < STEP:
        last = chosen[-1]
        inner = (guess @ guess[last]) * (features @ features[last])
        nearest = np.minimum(nearest, np.maximum(length + length[last] - 2 * inner, 0))
        chosen.append(int(rng.choice(len(guess), p=nearest / nearest.sum())))
    return np.array(chosen)


def by_margin(shortlist: int) -> Way:
    """`label next` with so many candidates for each photo that it chooses."""
    return lambda probabilities, features, rng: pick(probabilities, features, STEP, shortlist)


WAYS: dict[str, Way] = {
    "at random": lambda probabilities, features, rng: rng.permutation(len(features))[:STEP],
    "margin": by_margin(1),
    "margin, then k-centre among 2": by_margin(2),
    "margin, then k-centre among 5": by_margin(5),
    "k-centre among all": by_margin(10**9),
    "BADGE": badge,
}


def features_of(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Pooled features (photos, 1280), and the photos' classes."""
    from kimchi_vision import data
    from kimchi_vision.config.sections import Data
    from kimchi_vision.learning import linear_probe
    from kimchi_vision.learning.model import weights
    from kimchi_vision.learning.model.find import named
    from kimchi_vision.results.preprocess import Preprocess

    photos = data.load(Data(path=folder, duplicates="keep"))
    backbone = named("tf_efficientnet_lite0")
    body, (mean, std) = backbone.body(weights.load(backbone, "offline")), backbone.stats
    steps = Preprocess(256, 224, mean=mean, std=std)
    found = linear_probe.compute(body, photos, photos.items, steps)
    return found, photos.items["label"].to_numpy()


def head(features: np.ndarray, labels: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """From features to probabilities, learnt on labelled photos."""
    centre, scale = features.mean(axis=0), np.sqrt(features.var(axis=0).mean())
    model = LogisticRegression(C=STRENGTH, solver="newton-cg", max_iter=1000)
    model.fit((features - centre) / scale, labels)
    return lambda asked: model.predict_proba((asked - centre) / scale)


def curve(
    way: Way, features: np.ndarray, labels: np.ndarray, seed: int, most: int
) -> list[tuple[int, float]]:
    """Labels and accuracy after each round."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(labels))
    pool, test = np.split(order, [int(0.6 * len(order))])
    own = np.concatenate([pool[labels[pool] == label][:FIRST] for label in np.unique(labels)])
    found = []
    while True:
        answer = head(features[own], labels[own])
        right = answer(features[test]).argmax(axis=1) == np.searchsorted(np.unique(labels), labels[test])
        found.append((len(own), float(right.mean())))
        rest = np.setdiff1d(pool, own)
        if len(own) + STEP > most or len(rest) < STEP:
            return found
        own = np.concatenate([own, rest[way(answer(features[rest]), features[rest], rng)]])


def needed(found: list[tuple[int, float]], target: float) -> float:
    """Labels at which a curve first reaches an accuracy; NaN where it does not."""
    for (few, low), (many, high) in zip([(0, 0.0), *found], found, strict=False):
        if high >= target:
            return few + (many - few) * (target - low) / (high - low) if few else float(many)
    return float("nan")


def table(curves: dict[str, list[list[tuple[int, float]]]]) -> str:
    """A line a way; the interval is that of the difference to choosing at random."""
    rows = [
        "| chosen | " + " | ".join(f"labels for {each:.0%}" for each in TARGETS) + " | accuracy at the end |"
    ]
    rows.append("|---" * (len(TARGETS) + 2) + "|")
    random = curves["at random"]
    for way, seeds in curves.items():
        cells = [
            _cell([needed(each, target) for each in seeds], [needed(each, target) for each in random], 1)
            for target in TARGETS
        ]
        last = _cell([each[-1][1] for each in seeds], [each[-1][1] for each in random], 100)
        rows.append(f"| {way} | {' | '.join(cells)} | {last} |")
    return "\n".join(rows)


def _cell(values: list[float], random: list[float], scale: float) -> str:
    """Mean, and the difference with its interval; a dash where a seed of either does not get there."""
    one, other = scale * np.array(values), scale * np.array(random)
    digits = 0 if scale == 1 else 1
    if not np.isfinite(one).all():
        return "–"
    mean, gaps = f"{one.mean():.{digits}f}", one - other
    if not np.isfinite(gaps).all() or not gaps.any():
        return mean
    low, high = stats.ttest_1samp(gaps, 0).confidence_interval()
    return f"{mean} ({gaps.mean():+.{digits}f}: {low:+.{digits}f} to {high:+.{digits}f})"


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser()
    options.add_argument("photos", type=Path, nargs="+")
    options.add_argument("--seeds", type=int, default=5)
    options.add_argument("--most", type=int, default=400, help="Labels at which to stop.")
    given = options.parse_args()
    features, labels = (np.concatenate(each) for each in zip(*map(features_of, given.photos), strict=True))
    print(f"{len(labels)} photos, {len(set(labels))} classes, {given.seeds} seeds\n")
    print(
        table(
            {
                name: [curve(way, features, labels, seed, given.most) for seed in range(given.seeds)]
                for name, way in WAYS.items()
            }
        )
    )


if __name__ == "__main__":
    main()
