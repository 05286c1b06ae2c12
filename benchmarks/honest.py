"""Is the number that a run reports true of photos held back from everything? Real photos, real features.

python -m benchmarks.honest ../shared/food10 ../shared/food10_more [--seeds 100] [--runs 5] [--recipe best]

Photos are Food-101's: ten classes, 350 a class in both folders. Each seed draws some a class and holds back
all others. --seeds: linear heads on frozen ImageNet features (tf_efficientnet_lite0, 96 pixels), trained for
EPOCHS by stochastic gradient descent at RATES, which show a bias of half a point in minutes. --runs: as many
runs of the whole command (at 96 pixels), on 80 photos a class of that seed, and a third of those held back.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.fresh import linked
from kimchi_vision import data
from kimchi_vision.config.sections import Data, Model
from kimchi_vision.jobs.folder import TEST_PCT, VALID_PCT
from kimchi_vision.results import choices, headline
from kimchi_vision.results.candidates import Candidates
from kimchi_vision.results.folds import by_others
from kimchi_vision.results.intervals import Estimate, share

SIZE = 96
BACKBONE = {"backbone": "tf_efficientnet_lite0", "weights": "offline"}
EPOCHS = 30
RATES = (0.003, 0.01, 0.03)
FOLDS = 5
SPLIT = {"test part": 80, "corrected": 20, "nested folds": 20}
"""Photos a class that each way of telling the truth has, of which the last two have no test part."""


def features(folders: list[Path]) -> tuple[np.ndarray, np.ndarray]:
    """Of every photo, (photos, features) of mean 0 and spread 1 over all; and its class, a number."""
    from kimchi_vision.learning import linear_probe, model
    from kimchi_vision.learning.model import weights
    from kimchi_vision.results.preprocess import Preprocess

    backbone = model.find(Model(**BACKBONE), SIZE)
    body = backbone.body(weights.load(backbone, BACKBONE["weights"]))
    preprocess = Preprocess(SIZE * 384 // 224, SIZE, mean=backbone.stats[0], std=backbone.stats[1])
    found, labels = [], []
    for folder in folders:
        photos = data.load(Data(path=folder, duplicates="keep"))
        found.append(linear_probe.compute(body, photos, photos.items, preprocess))
        labels += photos.items["label"].tolist()
    seen = np.concatenate(found)
    return (seen - seen.mean()) / seen.std(), pd.factorize(np.array(labels), sort=True)[0]


def trained(seen: np.ndarray, label: np.ndarray, rate: float, random: np.random.Generator) -> np.ndarray:
    """Weights of a linear head after each epoch, (epochs, features, classes)."""
    weights, after = np.zeros((seen.shape[1], label.max() + 1), np.float32), []
    goal = np.eye(label.max() + 1, dtype=np.float32)[label]
    for _ in range(EPOCHS):
        for rows in np.array_split(random.permutation(len(seen)), max(len(seen) // 16, 1)):
            said = np.exp(seen[rows] @ weights)
            weights = weights + rate * seen[rows].T @ (goal[rows] - said / said.sum(1, keepdims=True)) / 16
        after.append(weights)
    return np.stack(after)


def right(weights: np.ndarray, seen: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Right or wrong, (epochs, photos)."""
    return np.stack([(seen @ each).argmax(axis=1) == label for each in weights])


def heads(seen: np.ndarray, label: np.ndarray, seed: int) -> Iterator[dict[str, Any]]:
    """What each way says of one seed's photos, and the share of those held back that is right."""
    random = np.random.default_rng(seed)
    order = random.permutation(len(label))
    place = pd.Series(label[order]).groupby(label[order]).cumcount().to_numpy()
    for way, number in SPLIT.items():
        own, held = order[place < number], order[place >= number]
        part = place[place < number] / number
        if way == "nested folds":
            yield _folds(seen, label, own, held, place[place < number] % FOLDS)
            continue
        tested = part < (TEST_PCT if way == "test part" else 0)
        valid = ~tested & (part < tested.mean() + VALID_PCT)
        learnt = own[~tested & ~valid]
        rows = [trained(seen[learnt], label[learnt], rate, random) for rate in RATES]
        seen_of = [right(each, seen[own[valid]], label[own[valid]]) for each in rows]
        best = int(np.argmax([each.mean(axis=1).max() for each in seen_of]))
        epoch = int(seen_of[best].mean(axis=1).argmax())
        kept = rows[best][[epoch]]
        chosen = share(seen_of[best][epoch], np.arange(valid.sum()))
        true = right(kept, seen[held], label[held]).mean()
        if way == "test part":
            said = share(right(kept, seen[own[tested]], label[own[tested]])[0], np.arange(tested.sum()))
        else:
            every = [[Candidates(each, each.astype(float))] for each in seen_of]
            said = choices.without(chosen, choices.optimism(every, np.arange(valid.sum())))
        yield _told(way, said, chosen, true)


