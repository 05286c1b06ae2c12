"""Runs that are disturbed at random moments end as the undisturbed one.

python benchmarks/kills.py [RUNS [WAY...]]: 60 runs, disturbed in every way, unless others are given.

Each run of a small experiment (drawn photos, lr_find, frozen and unfrozen epochs, evaluation, export) is
disturbed once, in one of these ways by turns, and the same command is then given until it ends:

kill, term, int    a signal at a moment drawn over the run's whole length
full               a disk that is full from some write on, with room made afterwards
byte               killed, and then one byte flipped in any file of the run folder or the cache
removed, replaced  killed, and then a photo removed, or another one put in its place; undone afterwards

Prints how many end with the same predictions.csv, history.csv (but for seconds) and metrics, bit for bit, or
with a sentence and a folder that still holds what was done.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

EXPERIMENT = """
augment: {engine: fused, resize: 80, size: 64}
loader: {batch_size: 8, workers: 1}
model: {backbone: test_efficientnet, weights: none}
train:
  keep: best
  keep_checkpoints: 2
  checkpoint_minutes: 0.001
  stages:
    - lr_find: {num_it: 30, stop_div: false}
    - fine_tune: {epochs: 3, freeze_epochs: 2}
export: {timings: false}
"""
SIGNALS = {"kill": signal.SIGKILL, "term": signal.SIGTERM, "int": signal.SIGINT}
WAYS = (*SIGNALS, "full", "byte", "removed", "replaced")
FULL = """
import errno, sys, tempfile
from kimchi_vision.cli.main import main

made, left = tempfile.mkstemp, int(sys.argv.pop(1))

def full(*arguments, **options):
    global left
    left -= 1
    if left < 0:
        raise OSError(errno.ENOSPC, "No space left on device")
    return made(*arguments, **options)

tempfile.mkstemp = full
main()
"""


@dataclass
class Bench:
    """A folder with photos, a cache, and runs. length: seconds of an undisturbed run."""

    place: Path
    draw: random.Random
    length: float = 0.0

    @property
    def options(self) -> dict[str, object]:
        """How commands are started; the package is this tree's."""
        tree = str(Path(__file__).parents[1])
        env = {**os.environ, "KIMCHI_CACHE": str(self.place / "cache"), "PYTHONPATH": tree}
        return {"cwd": self.place, "env": env, "text": True}

    def line(self, name: str, data: str = "{path: photos, splitter: stratified}") -> list[str]:
        """The words after `kimchi_vision` for the run of this name."""
        file = self.place / f"{name}.yaml"
        file.write_text(f"name: killed\ndata: {data}\n{EXPERIMENT}", encoding="utf-8")
        return ["run", file.name, "--exports", name]

    def run(self, name: str, **more: str) -> subprocess.CompletedProcess[str]:
        """An undisturbed run of this name, or the rest of one."""
        line = [sys.executable, "-m", "kimchi_vision", *self.line(name, **more)]
        return subprocess.run(line, capture_output=True, check=False, **self.options)

    def folder(self, name: str) -> Path:
        """The run folder."""
        return self.place / name / "killed"

    def result(self, name: str) -> dict[str, object]:
        """What must be the same."""
        run = self.folder(name)
        metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
        for timed in ("train", "floor"):
            metrics.get(timed, {}).pop("seconds", None)
        history = pd.read_csv(run / "history.csv").drop(columns="seconds").to_csv()
        return {"predictions": (run / "predictions.csv").read_bytes(), "metrics": metrics, "history": history}

    def signalled(self, name: str, number: signal.Signals) -> int:
        """Start a run and send it a signal at a drawn moment; its exit code."""
        line = [sys.executable, "-m", "kimchi_vision", *self.line(name)]
        running = subprocess.Popen(line, stdout=-3, stderr=-3, **self.options)
        time.sleep(self.draw.uniform(0, self.length))
        running.send_signal(number)
        return running.wait()


