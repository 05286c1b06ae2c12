"""Does every number keep its promise? Seeded simulation, the functions of before beside those of now.

python -m benchmarks.promises [TRIALS] [PROMISE ...]; benchmarks/promises.md is what it printed.

400 trials a cell by default: a share of 0.95 is then known to 2 points.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pandas as pd
from scipy.special import expit, softmax

from kimchi_vision.config.sections import Goals
from kimchi_vision.results import drift, goals, intervals
from kimchi_vision.results.calibrate.abstain import abstain_at, least_probable
from kimchi_vision.results.calibrate.confidence import calibration_error, expected_calibration_error
from kimchi_vision.results.compare.paired import LEVEL, mid_p, over_seeds
from kimchi_vision.results.intervals import Estimate, wilson
from kimchi_vision.results.scores import recorded

ACCURACIES = ((0.5, 0.7), (0.7, 0.85), (0.85, 0.95), (0.95, 0.99))
"""Each trial draws its own: right answers are whole numbers, so that coverage jumps between accuracies."""
GROUPS = ("alone", "pairs", "fives", "tail 2.0", "tail 1.5", "tail 1.1")
"""Photos of a group: one, two, five, or a Pareto tail of this exponent, at most a quarter of all photos."""


@dataclass(frozen=True)
class Cell:
    """One promise in one place of the grid: shares of trials, before and now; spoke: of now.

    known: of accuracy, the same interval where the correlation within groups is known.
    """

    promise: str
    where: str
    before: float
    now: float
    spoke: float
    known: float = float("nan")


def units(kind: str, photos: int, random: np.random.Generator) -> np.ndarray:
    """The group of each photo."""
    fixed = {"alone": 1, "pairs": 2, "fives": 5}.get(kind)
    if fixed:
        return np.arange(photos) // fixed
    sizes = np.minimum(random.pareto(float(kind.split()[1]), photos).astype(int) + 1, photos // 4)
    return np.repeat(np.arange(photos), sizes)[:photos]


def hits(units: np.ndarray, chance: float, together: float, random: np.random.Generator) -> np.ndarray:
    """Right or wrong of each photo; photos of a group are correlated by `together`, from 0 to 1."""
    groups = int(units.max()) + 1
    if together in (0, 1):
        return random.random(groups)[units] < chance if together else random.random(len(units)) < chance
    odds = (1 - together) / together
    return random.random(len(units)) < random.beta(chance * odds, (1 - chance) * odds, groups)[units]


def inside(found: Estimate, truth: float) -> bool | None:
    """Whether an interval holds the truth; None where there is none."""
    return None if found.low is None else found.low <= truth <= found.high


def accuracy(trials: int, random: np.random.Generator) -> Iterator[Cell]:
    """Coverage of the accuracy's interval, over groups of all sizes."""
    grid = product((40, 150, 600, 2000), GROUPS, (0.1, 0.5, 1.0), ACCURACIES)
    for photos, kind, together, (low, high) in grid:
        if kind == "alone" and together != 1:
            continue
        held, before, known = [], [], []
        for _ in range(trials):
            group, truth = units(kind, photos, random), random.uniform(low, high)
            right = hits(group, truth, together, random)
            held.append(inside(intervals.share(right, group), truth))
            least, most = wilson(right.mean(), len(np.unique(group)))
            before.append(least <= truth <= most)
            if held[-1] is not None:
                size = photos / intervals.independent(group)
                least, most = wilson(right.mean(), photos / (1 + together * (size - 1)))
                known.append(least <= truth <= most)
        found = cell("accuracy", f"{photos}, {kind}, {together:g}, {low:g} to {high:g}", before, held)
        yield replace(found, known=float(np.mean(known)) if known else float("nan"))


def macro(trials: int, random: np.random.Generator) -> Iterator[Cell]:
    """Coverage of macro recall and F1, with classes equal or falling as 1, 1/2, 1/3 … in photos."""
    for photos, classes, equal, low in product((40, 200, 2000), (2, 5, 20), (True, False), (0.5, 0.9)):
        sizes = np.ones(classes) if equal else 1 / np.arange(1, classes + 1)
        sizes = np.maximum((photos * sizes / sizes.sum()).round().astype(int), 1)
        truth = np.repeat(np.arange(classes), sizes)
        held: dict[str, list[bool | None]] = {"recall": [], "f1": []}
        before: dict[str, list[bool | None]] = {"recall": [], "f1": []}
        for _ in range(trials):
            chances = expit(np.log(low / (1 - low)) + 0.5 + random.normal(0, 0.7, classes))
            wrong = (truth + random.integers(1, classes, len(truth))) % classes
            answers = np.where(random.random(len(truth)) < chances[truth], truth, wrong)
            true = true_macro(chances, sizes)
            now = intervals.macro(truth, answers, np.arange(len(truth)), classes)
            old = macro_before(truth, answers, classes)
            for name in held:
                held[name].append(inside(now[name], true[name]))
                before[name].append(inside(old[name], true[name]))
        for name in held:
            where = f"{photos}, {classes} classes {'equal' if equal else 'unequal'}, about {low:g}"
            yield cell(f"macro {name}", where, before[name], held[name])


