"""Accuracy for the minute: python benchmarks/recipes.py PHOTOS [--sizes 8 16] [--seeds 0 1].

Recipes on the last five classes of a folder, N training photos a class, 16 others to validate; the settings
of `recipe: best` were chosen on the first five, seeds from 100. Split and seed are matched, and each training
is a process of its own. `plain` is fastai alone as a script would use it; `tutorial` the same recipe in this
package, for the seeds after the first; `fused` the same by this package's default engine and precision, and
`long` gives that 60 epochs. `--fused` compares with `fused` on other folders, `--floor` sets `best` beside
its own floor alone: 10x64 (ten classes, 64 training photos each), 64,32,16,8,4, or drawn. Ten classes are
scored once more on the photos of the last five alone.
Appends to recipes.jsonl; what that holds is not run again. Prints a table and draws recipes.png.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, PercentFormatter
from scipy import stats

FOUND = Path("recipes.jsonl")
VALID = 16
WEIGHTS = {"backbone": "tf_efficientnet_lite0", "weights": "offline"}


def measure(folder: Path, way: str, size: str, seed: int) -> dict[str, Any]:
    """Right answers photo by photo, of the recipe and of its floor; seconds from photos to predictions.

    size: training photos of each of five classes, 2x64 of two, 64,32,16,8,4 of each; or drawn.
    """
    from kimchi_vision import data
    from kimchi_vision.base.allocator import keep_memory
    from kimchi_vision.base.run_files import RunFiles
    from kimchi_vision.learning import augment, linear_probe, loader, model, predict, recipe, train
    from kimchi_vision.results import validation_transforms

    experiment = _experiment(folder, way, size, seed)
    photos = data.load(experiment.data)
    if size != "drawn":
        photos = _chosen(photos, _counts(size), seed)
    started = time.perf_counter()
    if way != "plain":
        keep_memory()
    backbone = model.find(experiment.model, 224)
    experiment = recipe.resolve(experiment, photos, backbone)
    train.seed(experiment.train)
    dls = loader.build(experiment.loader, photos, augment.transforms(experiment.augment, backbone.stats))
    with tempfile.TemporaryDirectory() as place:
        learn = model.learner(experiment.model, backbone, dls, Path(place))
        floor = linear_probe.floor(
            experiment.features, learn.model[0], photos, validation_transforms.read(dls)
        )
        train.fit(experiment.train, learn, RunFiles(Path(place)), floor and floor.head)
        found = predict.predictions(learn, photos)
    return {
        "way": way,
        "size": size,
        "seed": seed,
        "truth": found.truth.tolist(),
        "right": found.right.astype(int).tolist(),
        "floor": floor and floor.predictions.right.astype(int).tolist(),
        "seconds": round(time.perf_counter() - started, 1),
    }


def _experiment(folder: Path, way: str, size: str, seed: int) -> Any:
    from kimchi_vision.config import Experiment
    from kimchi_vision.learning import recipe

    name = way if way in ("quick", "best") else "tutorial"
    source = {"sample": {"seed": seed}, "splitter": "stratified"} if size == "drawn" else {"path": folder}
    given = {"name": way, "data": {**source, "duplicates": "keep"}, "model": WEIGHTS, "recipe": name}
    if name == "tutorial":  # its lr_find moves nothing: the rates are given
        stages = recipe.settings("tutorial")["train"]["stages"][1:]
        given |= {"features": {"floor": False}, "train": {"stages": stages}}
    if way in ("plain", "tutorial"):
        given["augment"] = {"engine": "fastai"}
        given["train"]["precision"] = "fp32"
    if way == "long":
        stages[0]["fine_tune"]["epochs"] = 57  # and one frozen, and two at the end
    return Experiment.model_validate({**given, "train": {**given.get("train", {}), "seed": seed}})


def _counts(size: str) -> list[int]:
    """Training photos of each class."""
    classes, _, photos = size.rpartition("x")
    return list(map(int, size.split(","))) if "," in size else [int(photos)] * int(classes or 5)


def _chosen(photos: Any, counts: list[int], seed: int) -> Any:
    classes = photos.vocab[-len(counts) :]
    items = photos.items[photos.items["label"].isin(classes)]
    random = np.random.default_rng(seed)
    parts = pd.Series("", index=items.index)
    for name, count in zip(classes, counts, strict=True):
        rows = random.permutation(items.index[items["label"] == name])
        parts[rows[:VALID]], parts[rows[VALID : VALID + count]] = "valid", "train"
    return dataclasses.replace(
        photos, items=items.assign(split=parts)[parts != ""].reset_index(drop=True), vocab=classes
    )


def others(found: pd.DataFrame) -> pd.DataFrame:
    """Trainings on ten classes, scored on the photos of the five that took no part in the choice."""
    ten = found[found["size"].str.startswith("10x") & (found["way"] != "plain")]
    new = ten["truth"].map(lambda numbers: np.array(numbers) >= 5)
    answers = {key: [_some(*pair) for pair in zip(ten[key], new, strict=True)] for key in ("right", "floor")}
    return ten.assign(**answers, size=ten["size"] + ", the other five", seconds=np.nan)


def _some(answers: list[int] | None, rows: np.ndarray) -> list[int] | None:
    return answers and np.array(answers)[rows].tolist()


def table(found: pd.DataFrame) -> str:
    """A line a size and recipe: accuracy, the differences to tutorial and floor over seeds, and seconds."""
    head = (
        "photos a class",
        "recipe",
        "seeds",
        "accuracy",
        "minus tutorial, points (95 %)",
        "minus floor",
        "seconds",
        "÷ plain",
    )
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for size, group in found.groupby("size", sort=False):
        plain = group[group["way"] == "plain"]["seconds"].median()
        base = _tutorial(group).set_index("seed")["accuracy"]
        for way, rows in group.assign(way=group["way"].replace("tutorial", "plain")).groupby(
            "way", sort=False
        ):
            gaps = (rows.set_index("seed")["accuracy"] - base).dropna()
            spent = group[(group["way"] == way) & group["seed"].isin(base.index)]["seconds"].median()
            cells = (
                size,
                way,
                len(rows),
                f"{rows['accuracy'].mean():.1%}",
                "" if way in ("plain", "fused") or gaps.empty else _gap(gaps),
                _gap(rows["accuracy"] - rows["floor"].map(np.mean)) if way == "best" else "",
            )
            timed = way != "fused" and not np.isnan(plain)
            times = f"{spent:.0f} | {spent / plain:.2f}" if timed else " | "
            lines.append(f"| {' | '.join(map(str, cells))} | {times} |")
    return "\n".join(lines)


def _tutorial(found: pd.DataFrame) -> pd.DataFrame:
    """Trainings of the tutorial's recipe, one a seed."""
    fused = found[found["way"] == "fused"]
    return found[found["way"].isin(("plain", "tutorial"))] if fused.empty else fused


