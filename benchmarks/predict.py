"""Export and prediction by backbone: agreement, milliseconds a photo, seconds from a cold start.

python benchmarks/predict.py PHOTOS [BACKBONE ...]: PHOTOS is a folder of class folders. Weights are random,
with batch norm's statistics taken from the photos, so nothing is downloaded.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from kimchi_vision import data
from kimchi_vision.base.files import write_json, write_table, write_text
from kimchi_vision.config import Experiment, dump
from kimchi_vision.deploy import export
from kimchi_vision.deploy.predictor import Predictor
from kimchi_vision.learning import augment, loader, model, predict, train
from kimchi_vision.results import evaluate
from kimchi_vision.results.run import Run

BACKBONES = (
    "resnet18",
    "resnet50",
    "efficientnet_v2_s",
    "efficientnet_b2",
    "tf_efficientnet_lite0",
    "vit_b_16",
)


def exported(photos: Path, backbone: str, folder: Path) -> Run:
    """A run folder with model.onnx, without a training."""
    plain = {
        "name": backbone,
        "data": {"path": photos, "per_class": 8, "valid_pct": 0.5},
        "loader": {"batch_size": 8, "workers": 0},
        "model": {"backbone": backbone, "weights": "none"},
        "train": [{"fit": {"epochs": 1}}],
    }
    experiment, run = Experiment.model_validate(plain), Run(folder / backbone)
    train.seed(experiment.train)
    found = data.load(experiment.data)
    body = model.find(experiment.model, experiment.augment.size)
    dls = loader.build(experiment.loader, found, augment.transforms(experiment.augment, body.stats))
    learn = model.learner(experiment.model, body, dls, run.path)
    _settle(learn)
    predictions = predict.predictions(learn, found)
    write_text(run.files.experiment, dump(experiment.resolved()))
    write_json(run.files.labels, list(found.vocab))
    write_table(run.files.items, found.items)
    write_json(run.files.metrics, evaluate.metrics(predictions.part("valid"), experiment.evaluate))
    write_json(run.files.data, found.facts())
    section = experiment.export.model_copy(update={"pkl": False, "weights": False, "safetensors": False})
    export.write(section, learn, found, predictions, run.files)
    return run


def _settle(learn: object) -> None:
    """Batch norm's running statistics, without which random networks give one answer for all photos."""
    for module in learn.model.modules():
        if isinstance(module, torch.nn.BatchNorm2d | torch.nn.BatchNorm1d):
            module.momentum = None
    learn.model.train()
    with torch.no_grad():
        for batch, _ in zip(learn.dls.train, range(2), strict=False):
            learn.model(batch[0])
    learn.model.eval()


def measure(run: Run, files: list[Path]) -> str:
    """A line of figures."""
    proof = run.json(run.files.export)["model.onnx"]
    if "refused" in proof:
        return f"refused: {proof['refused']}"
    predictor = Predictor(run)
    predictor.predict(files[:3])
    walls, processors = [], []
    for file in files:
        wall, processor = time.perf_counter(), time.process_time()
        predictor.predict([file])
        walls.append(1000 * (time.perf_counter() - wall))
        processors.append(1000 * (time.process_time() - processor))
    started = time.perf_counter()
    command = [sys.executable, "-m", "kimchi_vision", "predict", str(run.path), str(files[0])]
    subprocess.run(command, check=True, capture_output=True)
    cold = time.perf_counter() - started
    return (
        f"agreement {proof['agreement']:.1%} of {proof['photos']}, gap {proof['largest_gap']:.1e}, "
        f"p50 {np.percentile(walls, 50):.1f} ms, p95 {np.percentile(walls, 95):.1f} ms, "
        f"processor p50 {np.percentile(processors, 50):.1f} ms, cold {cold:.2f} s"
    )


def main(photos: Path, backbones: tuple[str, ...]) -> None:
    """Print a line for each backbone."""
    files = sorted(photos.rglob("*.jpg"))[:100]
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        for backbone in backbones:
            print(f"{backbone:<22} {measure(exported(photos, backbone, Path(folder)), files)}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), tuple(sys.argv[2:]) or BACKBONES)
