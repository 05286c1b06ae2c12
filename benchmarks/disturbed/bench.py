"""A small run, and its command again and again, in processes forked from one that has imported it all."""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import sys
import threading
import time
import warnings
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from PIL import Image

from benchmarks.disturbed import disk

FORK = multiprocessing.get_context("fork")
EXPERIMENT = """
name: small
data: {path: photos, splitter: stratified, test_pct: 0.2}
evaluate: {tta: 2}
explain: {background: 0}
augment: {engine: fused, resize: 40, size: 32}
loader: {batch_size: 8, workers: 0}
model: {backbone: test_efficientnet, weights: none}
train:
  keep: best
  keep_checkpoints: 2
  checkpoint_minutes: 0.005
  stages:
    - lr_find: {num_it: 30, stop_div: false}
    - fine_tune: {epochs: 2, freeze_epochs: 1}
export: {timings: false, pkl: false}
"""


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code (-9: killed), and all that it said."""

    code: int
    said: str


@dataclass
class Bench:
    """A folder with photos, and one folder more for each disturbed run, with a cache of its own.

    whole: what an undisturbed run ends with. seconds, writes: what it takes.
    """

    place: Path
    whole: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    writes: int = 0

    def prepare(self) -> None:
        """Draw photos, run once to know what must be imported, and once more to know what is right."""
        for number in range(36):
            photo = self.photos / "abc"[number % 3] / f"{number}.jpg"
            photo.parent.mkdir(parents=True, exist_ok=True)
            coarse = np.random.default_rng(number).integers(0, 256, (6, 8, 3), np.uint8)
            Image.fromarray(coarse).resize((64, 48), Image.Resampling.BICUBIC).save(photo)
        (self.place / "small.yaml").write_text(EXPERIMENT, encoding="utf-8")
        assert self.ended("first").code == 0, self.said("first")
        _import(self._noted("first")["modules"])
        started = time.perf_counter()
        assert self.ended("whole").code == 0, self.said("whole")
        self.seconds = time.perf_counter() - started
        self.whole, self.writes = self.result("whole"), self._noted("whole")["writes"]

    @property
    def photos(self) -> Path:
        """Three classes of twelve photos."""
        return self.place / "photos"

    def folder(self, name: str) -> Path:
        """The run folder of one disturbed run."""
        return self.place / name / "exports" / "small"

    def said(self, name: str) -> str:
        """What its commands said so far."""
        return (self.place / f"{name}.txt").read_text(encoding="utf-8")

    def start(self, name: str, room: int | None = None) -> ForkProcess:
        """Give the command. room: writes until the disk is full."""
        started = FORK.Process(target=self._command, args=(name, room))
        started.start()
        return started

    def ended(self, name: str, room: int | None = None) -> Ended:
        """Give the command, and wait for its end."""
        log = self.place / f"{name}.txt"
        before = len(self.said(name)) if log.is_file() else 0
        running = self.start(name, room)
        running.join()
        assert running.exitcode is not None
        return Ended(running.exitcode, self.said(name)[before:])

    def result(self, name: str) -> dict[str, Any]:
        """What must be the same."""
        run = self.folder(name)
        metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
        for timed in ("train", "floor"):
            metrics.get(timed, {}).pop("seconds", None)
        history = pd.read_csv(run / "history.csv").drop(columns="seconds").to_csv()
        files = {
            file: (run / file).read_bytes() for file in ("predictions.csv", "tta.csv", "model.safetensors")
        }
        return {**files, "metrics.json": metrics, "history.csv": history}

    def differing(self, name: str) -> list[str]:
        """Files that are not as in the undisturbed run."""
        found = self.result(name)
        return [file for file, content in self.whole.items() if found[file] != content]

    def _command(self, name: str, room: int | None) -> None:
        from kimchi_vision.cli.main import main

        own = self.place / name
        own.mkdir(exist_ok=True)
        os.dup2(os.open(f"{own}.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.environ |= {"KIMCHI_CACHE": str(own / "cache"), "LC_ALL": "C.UTF-8"}
        os.chdir(self.place)
        Figure.savefig = _one_pixel
        sys.argv = ["kimchi-vision", "run", "small.yaml", "--exports", str(own / "exports")]
        disk.limit(own, room)
        try:
            main()
        finally:
            noted = {"modules": list(sys.modules), "writes": disk.writes()}
            Path(f"{own}.json").write_text(json.dumps(noted), encoding="utf-8")

    def _noted(self, name: str) -> dict[str, Any]:
        return json.loads((self.place / f"{name}.json").read_text(encoding="utf-8"))


def _one_pixel(figure: Figure, file: Path, **options: Any) -> None:
    """Drawing is half of a small run's time, and nothing that a disturbance could change."""
    Image.new("L", (1, 1)).save(file)


def _import(modules: list[str]) -> None:
    """What a run needs, once for all of them; only the forked ones begin threads."""
    warnings.simplefilter("ignore")
    for module in modules:
        with suppress(Exception):  # some belong to one process alone
            importlib.import_module(module)
    assert threading.active_count() == 1, threading.enumerate()