def undisturbed(bench: Bench) -> dict[str, object]:
    """Draw the photos, compile the bytecode, then the run that all others are compared with."""
    bench.run("warm", data="{sample: {per_class: 4}, splitter: stratified}").check_returncode()
    (drawn,) = (bench.place / "cache" / "samples").iterdir()
    shutil.copytree(drawn, bench.place / "photos")
    bench.run("second").check_returncode()
    started = time.perf_counter()
    bench.run("whole").check_returncode()
    bench.length = time.perf_counter() - started
    return bench.result("whole")


def disturbed(bench: Bench, name: str, way: str, expected: dict[str, object]) -> str:
    """One run, disturbed in one way: `the same`, `told`, or what went wrong."""
    if way == "full":
        line = [sys.executable, "-c", FULL, str(bench.draw.randrange(40)), *bench.line(name)]
        ended = subprocess.run(line, capture_output=True, check=False, **bench.options)
        if ended.returncode and "no room left" not in ended.stderr:
            return f"FULL, SAID: {ended.stderr[-300:]}"
    else:
        code = bench.signalled(name, SIGNALS.get(way, signal.SIGKILL))
        if (way, code) not in {("term", 143), ("int", 130)} and code not in (0, -9, -15, -2):
            return f"EXIT CODE {code}"
    if way in ("removed", "replaced"):
        return _of_other_photos(bench, name, way, expected)
    before = _flipped(bench, name) if way == "byte" else ""
    again = bench.run(name)
    if again.returncode == 0:
        return "the same" if bench.result(name) == expected else f"OTHER RESULT {before}"
    kept = bench.folder(name).is_dir() and "Error:" not in again.stderr and "Traceback" not in again.stderr
    return "told" if way == "byte" and kept else f"FAILED {before}: {again.stderr[-500:]}"


def _flipped(bench: Bench, name: str) -> str:
    """Flip a byte in a file that is not empty; which one."""
    roots = (bench.folder(name), bench.place / "cache")
    files = [file for root in roots for file in sorted(root.rglob("*")) if file.is_file()]
    file = bench.draw.choice([file for file in files if file.stat().st_size and "samples" not in file.parts])
    content = bytearray(file.read_bytes())
    content[bench.draw.randrange(len(content))] ^= 0xFF
    file.write_bytes(content)
    return file.name


def _of_other_photos(bench: Bench, name: str, way: str, expected: dict[str, object]) -> str:
    """The run begins anew with other photos, and the earlier one, put back, ends as if nothing had been."""
    photos = sorted((bench.place / "photos").rglob("*.jpg"))
    one, other = bench.draw.sample(photos, 2)
    content, folder = one.read_bytes(), bench.folder(name)
    had, was_finished = (folder / "checkpoints" / "last.pth").is_file(), (folder / "finished.json").is_file()
    if way == "removed":
        one.unlink()
    else:
        one.write_bytes(other.read_bytes())
    again = bench.run(name)
    one.write_bytes(content)
    aside = folder.with_name("killed.before-1")
    if again.returncode or (had and not aside.is_dir()):
        return f"FAILED: {again.stderr[-500:]}"
    if had and one.name not in again.stderr and "..." not in again.stderr:
        return f"NOT NAMED: {again.stderr[-500:]}"
    if had and not was_finished:
        shutil.rmtree(folder)
        aside.rename(folder)
    bench.run(name).check_returncode()
    return "the same" if bench.result(name) == expected else "OTHER RESULT"


def main() -> None:
    """One undisturbed run, then the disturbed ones."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    ways = sys.argv[2:] or WAYS
    with tempfile.TemporaryDirectory() as folder:
        bench, ends = Bench(Path(folder), random.Random(0)), Counter()
        expected = undisturbed(bench)
        print(f"undisturbed: {bench.length:.1f} s", flush=True)
        for number in range(count):
            way = ways[number % len(ways)]
            end = disturbed(bench, f"k{number}", way, expected)
            ends[end if end in ("the same", "told") else "WRONG"] += 1
            print(f"{number} {way}: {end}", flush=True)
            shutil.rmtree(bench.place / f"k{number}", ignore_errors=True)
        print(f"{count} runs: {dict(ends)}")


if __name__ == "__main__":
    main()