def _beside_long(found: pd.DataFrame) -> Iterator[str]:
    """What `best` is above the tutorial's recipe of 60 epochs."""
    for size, group in found.groupby("size", sort=False):
        scores = group.pivot(index="seed", columns="way", values="accuracy")
        if "long" in scores:
            gaps = (scores["best"] - scores["long"]).dropna()
            yield f"\nAt {size} photos a class, best minus long: {_gap(gaps)} points."


def picture(found: pd.DataFrame, file: Path) -> None:
    """Accuracy against minutes: a line a recipe, a point a size; bars span the seeds."""
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    titles = ("five classes that took no part in the choice", "all ten classes")
    for axes, title, sizes in zip(panels, titles, (r"\d+", r"10x\d+"), strict=True):
        _panel(axes, found[found["size"].str.fullmatch(sizes)])
        axes.set(title=title, xlabel="minutes, from photos to predictions")
    panels[0].set_ylabel("accuracy")
    panels[0].legend(title="numbers: photos a class", loc="lower left")
    figure.savefig(file, dpi=110)


def _panel(axes: Axes, found: pd.DataFrame) -> None:
    found = found[found["seed"].isin(_tutorial(found)["seed"])]
    found = found.assign(size=found["size"].str.split("x").str[-1].astype(int), minutes=found["seconds"] / 60)
    # Accuracies of the same recipe, whose minutes are another program's, stand beside plain's minutes.
    drawn = {"tutorial, as a plain script": ("plain", _tutorial(found))}
    drawn |= {way: (way, found[found["way"] == way]) for way in ("quick", "best")}
    for name, (way, rows) in drawn.items():
        spent = found[found["way"] == way].groupby("size")["minutes"].median()
        scores = rows.groupby("size")["accuracy"].agg(["mean", "min", "max"])
        scores = scores.loc[spent.index]
        spread = [scores["mean"] - scores["min"], scores["max"] - scores["mean"]]
        axes.errorbar(spent, scores["mean"], yerr=spread, marker="o", capsize=3, label=name)
        for size in spent.index:
            axes.annotate(str(size), (spent[size], scores["mean"][size]), (5, 5), textcoords="offset points")
    axes.set_xscale("log")
    axes.margins(x=0.1)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(PercentFormatter(1, 0))


