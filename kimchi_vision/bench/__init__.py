"""This machine: a plain fastai script beside this pipeline, and where each second goes."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from kimchi_vision.config import Experiment, dump
from kimchi_vision.errors import RunError
from kimchi_vision.rundir import write_text

__all__ = ["bench", "seconds", "text"]

PARTS = {
    "in_build": "data build",
    "in_waiting": "waiting for data",
    "in_steps": "training steps",
    "in_validation": "validation",
}

RATES = {
    "augmentation": "training augmentation, photos a second (plain: all threads; here: one)",
    "loader": "loader alone, photos a second (plain: its processes; here: one thread)",
    "step": "training step on a synthetic batch, photos a second",
    "frozen": "frozen epoch, photos a second",
    "unfrozen": "unfrozen epoch, photos a second",
    "validation": "validation, photos a second",
    "bulk": "prediction of the validation files, photos a second",
}
SECONDS = {
    "build": "DataLoaders, seconds (here: cache included)",
    "again": "DataLoaders of a second run, seconds",
    "fine_tune": "fine_tune 1 + 1 with its data, seconds",
    "single": "prediction of one photo, seconds",
}


def bench(experiment: Experiment, repeats: int = 1) -> dict[str, Any]:
    """Medians of both pipelines on the experiment's photos and backbone, and how they compare.

    Each measurement is a fresh process, in turns, so that allocator and caches are each one's own;
    training is one frozen and one unfrozen epoch.
    Keys plain, here, ratio (above 1: this pipeline is faster; memory: it takes more), bound.
    Raises RunError when a process fails.
    """
    runs: dict[str, list[dict[str, float]]] = {"plain": [], "here": []}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "experiment.yaml"
        write_text(file, dump(experiment.resolved()))
        for repeat in range(repeats):
            for way, found in runs.items():
                found.append(_measured(way, file, Path(folder) / f"{way}{repeat}"))
    medians = {way: {name: statistics.median(run[name] for run in found) for name in found[0]}
               for way, found in runs.items()}  # fmt: skip
    plain, here = medians["plain"], medians["here"]
    ratio = {name: here[name] / plain[name] for name in RATES}
    ratio |= {name: plain[name] / here[name] for name in SECONDS}
    ratio["memory"] = here["memory"] / plain["memory"]
    bound = "data" if here["loader"] < here["step"] else "compute"
    return {**medians, "ratio": ratio, "bound": bound, "repeats": repeats, "cores": os.cpu_count()}


def seconds(result: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Where the seconds of fine_tune 1 + 1 with its data go: way → part → seconds."""
    ways = {"plain fastai script": result["plain"], "kimchi_vision": result["here"]}
    return {way: {label: found[name] for name, label in PARTS.items()} for way, found in ways.items()}


def text(result: dict[str, Any]) -> str:
    """The result as lines for people."""
    plain, here, ratio = result["plain"], result["here"], result["ratio"]
    names = {**RATES, **SECONDS, "memory": "largest memory, MB"}
    lines = [f"{'plain':>10} {'here':>10} {'times':>7}"]
    lines += [f"{plain[n]:10.2f} {here[n]:10.2f} {ratio[n]:7.2f}  {label}" for n, label in names.items()]
    lines += [
        f"unfrozen epoch / synthetic step: {here['unfrozen'] / here['step']:.2f}",
        f"waiting for data in training: {here['waiting']:.0%} (plain: {plain['waiting']:.0%})",
        f"The bound is {result['bound']}. Medians of {result['repeats']} on {result['cores']} cores.",
    ]
    return "\n".join(lines)


def _measured(way: str, experiment: Path, cache: Path) -> dict[str, float]:
    environment = {**os.environ, "KIMCHI_CACHE": str(cache)}
    if way == "plain":
        environment["KIMCHI_MALLOC"] = "off"
    command = [sys.executable, "-W", "ignore", "-m", "kimchi_vision.bench.measure", way, str(experiment)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise RunError(f"The measurement ended early ({way}): {reason}")
    return json.loads(done.stdout.strip().splitlines()[-1])
