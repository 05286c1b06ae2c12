"""Runs that are killed at random moments end as the undisturbed one: python benchmarks/kills.py [KILLS].

Each kill -9 hits one run of a small experiment (drawn photos, lr_find, frozen and unfrozen epochs,
evaluation, export) at a moment drawn over its whole length; the same command is then given until it ends.
Prints how many end with the same predictions.csv, history.csv (but for seconds) and metrics, bit for bit.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

EXPERIMENT = """
data: {sample: {per_class: 4}, splitter: stratified}
augment: {engine: fused, resize: 80, size: 64}
loader: {batch_size: 8, workers: 1}
model: {backbone: test_efficientnet, weights: none}
train:
  keep: best
  checkpoint_minutes: 0.001
  stages:
    - lr_find: {num_it: 30, stop_div: false}
    - fine_tune: {epochs: 3, freeze_epochs: 2}
export: {timings: false}
"""


def command(place: Path, name: str) -> list[str]:
    """The run of an experiment of this name."""
    file = place / f"{name}.yaml"
    file.write_text(f"name: killed\n{EXPERIMENT}", encoding="utf-8")
    return [sys.executable, "-m", "kimchi_vision", "run", str(file), "--exports", str(place / name)]


def result(place: Path, name: str) -> dict[str, object]:
    """What must be the same."""
    run = place / name / "killed"
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    for timed in ("train", "floor"):
        metrics.get(timed, {}).pop("seconds", None)
    history = pd.read_csv(run / "history.csv").drop(columns="seconds").to_csv()
    return {"predictions": (run / "predictions.csv").read_bytes(), "metrics": metrics, "history": history}


def main() -> None:
    """One undisturbed run, then the killed ones."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    draw = random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        options = {"cwd": place, "capture_output": True, "env": {**os.environ, "KIMCHI_CACHE": folder}}
        subprocess.run(
            command(place, "warm"), check=True, **options
        )  # photos are drawn, bytecode is compiled
        started = time.perf_counter()
        subprocess.run(command(place, "whole"), check=True, **options)
        length = time.perf_counter() - started
        expected, same = result(place, "whole"), 0
        print(f"undisturbed: {length:.1f} s")
        for number in range(kills):
            line, moment = command(place, f"k{number}"), draw.uniform(0, length)
            running = subprocess.Popen(line, cwd=place, env=options["env"], stdout=-3, stderr=-3)
            time.sleep(moment)
            running.send_signal(signal.SIGKILL)
            running.wait()
            epochs = place / f"k{number}" / "killed" / "history.csv"
            done = len(epochs.read_text().splitlines()) - 1 if epochs.is_file() else 0
            again = subprocess.run(line, **options)
            if again.returncode:
                raise SystemExit(f"killed after {moment:5.1f} s, then:\n{again.stderr.decode()}")
            equal = result(place, f"k{number}") == expected
            same += equal
            print(
                f"killed after {moment:5.1f} s, {done} epochs done: {'the same' if equal else 'OTHERS'}",
                flush=True,
            )
        print(f"{same} of {kills} end as the undisturbed run")


if __name__ == "__main__":
    main()
