"""This machine: a plain fastai script beside this pipeline, and where each second goes."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.bench.picture import drawn
from kimchi_vision.base.child import last_line
from kimchi_vision.base.errors import RunError
from kimchi_vision.base.files import write_text
from kimchi_vision.base.numbers import percent
from kimchi_vision.base.plain import Json
from kimchi_vision.base.sentence import Sentence, Text
from kimchi_vision.base.threads import cores
from kimchi_vision.config import Experiment, dump

__all__ = ["bench", "bounded_by", "drawn", "seconds", "text", "until_shared_accuracy"]

SHORT = {"stages": [{"fine_tune": {"epochs": 1, "freeze_epochs": 1}}]}
"""What is trained unless the experiment's own stages are asked for."""

PARTS = {
    "in_build": "data build",
    "in_waiting": "waiting for data",
    "in_steps": "training steps",
    "in_validation": "validation",
    "in_rest": "rest",
}

RATES = {
    "decode": Sentence("decoding, one thread"),
    "photo": Sentence(
        "a photo before augmentation, one thread (plain: decoded and resized; here: from the cache)"
    ),
    "augmentation": Sentence("training augmentation (plain: all threads; here: one)"),
    "loader": Sentence("loader alone (plain: its processes; here: one thread)"),
    "step": Sentence("training step on a batch at hand"),
    "frozen": Sentence("frozen epoch"),
    "unfrozen": Sentence("unfrozen epoch"),
    "validation": Sentence("validation"),
    "bulk": Sentence("prediction of the validation files (here: the exported model)"),
}
"""Photos a second."""
SECONDS = {
    "build": Sentence("DataLoaders (here: cache included)"),
    "again": Sentence("DataLoaders of a second run"),
    "training": Sentence("training with its data"),
    "single": Sentence("prediction of one photo (here: the exported model)"),
    "accuracy": Sentence("until the accuracy that both reach"),
}

BOUNDS = {
    "memory": Sentence("memory (pages that are mapped anew at each step)"),
    "compute": Sentence("compute"),
    "decode": Sentence("decode"),
    "augmentation": Sentence("augmentation"),
}
"""What can bound a training."""

KERNEL = 0.2
"""From this share of its time in the kernel on, memory is what bounds a training: pages are mapped anew."""
WAITING = 0.1
"""From this share of a training spent waiting for batches on, data bounds it."""


def bench(experiment: Experiment, repeats: int = 1, whole: bool = False) -> Json:
    """Medians of both pipelines on the experiment's photos and backbone, and how they compare.

    Each measurement is a fresh process, in turns, so that allocator and caches are each one's own. Training
    is one frozen and one unfrozen epoch, and each part is measured by itself, too; or `whole`, the
    experiment's own stages alone.
    Keys plain, here, ratio (above 1: this pipeline is faster; memory: it takes more), bound of each way.
    Raises RunError when a process fails.
    """
    sections = experiment.resolved()
    training = {**sections["train"], **({} if whole else SHORT)}
    runs: dict[str, list[Json]] = {"plain": [], "here": []}
    with tempfile.TemporaryDirectory() as folder:
        for way in runs:
            augment = {**sections["augment"], "engine": "fastai" if way == "plain" else "fused"}
            changed = {**sections, "augment": augment, "train": training}
            write_text(Path(folder) / f"{way}.yaml", dump(changed))
        for repeat in range(repeats):
            for way, found in runs.items():
                file, cache = Path(folder) / f"{way}.yaml", Path(folder) / f"{way}{repeat}"
                found.append(_measured(way, file, "training" if whole else "all", cache))
    for plain, here in zip(*runs.values(), strict=True):
        until_shared_accuracy(plain, here)
    return _compared({way: _medians(found) for way, found in runs.items()}, repeats)


def seconds(result: Json) -> dict[str, dict[str, float]]:
    """Where the seconds of training with its data go: way → part → seconds."""
    ways = {"plain fastai script": result["plain"], "kimchi_vision": result["here"]}
    return {way: {label: found[name] for name, label in PARTS.items()} for way, found in ways.items()}


def text(result: Json, say: Text) -> str:
    """The result as lines for people."""
    plain, here, ratio = result["plain"], result["here"], result["ratio"]
    lines = []
    parts = (
        (say("photos a second"), RATES),
        (say("seconds"), SECONDS),
        ("MB", {"memory": Sentence("largest memory")}),
    )
    for heading, names in parts:
        lines.append(f"{say('plain'):>10} {say('here'):>10} {say('times'):>7}  {heading}")
        lines += [
            f"{plain[name]:10.2f} {here[name]:10.2f} {ratio[name]:7.2f}  {label.said(say)}"
            for name, label in names.items()
            if name in ratio
        ]
    if "step" in here:
        step, share = here["unfrozen"] / here["step"], here["frozen_bn"] / here["step_frozen_bn"]
        lines.append(say("unfrozen epoch / step on a batch at hand: {step:.2f}", step=step))
        frozen = "frozen epoch with freeze_bn: {photos:.0f} photos/s, / its step: {share:.2f}"
        lines.append(say(frozen, photos=here["frozen_bn"], share=share))
    waiting = "waiting for data in training: {here} (plain: {plain})"
    lines.append(say(waiting, here=percent(here["waiting"], 0), plain=percent(plain["waiting"], 0)))
    bound = {way: BOUNDS[name] for way, name in result["bound"].items()}
    lines.append(say("The bound here is {here}; of the plain script, {plain}.", **bound))
    medians = "Medians of {repeats} on {cores} cores."
    lines.append(say(medians, repeats=result["repeats"], cores=result["cores"]))
    return "\n".join(lines)


def _measured(way: str, experiment: Path, extent: str, cache: Path) -> Json:
    environment = {**os.environ, "KIMCHI_CACHE": str(cache), "PYTHONPATH": os.pathsep.join(sys.path)}
    if way == "plain":
        environment["KIMCHI_MALLOC"] = "off"
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "benchmarks.bench.measure",
        way,
        str(experiment),
        extent,
    ]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        reason = last_line(done.stderr)
        raise RunError("The measurement ended early ({way}): {reason}", way=way, reason=reason)
    return json.loads(done.stdout.strip().splitlines()[-1])


def until_shared_accuracy(plain: Json, here: Json) -> None:
    """Replace the accuracies by the seconds after which each way first had the best one that both reach."""
    curves = [found.pop("reached") for found in (plain, here)]
    shared = min(max(score for _, score in curve) for curve in curves)
    for found, curve in zip((plain, here), curves, strict=True):
        found["accuracy"] = next(at for at, score in curve if score >= shared)


def _medians(found: list[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(run[name] for run in found) for name in found[0]}


def _compared(medians: dict[str, dict[str, float]], repeats: int) -> Json:
    plain, here = medians["plain"], medians["here"]
    ratio = {name: here[name] / plain[name] for name in RATES if name in here}
    ratio |= {name: plain[name] / here[name] for name in SECONDS if name in here}
    ratio["memory"] = here["memory"] / plain["memory"]
    bound = {way: bounded_by(found) for way, found in medians.items()}
    return {**medians, "ratio": ratio, "bound": bound, "repeats": repeats, "cores": cores()}


def bounded_by(found: dict[str, float]) -> str:
    """What more of would make the training faster: a name in BOUNDS."""
    if found["kernel"] >= KERNEL:
        return "memory"
    if found["waiting"] < WAITING:
        return "compute"
    return "decode" if found.get("photo", 0) < found.get("augmentation", 0) else "augmentation"
