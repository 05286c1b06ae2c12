"""One GPU: exp1's shape beside a plain fastai script, and what the way there rests on. Needs no network.

    python benchmarks/gpu.py --photos FOLDER --weights FOLDER --out FOLDER [--device cuda|cpu] [--quick]

exp1's stages but lr_find, which moves nothing. Weights: BACKBONE.safetensors; the first one is trained.
Writes gpu.json and gpu.png into --out. Each part prints its numbers as it ends; one that fails leaves its
traceback there, and the others go on. A part begins only while --seconds are not over.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kimchi_vision.config import Experiment

COPIES = 8
"""How often a photo is there in the longer training, where starting is no large part."""
LATER = ("resnet18", "resnet50")
"""Backbones whose steps are measured with random weights, too."""


@dataclass
class Bench:
    """What is measured, where, and what was found."""

    options: argparse.Namespace
    folder: Path
    ends: float
    found: dict[str, Any] = field(default_factory=dict)

    @property
    def workers(self) -> int:
        """What fastai takes when nobody says."""
        return min(16, len(os.sched_getaffinity(0)))

    def experiment(self, photos: Path | None = None, epochs: int = 3, **changes: Any) -> Experiment:
        """exp1 on these photos and weights; small with --quick."""
        from kimchi_vision.config import load

        weights = sorted(self.options.weights.glob("*.safetensors"))[0]
        asked = load(Path(__file__).parents[1] / "experiments" / "exp1.yaml")
        stages = [{"fine_tune": {"epochs": epochs, "freeze_epochs": 1}}]
        stages += [{"fit_one_cycle": {"epochs": 2, "lr_max": 1e-4}}] if epochs == 3 else []
        data = {"path": str(photos or self.options.photos), "per_class": None, "duplicates": "keep"}
        sections = {"data": data, "model": {"backbone": weights.stem, "weights": str(weights)}}
        sections |= {"train": {"stages": stages}, "loader": {"workers": 2}}
        if self.options.quick:
            data["per_class"] = 8
            sections |= {"augment": {"resize": 80, "size": 64}, "loader": {"workers": 1, "batch_size": 16}}
            sections["train"] = {"stages": [{"fine_tune": {"epochs": 1, "freeze_epochs": 1}}]}
        return asked.replace(**sections).replace(**changes)

    def many(self) -> Path:
        """Every photo several times over, under other names."""
        place = self.folder / "many"
        for file in self.options.photos.glob("*/*"):
            for number in range(2 if self.options.quick else COPIES):
                copy = place / file.parent.name / f"{number}-{file.name}"
                copy.parent.mkdir(parents=True, exist_ok=True)
                if not copy.exists():
                    copy.write_bytes(file.read_bytes())
        return place


def machine(bench: Bench) -> dict[str, Any]:
    """What this stands on."""
    import torch

    from kimchi_vision.base.environment import versions
    from kimchi_vision.learning import device

    here = device.pick()
    facts = {**versions(), "device": str(here), "cores": len(os.sched_getaffinity(0))}
    facts |= {"cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version()}
    if here.type == "cuda":
        facts["gpu"] = torch.cuda.get_device_name(here)
        facts["free_bytes"], facts["bytes"] = torch.cuda.mem_get_info(here)
    return facts


def exp1(bench: Bench) -> dict[str, Any]:
    """All of exp1's epochs, each way."""
    return _ways(bench, bench.experiment())


def longer(bench: Bench) -> dict[str, Any]:
    """The same photos several times over, three epochs."""
    return _ways(bench, bench.experiment(bench.many(), epochs=2))


def _ways(bench: Bench, experiment: Experiment) -> dict[str, Any]:
    found = {"plain": trained(bench, experiment.replace(loader={"workers": bench.workers}), plain=True)}
    for workers in sorted({experiment.loader.workers, min(8, bench.workers)}):
        changed = experiment.replace(loader={"workers": workers})
        found[f"here, {workers} threads"] = trained(bench, changed, plain=False)
        found[f"here, {workers} threads, clock waits"] = trained(bench, changed, plain=False, waits=True)
    best = max(way["unfrozen"] for name, way in found.items() if name.startswith("here"))
    return {**found, "times_plain": round(best / found["plain"]["unfrozen"], 2)}


