"""Accuracy of an engine of `augment`: python benchmarks/accuracy.py PHOTOS fastai|fused SEED [EPOCHS].

One training a call, split, head and photo order matched by the seed; appends a line to accuracy.jsonl.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
from pathlib import Path

import torch

from kimchi_vision import augment, data, evaluate, loader, model, train
from kimchi_vision.allocator import keep_memory
from kimchi_vision.config.sections import Augment, Data, Loader, Model, Train
from kimchi_vision.rundir import RunDir


def measure(photos_folder: Path, engine: str, seed: int, epochs: int) -> dict[str, object]:
    """Right answers photo by photo, after one frozen epoch and `epochs` unfrozen ones."""
    keep_memory()
    photos = data.load(Data(path=photos_folder, seed=seed))
    section = Model(backbone="tf_efficientnet_lite0", weights="offline")
    backbone = model.find(section, 224)
    stages = [{"fine_tune": {"epochs": epochs, "freeze_epochs": 1}}]
    training = Train(stages=stages, seed=seed, precision="fp32")
    train.seed(training)
    varied = Augment(engine=engine, min_scale=0.75, normalize="imagenet")
    dls = loader.build(Loader(), photos, augment.transforms(varied, backbone.stats))
    torch.manual_seed(seed)
    with tempfile.TemporaryDirectory() as folder:
        learn = model.learner(section, backbone, dls, Path(folder))
        dls.train.rng = random.Random(seed)
        train.fit(training, learn, RunDir(Path(folder)))
        found = evaluate.predictions(learn, photos)
    right = (found["truth"] == found["predicted"]).astype(int).tolist()
    return {"engine": engine, "seed": seed, "right": right, "loss": float(found["loss"].astype(float).mean())}


if __name__ == "__main__":
    where, engine, seed, *epochs = sys.argv[1:]
    result = measure(Path(where), engine, int(seed), int(epochs[0]) if epochs else 1)
    with open("accuracy.jsonl", "a", encoding="utf-8") as file:
        file.write(json.dumps(result) + "\n")
    print(sum(result["right"]), "right of", len(result["right"]))
