"""Accuracy of this pipeline beside a plain fastai script: python benchmarks/accuracy.py PHOTOS.

exp1's shape (1 + 3 epochs of fine_tune, 2 of fit_one_cycle; its lr_find moves nothing, the rates are given)
with tf_efficientnet_lite0. Split, head, photo order and dropout's seed are matched by the seed; each training
is a process of its own on one thread, as many at once as there are cores; each takes up to 9 GB. Appends to
accuracy.jsonl; what that holds is not run again. Prints a line a way: the difference to `plain`, paired by
seed and by photo.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

FOUND = Path("accuracy.jsonl")
STAGES = [
    {"fine_tune": {"epochs": 3, "freeze_epochs": 1}},
    {"fit_one_cycle": {"epochs": 2, "lr_max": 1e-4}},
]
WAYS = {
    "plain": ({"engine": "fastai"}, "fp32"),
    "fused": ({"engine": "fused"}, "fp32"),
    "here": ({"engine": "fused"}, "auto"),
}
"""Settings of augment and the precision; `here` is what this package does by default."""


def measure(photos_folder: Path, way: str, seed: int) -> dict[str, Any]:
    """Right answers photo by photo, their mean loss, and the validation loss of each epoch."""
    import torch

    from kimchi_vision import data
    from kimchi_vision.base.allocator import keep_memory
    from kimchi_vision.base.run_files import RunFiles
    from kimchi_vision.config.sections import Augment, Data, Loader, Model, Train
    from kimchi_vision.learning import augment, loader, model, predict, train

    keep_memory()  # moves no bit of the result
    torch.set_num_threads(1)
    settings, precision = WAYS[way]
    photos = data.load(Data(path=photos_folder, seed=seed, duplicates="keep"))
    section = Model(backbone="tf_efficientnet_lite0", weights="offline")
    backbone = model.find(section, 224)
    training = Train(stages=STAGES, seed=seed, precision=precision)
    train.seed(training)
    varied = Augment(**settings, min_scale=0.75, normalize="imagenet")
    dls = loader.build(Loader(workers=0), photos, augment.transforms(varied, backbone.stats))
    torch.manual_seed(seed)
    with tempfile.TemporaryDirectory() as folder:
        learn = model.learner(section, backbone, dls, Path(folder))
        dls.train.rng = random.Random(seed)
        history = train.fit(training, learn, RunFiles(Path(folder)))
        found = predict.predictions(learn, photos)
    right = found.right.astype(int).tolist()
    losses = [round(float(loss), 4) for loss in history["valid_loss"]]
    return {"way": way, "seed": seed, "right": right, "loss": losses[-1], "losses": losses}


def table(found: pd.DataFrame) -> str:
    """A line a way. The first interval is over seeds (t), the second over photos (normal)."""
    lines = [
        "| way | right of each seed | accuracy | minus plain, points (95 % over seeds; over photos) | loss |"
    ]
    lines.append("|---|---|---|---|---|")
    plain = found[found["way"] == "plain"].set_index("seed")["right"]
    for way, rows in found.groupby("way", sort=False):
        right = rows.sort_values("seed").set_index("seed")["right"]
        shared = right.index.intersection(plain.index)
        accuracy = np.mean(list(itertools.chain(*right)))
        gap = "" if way == "plain" or len(shared) < 2 else _gap(right[shared], plain[shared])
        counts = " ".join(str(sum(seed)) for seed in right)
        lines.append(f"| {way} | {counts} | {accuracy:.1%} | {gap} | {rows['loss'].mean():.3f} |")
    return "\n".join(lines)


def _gap(right: pd.Series, plain: pd.Series) -> str:
    gaps = 100 * (np.array(right.to_list()) - np.array(plain.to_list()))
    seeds = stats.ttest_1samp(gaps.mean(axis=1), 0).confidence_interval()
    error = 1.96 * gaps.std(ddof=1) / gaps.size**0.5
    mean = gaps.mean()
    return f"{mean:+.1f} ({seeds[0]:.1f} to {seeds[1]:.1f}; {mean - error:.1f} to {mean + error:.1f})"


def main() -> None:
    """Run what is missing, and print the table."""
    options = argparse.ArgumentParser()
    options.add_argument("photos", type=Path)
    options.add_argument("--ways", nargs="+", default=["plain", "here"], choices=WAYS)
    options.add_argument("--seeds", type=int, nargs="+", default=list(range(6)))
    options.add_argument("--one", nargs=2)
    given = options.parse_args()
    if given.one:
        result = measure(given.photos, given.one[0], int(given.one[1]))
        with FOUND.open("a", encoding="utf-8") as file:
            file.write(json.dumps(result) + "\n")
        return
    wanted = [(way, seed) for seed in given.seeds for way in given.ways]
    missing = [one for one in wanted if one not in _known()]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda one: _process(given.photos, *one), missing))
    print(table(pd.read_json(FOUND, lines=True)))


def _known() -> set[tuple[str, int]]:
    if not FOUND.is_file():
        return set()
    rows = map(json.loads, FOUND.read_text(encoding="utf-8").splitlines())
    return {(row["way"], row["seed"]) for row in rows}


def _process(photos: Path, way: str, seed: int) -> None:
    command = [sys.executable, "-W", "ignore", __file__, str(photos), "--one", way, str(seed)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run(command, check=True, env=environment)


if __name__ == "__main__":
    main()