def _gap(gaps: pd.Series) -> str:
    """Mean over seeds with the t interval of paired differences."""
    if len(gaps) < 2:
        return f"{100 * gaps.mean():+.1f}"
    low, high = stats.ttest_1samp(gaps, 0).confidence_interval()
    return f"{100 * gaps.mean():+.1f} ({100 * low:.1f} to {100 * high:.1f})"


def main() -> None:
    """Run what is missing, and print the table."""
    options = argparse.ArgumentParser()
    options.add_argument("photos", type=Path)
    options.add_argument("--sizes", nargs="*", default=["8", "16", "32", "64"])
    options.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    options.add_argument("--fused", nargs="*", default=[], help="other folders to compare on")
    options.add_argument("--floor", nargs="*", default=[], help="folders for best and its floor alone")
    options.add_argument("--long", nargs="*", default=[], help="sizes to train for 60 epochs at")
    options.add_argument("--one", nargs=3)
    given = options.parse_args()
    if given.one:
        way, size, seed = given.one
        result = measure(given.photos, way, size, int(seed))
        with FOUND.open("a", encoding="utf-8") as file:
            file.write(json.dumps(result) + "\n")
        return
    for seed in given.seeds:
        timed = ["plain"] if seed == given.seeds[0] else []
        for size in given.sizes:
            for way in (*(timed or ["tutorial"]), "quick", "best", *(["long"] if size in given.long else [])):
                _process(given.photos, way, size, seed)
        for size in given.fused:
            for way in (*timed, "fused", "quick", "best"):
                _process(given.photos, way, size, seed)
        for size in given.floor:
            _process(given.photos, "best", size, seed)
    found = pd.read_json(FOUND, lines=True, dtype={"size": str})
    found = pd.concat([found, others(found)], ignore_index=True)
    found["accuracy"] = found["right"].map(np.mean)
    print(table(found))
    print(*_beside_long(found), sep="\n")
    picture(found, FOUND.with_suffix(".png"))


def _read() -> set[tuple[str, str, int]]:
    if not FOUND.is_file():
        return set()
    rows = map(json.loads, FOUND.read_text(encoding="utf-8").splitlines())
    return {(row["way"], str(row["size"]), row["seed"]) for row in rows}


def _process(photos: Path, way: str, size: str, seed: int) -> None:
    if (way, size, seed) in _read():
        return
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "KIMCHI_CACHE": cache}
        command = [sys.executable, "-W", "ignore", __file__, str(photos), "--one", way, size, str(seed)]
        subprocess.run(command, env=environment, check=True)


if __name__ == "__main__":
    main()
