"""Two trainings on one machine: python benchmarks/two_at_once.py PHOTOS [--threads N N]

resnet18 with random weights, two epochs. Seconds of one alone, of two one after the other, and of two at
once, where the second begins a few seconds after the first; each training is a process.
--threads: of the two, in place of the share that each is given.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LATER = 4
"""Seconds after which the second one begins: the first has begun to train."""
TRAINING = """
import sys
from pathlib import Path
import kimchi_vision as kv
from kimchi_vision.config import Experiment
from kimchi_vision.jobs import experiment as story

from kimchi_vision.base.run_files import RunFiles
from kimchi_vision import data
from kimchi_vision.jobs.process import its_share
from kimchi_vision.learning import train

photos, folder, seed = sys.argv[1:]
asked = Experiment.model_validate({
    "name": "one", "data": {"path": photos, "duplicates": "keep"},
    "augment": {"resize": 80, "size": 64},
    "model": {"backbone": "resnet18", "weights": "none"},
    "train": {"stages": [{"fit_one_cycle": {"epochs": 2}}], "seed": int(seed)},
})
prepared = story.prepare(asked, data.load(asked.data))
with its_share() as threads:
    train.seed(asked.train)
    learn = prepared.learner(prepared.dataloaders(), Path(folder))
    print("trains", threads, flush=True)
    train.fit(asked.train, learn, RunFiles(Path(folder)))
"""


def begun(photos: Path, folder: Path, seed: int, threads: int | None) -> subprocess.Popen[str]:
    """A training in a process of its own."""
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    if threads:
        environment["KIMCHI_THREADS"] = str(threads)
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-c",
        TRAINING,
        str(photos),
        str(folder / str(seed)),
        str(seed),
    ]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def ended(*trainings: subprocess.Popen[str]) -> str:
    """Waits for them; the threads that they had."""
    said = [training.communicate()[0].split()[1] for training in trainings]
    return " and ".join(said)


def main() -> None:
    """Print a line a way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--threads", nargs=2, type=int, default=[None, None])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        os.environ["KIMCHI_CACHE"] = str(Path(place) / "cache")
        ended(begun(options.photos, Path(place) / "warm", 0, 1))  # fills the cache
        started = time.perf_counter()
        alone = ended(begun(options.photos, Path(place) / "alone", 1, None))
        one = time.perf_counter() - started
        print(f"alone, {alone} threads: {one:.1f} s; two one after the other: {2 * one:.1f} s", flush=True)
        started = time.perf_counter()
        first = begun(options.photos, Path(place) / "both", 1, options.threads[0])
        time.sleep(LATER)
        second = begun(options.photos, Path(place) / "both", 2, options.threads[1])
        had = ended(first, second)
        both = time.perf_counter() - started
        print(f"two at once, {had} threads: {both:.1f} s, {both / (2 * one):.2f} times as long", flush=True)


if __name__ == "__main__":
    main()
