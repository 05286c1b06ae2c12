"""The small runs: photos, experiments and commands, by the command line only."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = ("001", "NA", "김치", "A&B")
"""Names that a careless reader takes for a number or for nothing, that need a font, and that need quoting."""
SIDE, EACH = 48, 14
"""Pixels of a photo, and photos of a class."""
ORIENTATION = 0x0112
"""EXIF's number of it."""
PATIENCE = 3600
"""Seconds that one command may take."""

THREE = """
defaults:
  data: {path: photos, splitter: stratified, valid_pct: 0.3, test_pct: 0.1}
  augment: {resize: 48, size: 32, min_scale: 0.75}
  loader: {batch_size: 8}
  model: {backbone: test_efficientnet, weights: body.safetensors, ps: 0.1}
  explain: {background: 6}
  export: {timings: false}
rows:
  exp1:
    train:
      - lr_find: {num_it: 30}
      - fine_tune: {epochs: 3, freeze_epochs: 1, base_lr: 3e-3}
      - fit_one_cycle: {epochs: 2, lr_max: 3e-3}
  goals:
    model: {head: linear}
    train: [feature_extract: {epochs: 4, lr_max: 0.3}]
    calibrate: {abstain_at: 0.3, bins: 5}
    goals: {accuracy: 0.4, fps: 0.01}
    evaluate: {tta: 1, top_k: 2}
    export: {timings: true}
  seeds:
    seeds: [1, 2]
    model: {head: linear}
    augment: {flip_vert: true, crop_batch: false}
    train:
      stages: [feature_extract: {epochs: 3, lr_max: 0.2}]
      keep: best
      monitor: accuracy
      class_weights: balanced
    export: {pkl: false}
"""
MORE = """
defaults:
  data: {path: photos, splitter: stratified, valid_pct: 0.3}
  augment: {resize: 48, size: 32}
  loader: {batch_size: 8}
  model: {backbone: test_efficientnet, weights: body.safetensors, ps: 0.1}
  explain: {background: 6}
  export: {timings: false}
rows:
  boxes:
    data: {crop: box}
    model: {head: linear}
    train: [feature_extract: {epochs: 3, lr_max: 0.3}]
    export: {pkl: false}
  best: {recipe: best}
  folds: {folds: 2, model: {head: linear}, train: [feature_extract: {epochs: 4, lr_max: 0.3}]}
"""
RESUMED = """
# resumed: does an interrupted run end as an undisturbed one?
data: {path: photos, splitter: stratified, valid_pct: 0.3, test_pct: 0.1}
augment: {engine: fastai, resize: 48, size: 32, min_scale: 0.75}
loader: {batch_size: 8, workers: 0}
model: {backbone: test_efficientnet, weights: none}
train: {stages: [fit: {epochs: 6, lr: 1e-2}], keep: best, mixup: 0.4}
explain: {background: 0}
export: {timings: false, int8: true}
"""


@dataclass(frozen=True)
class Command:
    """One call of `python -m kimchi_vision`. interrupted: Ctrl-C is pressed after its first epoch."""

    name: str
    words: tuple[str, ...]
    interrupted: bool = False


def commands() -> list[Command]:
    """What each side does, in this order; paths are below its folder."""
    row = {name: f"exports/three/{name}" for name in ("exp1", "goals", "seeds-seed1", "seeds-seed2")}
    row |= {name: f"exports/more/{name}" for name in ("boxes", "best", "folds")}
    row |= {"resumed": "exports/resumed"}
    of_three = ("compare", row["exp1"], row["goals"], row["seeds-seed1"], row["seeds-seed2"])
    found = [
        Command("three", ("run", "three.yaml")),
        Command("more", ("run", "more.yaml")),
        Command("interrupted", ("run", "resumed.yaml"), interrupted=True),
        Command("resumed", ("run", "resumed.yaml")),
        Command("compare-md", (*of_three, "--output", "exports/compare.md")),
        Command("compare-csv", (*of_three, "--test", "--margin", "0.1", "--output", "exports/compare.csv")),
        Command("suspects", ("data", "suspects", row["exp1"])),
        Command("check", ("data", "check", "photos", "--report", "exports/check.html")),
        Command("evaluate-test", ("evaluate", row["goals"], "--test", "--lang", "ko")),
    ]
    for name, folder in row.items():
        found.append(Command(f"evaluate-{name}", ("evaluate", folder)))
        lang = "ko" if name in ("goals", "best") else "en"
        found.append(Command(f"report-{name}", ("report", folder, "--lang", lang)))
    shown = tuple(f"photos/{name}/{number:02}.jpg" for name in CLASSES for number in (1, 2))
    predicted = [name for name in row if name != "folds"]  # the pool of folds is no model
    return found + [
        Command(f"predict-{name}", ("predict", row[name], *shown, "--json")) for name in predicted
    ]


