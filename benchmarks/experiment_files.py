"""Mutated experiment files: each is an experiment or a sentence.

python benchmarks/experiment_files.py [FILES], 20,000 unless another number is given.

Prints how many were refused, and the traceback of anything else than ConfigError, with the file's number.
"""

from __future__ import annotations

import random
import sys
import tempfile
import traceback
from pathlib import Path

from kimchi_vision.base.errors import ConfigError
from kimchi_vision.config import Experiment, Table, load

FILES = sorted((Path(__file__).parents[1] / "experiments").glob("*.yaml"))
PIECES = [
    *"{}[]:'\"#|\n\t\x00", "- ", "  ", "? ", "&a", "*a", "<<: *x", "!!python/object:os.system", "null",
    "1e999", "-1", "nan", "true", "train", "김치", "\ud83e", "0" * 400, "!!bool ", "!!int ", "!!float ",
    "!!timestamp ", "!!set ", "!!omap ", "!!binary ", "!!null ", "! ", "!x ", "2001-01-01", "0x", "1:2:3",
    "%YAML 1.1\n---\n", "---\n", "...\n", "defaults: text\n", "rows: text\n", "rows:\n", "[]", "{}",
]  # fmt: skip


def mutated(text: str, draw: random.Random) -> str:
    """The text with one to six places changed: something put in, cut out, tripled or replaced."""
    for _ in range(draw.randint(1, 6)):
        place = draw.randrange(len(text) + 1)
        if draw.random() < 0.3:  # where a value, or a line, begins
            starts = [i + 1 for i, letter in enumerate(text) if letter in "\n "]
            place = draw.choice(starts or [0])
        end = min(len(text), place + draw.randint(0, 12))
        middle = [draw.choice(PIECES), "", text[place:end] * 3, draw.choice(PIECES)]
        kind = draw.randrange(4)
        text = text[:place] + middle[kind] + text[place if kind == 0 else end :]
    return text


def sentence(path: Path) -> str | None:
    """What is said of a file that is no experiment."""
    try:
        assert isinstance(load(path), Experiment | Table)
    except ConfigError as error:
        return str(error)
    return None


def main(count: int) -> None:
    """Draw, read, count."""
    draw, refused, faults = random.Random(0), 0, 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mutated.yaml"
        for number in range(count):
            text = mutated(draw.choice(FILES).read_text(encoding="utf-8"), draw)
            path.write_bytes(text.encode("utf-8", errors="surrogatepass"))
            try:
                refused += sentence(path) is not None
            except Exception:
                faults += 1
                print(f"--- file {number}\n{traceback.format_exc(limit=-3)}\n", flush=True)
    print(f"{count} files: {refused} refused with a sentence, {faults} tracebacks")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