def trained(bench: Bench, experiment: Experiment, plain: bool, waits: bool = False) -> dict[str, Any]:
    """Seconds, photos a second, scores, memory. waits: the clock waits for the GPU after each step.

    stall: share of the training passes in which nothing but data was waited for; told truly when it waits.
    """
    import torch

    from benchmarks.bench.measure import step_rate, timed
    from benchmarks.bench.pipeline import Clock, Pipeline
    from kimchi_vision.learning import device, train

    class Waiting(Clock):
        def after_batch(self) -> None:
            device.wait(self.dls.device)
            super().after_batch()

    here = device.pick()
    pipeline = Pipeline(experiment, plain)
    train.seed(experiment.train)
    if plain:  # a script that says nothing of these
        torch.backends.cudnn.allow_tf32, torch.backends.cudnn.deterministic = True, False
    if here.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    built, dls = timed(pipeline.loaders)
    with tempfile.TemporaryDirectory(dir=bench.folder) as place:
        learn = pipeline.learner(dls, Path(place))
        learn.add_cb(clock := (Waiting if waits else Clock)(time.perf_counter()))
        fitted, _ = timed(lambda: pipeline.fit(learn, experiment.train, Path(place)))
        learn.remove_cb(clock)
        learn.unfreeze()
        batch = [part.as_subclass(torch.Tensor) for part in dls.train.one_batch()]
        step = step_rate(pipeline, learn, batch, held=False)
    photos = len(dls.train) * dls.train.bs
    rates = [photos / seconds for seconds in clock.train_seconds]
    return {
        "loaders_seconds": built,
        "training_seconds": fitted,
        "epoch_photos_per_second": rates,
        "unfrozen": max(rates[1:]),
        "validation": dls.valid.n / min(clock.valid_seconds),
        "stall": clock.waited / sum(clock.train_seconds),
        "step_photos_per_second": step,
        "epoch_of_step": max(rates[1:]) / step,
        "accuracy": [score for _, score in clock.reached],
        "memory_mb": _memory(here),
    }


def _memory(here: Any) -> float:
    import torch

    if here.type == "cuda":
        return torch.cuda.max_memory_allocated() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def data(bench: Bench) -> dict[str, Any]:
    """Photos a second without a network: batches, the threads' share of them, the device's share."""
    import numpy as np

    from benchmarks.bench.measure import timed
    from benchmarks.bench.pipeline import Pipeline
    from kimchi_vision.learning import device, train

    here, found = device.pick(), {}
    experiment = bench.experiment(bench.many())
    for workers in sorted({1, 2, min(8, bench.workers)}):
        pipeline = Pipeline(experiment.replace(loader={"workers": workers}), plain=False)
        train.seed(experiment.train)
        dl = pipeline.loaders().train
        list(dl)
        spent, count = timed(lambda dl=dl: (sum(len(classes) for _, classes in dl), device.wait(here))[0])
        found[f"batches, {workers} threads"] = count / spent
    photos = [dl.photos(row) for row in range(dl.bs)]
    draws = dl.fused.draw(dl.bs, dl.bs, seed=0)
    windows = dl.fused.room(dl.bs, here)
    ways = {
        "windows, 1 thread": lambda: dl.fused.windows(photos, draws, windows.numpy()),
        "on the device": lambda: (dl.fused.on_device(windows, draws, here), device.wait(here)),
        "with OpenCV, 1 thread": lambda: dl.fused(photos, draws, dl.fused.empty(len(photos))),
    }
    for name, work in ways.items():
        found[name] = dl.bs / np.median([timed(work)[0] for _ in range(4)][1:])
    return found