def write_photos(folder: Path) -> None:
    """Class folders of small photos, of their class's colour and noise, and boxes.csv beside them.

    In each class one has a capital ending, one is a copy of another, and one lies on its side by its EXIF.
    """
    draw = np.random.default_rng(0)
    boxes = ["path,left,top,right,bottom"]
    for kind, name in enumerate(CLASSES):
        (folder / name).mkdir(parents=True)
        tint = np.eye(4, 3)[kind] * 70
        for number in range(EACH):
            coarse = draw.integers(0, 200, (6, 6, 3)) + tint + draw.integers(0, 40)
            photo = Image.fromarray(coarse.clip(0, 255).astype(np.uint8))
            photo = photo.resize((SIDE + 4 * (number % 3), SIDE), Image.Resampling.BICUBIC)
            ending = "JPG" if number == 3 else "jpg"
            turned = Image.Exif()
            turned[ORIENTATION] = 6 if number == 2 else 1
            photo.save(folder / name / f"{number:02}.{ending}", quality=90, exif=turned)
            left, top = draw.integers(0, 10, 2)
            boxes.append(f"{name}/{number:02}.{ending},{left},{top},{left + 36},{top + 36}")
        (folder / name / "copy.jpg").write_bytes((folder / name / "05.jpg").read_bytes())
    (folder / "boxes.csv").write_text("\n".join(boxes) + "\n", encoding="utf-8")


def write_weights(file: Path) -> None:
    """A body with random weights that are the same everywhere that this is called with one torch."""
    import timm
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    save_file(timm.create_model("test_efficientnet", pretrained=False).state_dict(), file)


def write_experiments(folder: Path) -> None:
    """The experiments as files."""
    for name, text in {"three": THREE, "more": MORE, "resumed": RESUMED}.items():
        (folder / f"{name}.yaml").write_text(text.lstrip(), encoding="utf-8")


def environment(code: Path, home: Path) -> dict[str, str]:
    """Variables of a side: its own package before all others, its own caches, one thread."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KIMCHI_", "PYTHON"))}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    caches = {"KIMCHI_CACHE": home / "kept", "XDG_CACHE_HOME": home / "cache", "HOME": home}
    caches |= {"XDG_CONFIG_HOME": home / "config", "MPLCONFIGDIR": home / "mpl", "PYTHONPATH": code}
    shown = {"LC_ALL": "C.UTF-8", "COLUMNS": "110", "TERM": "dumb", "HF_HUB_OFFLINE": "1"}
    return {**kept, **threads, **shown, **{name: str(value) for name, value in caches.items()}}


def run(command: Command, work: Path, variables: dict[str, str]) -> None:
    """Run one command in `work`; what it said and its exit code land in console/NAME.txt.

    Of an interrupted one only how it ended: what came before depends on the moment.
    """
    console = work / "console" / f"{command.name}.txt"
    console.parent.mkdir(exist_ok=True)
    line = [sys.executable, "-m", "kimchi_vision", *command.words]
    options = {"cwd": work, "env": variables, "stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL}
    with console.open("w", encoding="utf-8") as said:
        with subprocess.Popen(line, stdout=said, **options) as process:
            try:
                if command.interrupted:
                    _press_ctrl_c(process, work / "exports" / Path(command.words[1]).stem / "history.csv")
                code = process.wait(timeout=PATIENCE)
            except BaseException:
                process.kill()
                raise
        said.write(f"exit code {code}\n")
    if command.interrupted:
        end = console.read_text(encoding="utf-8").splitlines(keepends=True)[-2:]
        console.write_text("".join(end), encoding="utf-8")


def _press_ctrl_c(process: subprocess.Popen, history: Path) -> None:
    """Once the first epoch is written down."""
    until = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < until:
        if history.is_file() and len(history.read_text(encoding="utf-8").splitlines()) > 1:
            process.send_signal(signal.SIGINT)
            return
        time.sleep(0.01)
