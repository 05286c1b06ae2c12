"""One training by two processes beside the same by one: python -m benchmarks.ddp PHOTOS [--seeds 1 2 3]

efficientnet_lite0 with its weights, all layers learning, batch norms held as `recipe: best` holds them,
augmentation on, dropout off, on the processor: gradients of the first step, which one step of SGD tells; the
final accuracy over seeds; seconds of each. (float32 alone moves gradients of a deep network with random
weights, whose batch norms learn, by 1 %: the test of those takes a small one.)
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from kimchi_vision.config import Experiment
from kimchi_vision.jobs.experiment import run
from kimchi_vision.results.run import Run

SECTIONS = {
    "augment": {"resize": 75, "size": 64},
    "model": {"backbone": "tf_efficientnet_lite0", "weights": "offline", "head": "linear", "ps": 0},
    "features": {"floor": False},
    "explain": {"top_losses": False, "background": 0},
    "export": {"pkl": False, "onnx": False, "safetensors": False, "weights": True, "timings": False},
}
STEP = {"stages": ["unfreeze", {"fit": {"epochs": 1, "lr": 1.0, "wd": 0.0}}], "opt_func": "sgd", "seed": 0}


def trained(
    photos: Path, exports: Path, train: dict, devices: int, share: float, batch: int = 32
) -> tuple[Run, float]:
    """The run, and its seconds. share: of the training photos."""
    data = {"path": str(photos), "duplicates": "keep", "train_share": share}
    tree = {"name": f"{train['seed']}-{devices}", "data": data, "loader": {"batch_size": batch}}
    train = {"precision": "fp32", "freeze_bn": True, "devices": devices, **train}
    asked = Experiment.model_validate({**tree, **SECTIONS, "train": train})
    started = time.perf_counter()
    return run(asked, exports), time.perf_counter() - started


def weights(done: Run) -> torch.Tensor:
    """All numbers of the network."""
    return torch.cat([each.flatten().double() for each in torch.load(done.files.weights).values()])


def main() -> None:
    """Print a line a measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--share", type=float, default=1.0, help="of the training photos, for the accuracy")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        exports, found = Path(place), {1: [], 2: []}
        # A tenth of the photos in one batch, a step of size 1: weights differ by as much as gradients do.
        still = {**STEP, "stages": ["unfreeze", {"fit": {"epochs": 1, "lr": 1e-12, "wd": 0.0}}]}
        steps = [(STEP, 1), (STEP, 2), (still, 1)]
        one, two, start = (
            weights(trained(options.photos, exports / str(number), step, devices, 0.1, 64)[0])
            for number, (step, devices) in enumerate(steps)
        )
        apart, whole = (one - two), (one - start).norm()
        print(f"gradients differ by {apart.abs().max():.1e}, {apart.norm():.1e} of {whole:.1e} in all")
        for seed in options.seeds:
            long = {
                "stages": ["unfreeze", {"fit_one_cycle": {"epochs": options.epochs, "lr_max": 1e-3}}],
                "seed": seed,
            }
            for devices in (1, 2):
                done, seconds = trained(options.photos, exports, long, devices, options.share)
                accuracy, losses = done.score["accuracy"], done.history["train_loss"].tolist()
                found[devices].append(accuracy.value)
                print(
                    f"seed {seed}, {devices} devices: accuracy {accuracy}, {seconds:.1f} s, {losses}",
                    flush=True,
                )
        means = {
            devices: f"{np.mean(every):.3f} ± {np.std(every, ddof=1):.3f}" for devices, every in found.items()
        }
        print(f"accuracy over {len(options.seeds)} seeds: one {means[1]}, two {means[2]}")


if __name__ == "__main__":
    main()
