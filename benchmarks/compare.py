"""Time and memory of comparing many runs: python benchmarks/compare.py [RUNS] [PHOTOS] [CLASSES]."""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from kimchi_vision.base.files import write_json, write_table, write_text
from kimchi_vision.config import dump
from kimchi_vision.results.compare import compare
from kimchi_vision.results.predictions import Predictions
from kimchi_vision.results.run import Run


def draw(run: Run, accuracy: float, photos: int, classes: int, seed: int) -> Path:
    """A run folder whose predictions are right with the given probability."""
    random = np.random.default_rng(seed)
    vocab = [f"class {number:03}" for number in range(classes)]
    truth = np.arange(photos) % classes
    predicted = np.where(random.random(photos) < accuracy, truth, (truth + 1) % classes)
    probabilities = random.random((photos, classes))
    probabilities[np.arange(photos), predicted] += classes
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    names = [f"{number}.jpg" for number in range(photos)]
    items = pd.DataFrame({"path": names, "split": "valid", "label": np.array(vocab)[truth]})
    items["sha256"] = [f"{number:064x}" for number in range(photos)]
    Predictions.from_probabilities(items, probabilities, vocab).write(run.files.predictions)
    write_table(run.files.items, items)
    write_json(run.files.labels, vocab)
    plain = {"data": {"sample": "kimchi"}, "train": ["lr_find"], "model": {"backbone": "resnet18"}}
    write_text(run.files.experiment, dump({"name": run.name, **plain}))
    return run.path


def main(runs: int = 20, photos: int = 20_000, classes: int = 10) -> None:
    """Draw the runs, compare them, and print what that took."""
    with tempfile.TemporaryDirectory() as root:
        accuracies = np.linspace(0.90, 0.95, runs)
        folders = [
            draw(Run(Path(root) / f"run{number}"), accuracy, photos, classes, number)
            for number, accuracy in enumerate(accuracies)
        ]
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        started = time.perf_counter()
        result = compare(folders)
        seconds = time.perf_counter() - started
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    verdicts = pd.Series([pair.verdict for pair in result.pairs]).value_counts().to_dict()
    print(f"{runs} runs x {photos:,} photos x {classes} classes, {len(result.pairs)} pairs: {verdicts}")
    print(f"{seconds:.1f} s; peak memory {memory:.0f} MB (before comparing {before:.0f} MB)")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
