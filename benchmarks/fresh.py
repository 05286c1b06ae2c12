"""What whole runs say, and what photos that were held back from everything say of them.

python -m benchmarks.fresh FOLDER [FOLDER ...] [--photos 64] [--bodies NAME NAME+NAME] [--recipes quick best]

Of each class that the folders share, N photos are drawn to train on and a quarter as many to choose the epoch
by; all others are held back. NAME+NAME is `model.backbone: [NAME, NAME]`, with the weights that come by pip.
Prints a row of a table for each run, and at the end how often `best` was below `quick`, its own start, on the
photos held back. --size: of the photos, pixels; by default the backbone's own. --keep FOLDER keeps the runs,
and goes on with those that are there.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from itertools import product
from pathlib import Path

import numpy as np

from kimchi_vision import Run, run
from kimchi_vision.base.plain import Json
from kimchi_vision.results import headline

LITE = "tf_efficientnet_lite"
WITHOUT = {
    "explain": {"background": 0},
    "export": dict.fromkeys(("pkl", "weights", "safetensors", "onnx", "timings"), False),
}


def linked(folders: list[Path], of: dict[str, int], rest: str, seed: int, place: Path) -> Path:
    """The folder `place` of links, PART/CLASS: so many photos of each class a part, the rest in `rest`."""
    if place.is_dir():
        return place
    found = defaultdict(list)
    for file in sorted(file for folder in folders for file in folder.glob("*/*.jpg")):
        found[file.parent.name].append(file.resolve())
    random = np.random.default_rng(seed)
    for name, files in found.items():
        parts = np.repeat([*of, rest], [*of.values(), len(files) - sum(of.values())])
        for part, number in zip(parts, random.permutation(len(files)), strict=True):
            link = place / part / name / f"{number:04}.jpg"
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(files[number])
    return place


def made(place: Path, folder: Path, body: str, recipe: str, sections: Json) -> Run:
    """One run of the whole command."""
    names = body.split("+")
    return run(
        folder,
        place / "exports",
        name="-".join([folder.name, recipe, *names]),
        model={"backbone": names if len(names) > 1 else body, "weights": "offline"},
        recipe=recipe,
        **sections,
        **WITHOUT,
    )


def row(done: Run, name: str, body: str) -> str:
    """Its line of the table."""
    fresh, chosen, trained = headline.accuracy(done), done.score["accuracy"], done.metrics["train"]
    of = f"{fresh.value:.1%} ({fresh.low:.1%} to {fresh.high:.1%}) of {fresh.n}"
    cells = name, body, done.experiment.recipe, of, f"{chosen.value:.1%} of {chosen.n}"
    return " | ".join(["", *cells, str(trained["epochs"]), f"{trained['seconds']:.0f}", ""]).strip()


def main() -> None:
    """Print the table."""
    asked = argparse.ArgumentParser(prog="python -m benchmarks.fresh", description=__doc__.partition("\n")[0])
    asked.add_argument("folders", type=Path, nargs="+")
    asked.add_argument("--photos", type=int, nargs="+", default=[64])
    asked.add_argument("--bodies", nargs="+", default=[f"{LITE}1", f"{LITE}0+{LITE}2"])
    asked.add_argument("--recipes", nargs="+", default=["quick", "best"])
    asked.add_argument("--seeds", type=int, nargs="+", default=[0])
    asked.add_argument("--size", type=int)
    asked.add_argument("--keep", type=Path)
    chosen = asked.parse_args()
    print("| photos a class, seed | backbone | recipe | held back | chose the epoch | epochs | seconds |")
    print("|---|---|---|---|---|---|---|")
    found = defaultdict(dict)
    with tempfile.TemporaryDirectory() as folder:
        place = (chosen.keep or Path(folder)).resolve()
        for photos, seed in product(chosen.photos, chosen.seeds):
            name = f"{photos}-{seed}"
            of = {"train": photos, "valid": photos // 4}
            drawn = linked(chosen.folders, of, "test", seed, place / "photos" / name)
            sections = {"train": {"seed": seed}, "augment": {"size": chosen.size} if chosen.size else {}}
            for body, recipe in product(chosen.bodies, chosen.recipes):
                done = made(place, drawn, body, recipe, sections)
                print(row(done, name, body), flush=True)
                found[name, body][recipe] = headline.accuracy(done).value
    more = np.array([each["best"] - each["quick"] for each in found.values() if len(each) > 1])
    if len(more):
        below = f"below 0 in {(more < 0).sum()} of {len(more)}"
        print(f"best - quick: {100 * more.mean():+.2f} points on average, {below}")


if __name__ == "__main__":
    main()
