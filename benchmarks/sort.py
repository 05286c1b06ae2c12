"""Time and memory of `sort`: python -m benchmarks.sort [--counts 1000 10000 100000] [--how link]

Drawn photos of 64 x 48 pixels, a linear model of tests/small_models.py, and a process for each count.
Measured on two cores that others used, too: 1,000 photos 1 s and 132 MiB at most, 20,000 18 s and 136 MiB,
100,000 90 s and 138 MiB, of which 124 MiB before.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

SORTS = """
import resource, sys, time
from pathlib import Path
from kimchi_vision.deploy.labelling.sort import sort
from kimchi_vision.deploy.predictor import Predictor
model, folder, to, how = sys.argv[1:]
predictor = Predictor(model)
before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
done = sort(Path(folder), Path(to), predictor, how)
seconds, most = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
photos = sum(done.known.folders().values())
print(f"| {photos:,} | {seconds:.0f} | {before / 1024:.0f} | {most / 1024:.0f} |", flush=True)
"""


def draw(folder: Path, count: int) -> None:
    """Photos of different content, 1,000 in a folder."""
    for number in range(count):
        pixels = np.random.default_rng(number).integers(0, 256, (6, 8, 3), dtype=np.uint8)
        file = folder / f"{number // 1000:03}" / f"{number:06}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            Image.fromarray(pixels).resize((64, 48), Image.Resampling.BICUBIC).save(file)


def main() -> None:
    """Measure and print."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    from small_models import facts, save

    options = argparse.ArgumentParser()
    options.add_argument("--counts", type=int, nargs="+", default=[1000, 10_000, 100_000])
    options.add_argument("--how", choices=("copy", "link", "csv"), default="link")
    given = options.parse_args()
    print("| photos | seconds | MiB before | MiB at most |\n|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        model = save(root / "model.onnx", facts())
        for count in given.counts:
            draw(root / "photos", count)
            words = [model, root / "photos", root / f"sorted-{count}", given.how]
            subprocess.run([sys.executable, "-c", SORTS, *map(str, words)], check=True)


if __name__ == "__main__":
    main()