def true_macro(chances: np.ndarray, sizes: np.ndarray) -> dict[str, float]:
    """The macro scores of very many photos, where wrong answers fall on all other classes alike."""
    away = (1 - chances) * sizes / (len(sizes) - 1)
    predicted = chances * sizes + away.sum() - away
    return {"recall": float(chances.mean()), "f1": float((2 * chances * sizes / (sizes + predicted)).mean())}


def macro_before(truth: np.ndarray, answers: np.ndarray, classes: int) -> dict[str, Estimate]:
    """Four imagined photos in all, spread as the classes are."""
    counts = np.bincount(truth * classes + answers, minlength=classes**2).reshape(classes, classes)
    prior = (np.eye(classes) + 1 / classes) / 2
    steady = counts + 4 * prior * counts.sum(1, keepdims=True) / len(truth)
    share, known = steady / steady.sum(), np.ones(classes, bool)
    scores, expected = (intervals._macro_scores(each, known) for each in (counts, share))
    found = {}
    for name, influence in intervals._influences(share, known).items():
        variance = (share * influence**2).sum() - (share * influence).sum() ** 2
        worth = expected[name] * (1 - expected[name]) / variance * len(truth)
        found[name] = Estimate.around(scores[name], *wilson(scores[name], worth))
    return found


def better(trials: int, random: np.random.Generator) -> Iterator[Cell]:
    """How often one of two equal recipes is called better; before: by one training each."""
    for photos, seeds, spread, kind in product(
        (40, 300, 2000), (1, 2, 3, 5), (0, 0.01, 0.03), ("alone", "tail 1.5")
    ):
        before, now = [], []
        for _ in range(trials):
            group = units(kind, photos, random)
            difficulty = random.normal(size=group.max() + 1)[group]
            right = np.array([trained(difficulty, spread, random) for _ in range(2 * seeds)])
            # One training each is never a verdict on recipes: pairs.Pair.about.
            told = seeds > 1 and over_seeds(right[:seeds], right[seeds:], group)[2] < LEVEL
            now.append(bool(told))
            first = np.unique(group, return_index=True)[1]
            one, other = right[0][first], right[seeds][first]
            told = mid_p(int((one & ~other).sum()), int((other & ~one).sum())) < 0.05
            before.append(bool(told))
        yield cell("false better", f"{photos}, {seeds} seeds, sd {spread:g}, {kind}", before, now)


def trained(difficulty: np.ndarray, spread: float, random: np.random.Generator) -> np.ndarray:
    """What a training has right, about 0.85 of all; its own luck moves that by `spread`."""
    level = 1.04 + random.normal(0, spread / 0.24)
    return 0.8 * difficulty + 0.6 * random.normal(size=len(difficulty)) < level


def met(trials: int, random: np.random.Generator) -> Iterator[Cell]:
    """How often a table says that a goal is met which every row misses by a hair."""
    for photos, rows, goal in product((100, 400, 2000), (1, 10, 50), (0.8, 0.95)):
        before, now = [], []
        for _ in range(trials):
            found = [
                {"photos": photos, "accuracy": rate, "accuracy_interval": wilson(rate, photos).tolist()}
                for rate in random.binomial(photos, goal - 1e-9, rows) / photos
            ]
            for said, number in ((before, 1), (now, rows)):
                outcomes = [
                    goals.outcomes(Goals(accuracy=goal), {}, recorded(each), number)["accuracy"]
                    for each in found
                ]
                said.append("met" in outcomes)
        yield cell("false met", f"{photos}, {rows} rows, goal {goal:g}", before, now)