def tests(bench: Bench) -> dict[str, Any]:
    """The project's tests marked gpu."""
    command = [sys.executable, "-m", "pytest", "-m", "gpu", "-p", "no:cacheprovider", "-W", "default"]
    command += ["--tb=short", "-o", "filterwarnings=", "--durations=5", "tests/learning"]
    root = Path(__file__).parents[1]
    environment = {**os.environ, "KIMCHI_DEVICE": bench.options.device}
    done = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, timeout=90, check=False
    )
    said = done.stdout.strip().splitlines()
    if done.returncode:
        raise RuntimeError("\n".join([*said[-80:], done.stderr[-2000:]]))
    return {name: [line for line in said if f" {name}" in line] for name in ("passed", "call")}


def whole(bench: Bench) -> dict[str, Any]:
    """`run` with its floor, figures, exports and their proofs."""
    import kimchi_vision as kv
    from kimchi_vision.learning import device

    started = time.perf_counter()
    done = kv.run(bench.experiment(), exports=bench.folder / "exports")
    metrics = done.metrics
    return {
        "seconds": time.perf_counter() - started,
        "train": metrics["train"],
        "accuracy": metrics["accuracy"],
        "floor": metrics["floor"]["seconds"],
        "exports": json.loads(done.files.export.read_text(encoding="utf-8")),
        "memory_mb": _memory(device.pick()),
    }


def resume(bench: Bench) -> dict[str, Any]:
    """Interrupted after an epoch and taken up again: how far the weights are from the uninterrupted."""
    from benchmarks.bench.pipeline import Pipeline
    from kimchi_vision.base.run_files import RunFiles
    from kimchi_vision.learning import train

    experiment = bench.experiment(epochs=2)

    def fitted(folder: Path, ends: int) -> Any:
        pipeline = Pipeline(experiment, plain=False)
        train.seed(experiment.train)
        learn = pipeline.learner(pipeline.loaders(), folder)

        def watch(row: dict[str, Any]) -> bool:
            if row["epoch"] == ends:
                Path(folder, "interrupted").touch()
                os.kill(os.getpid(), 2)
            return False

        try:
            train.fit(experiment.train, learn, RunFiles(folder), watch=watch)
        except KeyboardInterrupt:
            return None
        return {name: tensor.float().cpu() for name, tensor in learn.model.state_dict().items()}

    one, again = fitted(bench.folder / "one", 0), fitted(bench.folder / "two", 0)
    if fitted(bench.folder / "cut", 1) is not None:
        raise RuntimeError("the training was not interrupted")
    cut = fitted(bench.folder / "cut", 0)
    return {"taken_up": _gap(one, cut), "two_trainings": _gap(one, again)}


def _gap(one: dict[str, Any], other: dict[str, Any]) -> float:
    return max(float((one[name] - other[name]).abs().max()) for name in one)


def steps(bench: Bench) -> dict[str, Any]:
    """Training steps on a batch at hand: backbone with random weights, precision, batch size."""
    sizes = (4,) if bench.options.quick else (64, 256)
    names = (bench.experiment().model.backbone, *(() if bench.options.quick else LATER))
    return {
        f"{name}, {precision}, {size}": _steps(bench, name, precision, size)
        for name in names
        for size in sizes
        for precision in ("fp32", "bf16")
    }


def compiled(bench: Bench) -> dict[str, Any]:
    """The same with torch.compile, and the seconds that the first steps took."""
    name, size = bench.experiment().model.backbone, 4 if bench.options.quick else 64
    return {f"{name}, bf16, {size}": _steps(bench, name, "bf16", size, compiled=True)}