def _folds(
    seen: np.ndarray, label: np.ndarray, own: np.ndarray, held: np.ndarray, fold: np.ndarray
) -> dict[str, Any]:
    """Pooled folds of one row; the truth is the mean over the folds' models."""
    random = np.random.default_rng(0)
    rows = [trained(seen[own[fold != k]], label[own[fold != k]], RATES[-1], random) for k in range(FOLDS)]
    found = [right(w, seen[own[fold == k]], label[own[fold == k]]) for k, w in enumerate(rows)]
    folds = [Candidates(each, each.astype(float)) for each in found]
    kept = by_others(folds)
    flags = np.concatenate([each[epoch] for each, epoch in zip(found, kept, strict=True)])
    true = [right(w[[epoch]], seen[held], label[held]).mean() for w, epoch in zip(rows, kept, strict=True)]
    best = np.concatenate([each[each.mean(axis=1).argmax()] for each in found])
    units = np.arange(len(flags))
    return _told("nested folds", share(flags, units), share(best, units), float(np.mean(true)))


def _told(way: str, said: Estimate, chosen: Estimate, true: float) -> dict[str, Any]:
    held = said.low is not None and said.low <= true <= said.high
    values = {"said": said.value, "held back": true, "said - held back": said.value - true}
    return {"way": way, **values, "chosen - held back": chosen.value - true, "covered": held}


def runs(folders: list[Path], recipe: str, count: int) -> Iterator[dict[str, Any]]:
    """The whole command on each seed's photos, and its model on those held back."""
    from kimchi_vision import Predictor
    from kimchi_vision import run as run_experiment
    from kimchi_vision.jobs.folder import from_folder

    sections = {"augment": {"size": SIZE}, "model": BACKBONE, "explain": {"background": 0}}
    sections["export"] = dict.fromkeys(("pkl", "weights", "safetensors", "timings"), False)
    for seed in range(count):
        with tempfile.TemporaryDirectory() as place:
            drawn = linked(folders, {"own": 80}, "held", seed, Path(place) / "photos")
            asked = from_folder(drawn / "own")
            sections |= {"recipe": recipe, "data": {"seed": seed}, "train": {"seed": seed}}
            done = run_experiment(asked, Path(place) / "exports", **sections)
            said, files = headline.accuracy(done), sorted((drawn / "held").glob("*/*.jpg"))[::3]
            answers = Predictor(done).stream(files, top=1)
            true = float(np.mean([each.label == Path(each.photo).parent.name for each in answers]))
            told = _told(
                "whole runs", Estimate(said.value, said.low, said.high), done.score["accuracy"], true
            )
            print(told, file=sys.stderr, flush=True)
            yield told


def main() -> None:
    """Print a row a way: means over seeds, in %, and the standard error of what is said too much."""
    asked = argparse.ArgumentParser(prog="python -m benchmarks.honest", description=__doc__)
    asked.add_argument("folder", type=Path)
    asked.add_argument("held", type=Path)
    asked.add_argument("--seeds", type=int, default=100)
    asked.add_argument("--runs", type=int, default=0)
    asked.add_argument("--recipe", default="best")
    chosen = asked.parse_args()
    told: list[dict[str, Any]] = []
    if chosen.seeds:
        seen, label = features([chosen.folder, chosen.held])
        told = [each for seed in range(chosen.seeds) for each in heads(seen, label, seed)]
    told += runs([chosen.folder, chosen.held], chosen.recipe, chosen.runs)
    ways = pd.DataFrame(told).groupby("way", sort=False)
    table = 100 * ways.mean()
    table.insert(3, "se", 100 * ways["said - held back"].sem())
    print(table.assign(seeds=ways.size()).round(2).to_string())


if __name__ == "__main__":
    main()