def confident(number: int, slope: float, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of predicted classes, and their chance to be right; slope 1 is calibrated."""
    score = np.abs(random.normal(3.5, 1.6, number))
    return expit(score), expit(slope * score)


def exceeded(trials: int, random: np.random.Generator) -> Iterator[Cell]:
    """How often more than 5 % of the answers to fresh photos are wrong; `spoke`: runs with a threshold.

    The epoch that answers is the best of so many on the same photos, all of them equally good.
    """
    fresh, chance_later = confident(50_000, 0.8, random)
    for photos, copies, epochs in product((150, 600, 2000), (1, 3), (1, 10)):
        before, now = [], []
        for _ in range(trials):
            sure, chance = (np.repeat(each, copies) for each in confident(photos // copies, 0.8, random))
            group = np.arange(len(sure)) // copies
            answers = random.random((epochs, group.max() + 1))[:, group] < chance
            right = answers[answers.mean(axis=1).argmax()]
            found = abstain_at(0.05, sure, right, group, epochs).threshold
            for said, threshold in ((before, threshold_before(0.05, sure, right)), (now, found)):
                said.append(
                    None if threshold is None else (1 - chance_later[fresh >= threshold]).mean() > 0.05
                )
        yield cell("abstention exceeded", f"{photos}, groups of {copies}, {epochs} epochs", before, now)


def threshold_before(error: float, sure: np.ndarray, right: np.ndarray) -> float | None:
    """The lowest threshold whose seen error is small enough."""
    order = np.argsort(-sure, kind="stable")
    kept = sure[order][np.cumsum(~right[order]) / np.arange(1, len(sure) + 1) <= error]
    return float(kept[-1]) if len(kept) else None


def calibration(trials: int, random: np.random.Generator) -> Iterator[Cell]:
    """Coverage of the calibration error's interval; photos of a group are copies."""
    grid = product((40, 100, 300, 1000), ("alone", "tail 1.5"), (1.0, 0.8, 0.6))
    for photos, kind, slope in grid:
        truth = expected_calibration_error(*confident(200_000, slope, random), 15)
        before, now = [], []
        for _ in range(trials):
            group = units(kind, photos, random)
            sure, chance = confident(group.max() + 1, slope, random)
            sure, right = sure[group], (random.random(len(chance)) < chance)[group]
            now.append(inside(calibration_error(sure, right, 15, group), truth))
            before.append(inside(calibration_before(sure, right, 15), truth))
        yield cell("calibration error", f"{photos}, {kind}, slope {slope:g}", before, now)


def calibration_before(sure: np.ndarray, right: np.ndarray, bins: int) -> Estimate:
    """A basic bootstrap of what was seen, which starts at 0 where chance may show as much."""
    seen, random = expected_calibration_error(sure, right, bins), np.random.default_rng(0)
    drawn = [
        expected_calibration_error(sure[rows], right[rows], bins)
        for rows in (random.integers(0, len(sure), len(sure)) for _ in range(300))
    ]
    chance = [expected_calibration_error(sure, random.random(len(sure)) < sure, bins) for _ in range(300)]
    low, high = 2 * seen - np.quantile(drawn, [0.975, 0.025])
    low = 0.0 if seen <= np.quantile(chance, 0.95) else float(np.clip(low, 0, seen))
    return Estimate(seen, low, max(high, seen))


def different(trials: int, random: np.random.Generator) -> Iterator[Cell]:
    """How often photos drawn from the same set are called different; before: copies that came in as photos.

    groups of A and B: held-out photos, and those that came in, lie in groups of so many near copies. The
    numbers before them are held-out photos, and groups that came in.
    """
    sizes, copies = ((60, 30), (200, 60), (200, 400)), ((1, 1), (3, 1), (1, 5))
    for (held, fresh), classes, (old, new) in product(sizes, (2, 10), copies):
        before, now = [], []
        for _ in range(trials):
            places = random.normal(size=(classes, 64))
            known, incoming = _side(held, places, old, random), _side(fresh * new, places, new, random)
            apart = incoming._replace(units=np.arange(len(incoming.units)))
            for said, side in ((now, incoming), (before, apart)):
                said.append(drift.verdict(drift.told_apart(known, side)) == "different")
        where = f"{held} and {fresh}, {classes} classes, groups of {old} and {new}"
        yield cell("false different", where, before, now)


def _side(photos: int, places: np.ndarray, copies: int, random: np.random.Generator) -> drift.Side:
    """Features around the places of classes, heavy-tailed and of falling spread; copies are nearly equal."""
    spread = 1 / np.sqrt(np.arange(1, places.shape[1] + 1))
    pictures = places[random.integers(0, len(places), -(-photos // copies))]
    pictures = pictures + random.standard_t(5, pictures.shape)
    features = np.repeat(pictures, copies, axis=0)[:photos]
    features = (features + 0.1 * random.normal(size=features.shape)) * spread
    return drift.Side(features, np.ones((photos, 1)), np.arange(photos) // copies)


def label_sets(trials: int, random: np.random.Generator) -> Iterator[Cell]:
    """How often sets of 95 % hold the right label of fresh photos, mean over runs; before: of the seen ones.

    Logits of a model that knows its classes a little; its epoch is the best of ten on the same photos.
    """
    for photos, classes, copies in product((40, 200, 1000), (3, 20), (1, 3)):
        before, now = [], []
        for _ in range(max(trials // 4, 1)):
            rows, truth, group = answered(photos, classes, copies, random)
            best = (rows.argmax(axis=2) == truth).mean(axis=1).argmax()
            fresh, true, _ = answered(1000, classes, 1, random)
            least = least_probable(rows[best], truth, group)["0.95"]
            seen = np.quantile(rows[best][np.arange(photos), truth], 0.05)
            held = fresh[best][np.arange(1000), true]
            before.append(float((held >= seen).mean()))
            now.append(None if least is None else float((held >= least).mean()))
        yield cell("label sets", f"{photos}, {classes} classes, groups of {copies}", before, now)


def answered(
    photos: int, classes: int, copies: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities after ten equally good epochs, (10, photos, classes), the right labels, and groups."""
    group = np.arange(photos) // copies
    truth = random.integers(classes, size=photos)[group]
    signal = 2.5 * np.eye(classes)[truth] + random.normal(size=(photos, classes))[group]
    return softmax(signal + 0.7 * random.normal(size=(10, photos, classes))[:, group], axis=2), truth, group


def cell(promise: str, where: str, before: list[float | None], now: list[float | None]) -> Cell:
    """A cell of trials, each kept or not, or a share of it; None in `now`: nothing was said."""
    spoken, older = ([each for each in said if each is not None] for said in (now, before))
    shares = [float(np.mean(each)) if each else float("nan") for each in (older, spoken)]
    return Cell(promise, where, *shares, len(spoken) / len(now))


HEAD = """# Does every number keep its promise?

`python -m benchmarks.promises {trials} > benchmarks/promises.md`: {trials} trials a cell, seeded. Of each
promise a column of figures, then every cell. `before`: the functions of before; `now`: those of the package;
`spoke`: share of trials in which they say anything; `known`: now, were the correlation within groups known.
`within`: share of cells where coverage is 93.5 to 97 %, or errors are 5 % at most; `off`: share of cells
outside by more than luck: their own 99.8 % interval lies outside."""


PROMISES: Mapping[str, Callable[[int, np.random.Generator], Iterator[Cell]]] = {
    "accuracy": accuracy,
    "macro": macro,
    "better": better,
    "met": met,
    "exceeded": exceeded,
    "calibration": calibration,
    "different": different,
    "label sets": label_sets,
}


def table(trials: int, names: tuple[str, ...] = tuple(PROMISES)) -> pd.DataFrame:
    """Every cell of the promises: columns promise, where, before, now, spoke, known."""
    return pd.DataFrame([each for name in names for each in PROMISES[name](trials, np.random.default_rng(0))])


def summary(cells: pd.DataFrame, trials: int) -> pd.DataFrame:
    """A line a promise over the cells in which it was spoken in half of the trials and more.

    within: share of cells in their band; off: outside it by more than luck, as `judged` has it.
    """
    said = cells[cells["spoke"] * trials >= min(trials, 100) / 2].assign(**judged(cells, trials))
    grouped = said.groupby("promise", sort=False)
    shares = {
        f"{when} {name}": grouped[when].agg(name)
        for when in ("before", "now")
        for name in ("min", "mean", "max")
    }
    judgement = {name: grouped[name].mean() for name in ("within", "off", "spoke")}
    return pd.DataFrame({"cells": grouped.size(), **shares, **judgement})


def judged(cells: pd.DataFrame, trials: int) -> dict[str, pd.Series]:
    """Whether each cell lies within its band, and whether it lies outside by more than chance."""
    low, high = (cells["promise"].map(lambda name, end=end: band(name)[end]) for end in (0, 1))
    spoken = (cells["spoke"] * trials).clip(lower=1)
    least, most = wilson(cells["now"].fillna(0), spoken, alpha=0.002).T
    return {"within": cells["now"].between(low, high), "off": (most < low) | (least > high)}


def band(promise: str) -> tuple[float, float]:
    """Between which shares a promise is kept: errors at most 5 %, coverage 93.5 to 97 %."""
    return (0, 0.05) if promise.startswith(("false", "abstention")) else (0.935, 0.97)


def main() -> None:
    """Print, as promises.md has it, a line a promise and every cell."""
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    print(HEAD.format(trials=trials))
    for name in sys.argv[2:] or PROMISES:
        cells = table(trials, (name,))
        print(f"\n## {name}\n\n{PROMISES[name].__doc__.strip()}\n\n```")
        print(summary(cells, trials).round(3).T.to_string())
        print(f"\n{cells.dropna(axis=1, how='all').round(3).to_string(index=False)}\n```", flush=True)


if __name__ == "__main__":
    main()