def _steps(bench: Bench, name: str, precision: str, size: int, compiled: bool = False) -> dict[str, float]:
    import torch

    from kimchi_vision.config.sections import Train
    from kimchi_vision.learning import device
    from kimchi_vision.learning.model.find import named
    from kimchi_vision.learning.train.precision import autocast

    here, side = device.pick(), bench.experiment().augment.size
    if here.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    network = named(name).network().to(here).train()
    optimizer = torch.optim.Adam(network.parameters(), 1e-4)
    photos = torch.randn(size, 3, side, side, device=here).contiguous(memory_format=torch.channels_last)
    section = Train(stages=["lr_find"], precision=precision, compile=compiled)

    def step() -> None:
        network(photos).logsumexp(1).mean().backward()
        optimizer.step()
        optimizer.zero_grad()

    with autocast(section, network, here):
        if compiled:
            network.compile()
        started = time.perf_counter()
        for _ in range(3):
            step()
        device.wait(here)
        first, count = time.perf_counter() - started, 2 if bench.options.quick else 20
        started = time.perf_counter()
        for _ in range(count):
            step()
        device.wait(here)
    rate = count * size / (time.perf_counter() - started)
    return {"photos_per_second": rate, "first_seconds": first, "memory_mb": _memory(here)}


PARTS: dict[str, Callable[[Bench], dict[str, Any]]] = {
    "machine": machine,
    "exp1": exp1,
    "longer": longer,
    "tests": tests,
    "whole": whole,
    "data": data,
    "resume": resume,
    "steps": steps,
    "compiled": compiled,
}


def draw(found: dict[str, Any], file: Path) -> None:
    """Photos a second of each way, in both trainings."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    shown = [name for name in ("exp1", "longer") if "plain" in found.get(name, {})]
    figure, all_axes = pyplot.subplots(
        1, max(1, len(shown)), figsize=(12, 4), layout="constrained", squeeze=False
    )
    for axes, name in zip(all_axes[0], shown, strict=False):
        ways = {way: value for way, value in found[name].items() if isinstance(value, dict)}
        axes.barh(list(ways), [value["step_photos_per_second"] for value in ways.values()], color="#ccc")
        axes.barh(list(ways), [value["unfrozen"] for value in ways.values()], height=0.5)
        for row, value in enumerate(ways.values()):
            axes.text(0, row, f" {value['unfrozen']:.0f}/s, stall {value['stall']:.1%}", va="center")
        axes.set(title=name, xlabel="photos a second; grey: steps on a batch at hand")
        axes.invert_yaxis()
    figure.savefig(file, dpi=110)


def main() -> None:
    """Run every part that there is time for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--seconds", type=float, default=480)
    parser.add_argument("--only", nargs="*", choices=PARTS, default=list(PARTS))
    parser.add_argument("--quick", action="store_true", help="small photos and few: that every line runs")
    options = parser.parse_args()
    options.photos, options.weights = options.photos.resolve(), options.weights.resolve()
    options.out.mkdir(parents=True, exist_ok=True)
    os.environ["KIMCHI_DEVICE"] = options.device
    with tempfile.TemporaryDirectory() as folder:
        os.environ["KIMCHI_CACHE"] = str(Path(folder) / "cache")
        bench = Bench(options, Path(folder), time.monotonic() + options.seconds)
        for name in options.only:
            bench.found[name] = _rounded(_part(name, bench))
            print(name, json.dumps(bench.found[name], default=str), flush=True)
            text = json.dumps({"python": platform.python_version(), **bench.found}, indent=1, default=str)
            (options.out / "gpu.json").write_text(text + "\n", encoding="utf-8")
            if name in ("longer", options.only[-1]):
                draw(bench.found, options.out / "gpu.png")
    failed = [name for name, value in bench.found.items() if "error" in value]
    print("failed:", ", ".join(failed) or "none", flush=True)


def _rounded(value: Any) -> Any:
    """Numbers with four digits, for people."""
    if isinstance(value, dict):
        return {name: _rounded(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_rounded(inner) for inner in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


def _part(name: str, bench: Bench) -> dict[str, Any]:
    """What the part found, or its traceback; and its seconds."""
    started = time.monotonic()
    if started > bench.ends:
        return {"skipped": "the time was over"}
    try:
        found = PARTS[name](bench)
    except Exception:  # whatever it is, the other parts go on
        found = {"error": traceback.format_exc()}
    return {**found, "seconds_of_part": round(time.monotonic() - started, 1)}


if __name__ == "__main__":
    main()
