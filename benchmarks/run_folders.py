"""Finished run folders with one file damaged: what reads them ends with an answer or a sentence.

python benchmarks/run_folders.py RUN [FOLDERS [SEED]]: copies of RUN, a run folder with every file, 3,000 of
them unless another number is given; prints how many commands answered or refused, and each traceback.
"""

from __future__ import annotations

import contextlib
import io
import random
import shutil
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from kimchi_vision.base.errors import KimchiError
from kimchi_vision.deploy.predictor import Predictor
from kimchi_vision.jobs import evaluation
from kimchi_vision.results.compare import compare
from kimchi_vision.results.report import write
from kimchi_vision.results.run import Run

TEXTS = (".json", ".csv", ".yaml")
PIECES = [b"null", b"{}", b"[]", b'""', b"-1", b"NaN", b"1e999", b"true", b",", b'"', b"\xff", b"\0", b"\n"]


def mutated(content: bytes, draw: random.Random) -> bytes:
    """A byte flipped, a stretch cut out or put in twice, a value replaced, the end lost, or all of it."""
    place = draw.randrange(len(content) + 1)
    end = min(len(content), place + draw.randint(1, 30))
    changes = [
        lambda: content[:place] + bytes([draw.randrange(256)]) + content[place + 1 :],
        lambda: content[:place] + content[end:],
        lambda: content[:place] + content[place:end] * 2 + content[end:],
        lambda: content[:place] + draw.choice(PIECES) + content[end:],
        lambda: content[:place],
        lambda: draw.choice([b"", b"{}", b"[]", b"null", b"a,b\n1,2\n"]),
    ]
    return draw.choice(changes)()


def commands(run: Path, whole: Path) -> dict[str, Callable[[], object]]:
    """What reads a run folder, by the command's name. whole: a sound run of the same photos."""
    return {
        "report": lambda: write(Run.open(run), Run.open(run).experiment.report),
        "compare": lambda: compare([run, whole]).text(),
        "evaluate": lambda: evaluation.scores(Run.open(run)),
        "predict": lambda: Predictor(run).vocab,
    }


def damaged(run: Path, names: list[str], draw: random.Random) -> Path:
    """Damage one file of a folder, and tell which."""
    file = run / draw.choice(names)
    file.write_bytes(mutated(file.read_bytes(), draw))
    return file


def main(source: Path, count: int = 3000, seed: int = 0) -> None:
    """Damage, read, count."""
    draw, ends = random.Random(seed), Counter()
    names = sorted(file.name for file in source.iterdir() if file.suffix in (*TEXTS, ".onnx", ".npz"))
    with tempfile.TemporaryDirectory() as place, contextlib.redirect_stdout(io.StringIO()):
        keep = shutil.ignore_patterns("checkpoints", "*.pkl", "*.pth", "*.safetensors", "*.png", "*.jpg")
        for number in range(count):
            run = Path(place) / source.name
            shutil.copytree(source, run, ignore=keep)
            file = damaged(run, names, draw)
            for name, command in commands(run, source).items():
                try:
                    command()
                    ends[f"{name} answered"] += 1
                except KimchiError:
                    ends[f"{name} refused with a sentence"] += 1
                except Exception:
                    ends["tracebacks"] += 1
                    print(f"{number} {file.name} {name}\n{traceback.format_exc(limit=-4)}", file=sys.stderr)
            shutil.rmtree(run)
    print(f"{count} folders: {dict(ends)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
