"""Read every photo once: content hash, size, and whether it can be decoded; remembered between runs."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image

from kimchi_vision.photos import open_photo
from kimchi_vision.rundir import write_table

KEY = ["path", "bytes", "mtime_ns"]
FACTS = {
    "sha256": str,
    "format": str,
    "mode": str,
    "width": int,
    "height": int,
    "orientation": int,
    "problem": str,
}


def scan(root: Path, photos: pd.DataFrame, cache: Path) -> pd.DataFrame:
    """`photos` with what is in them: sha256, format, mode, width, height, orientation, problem.

    photos: columns path, bytes, mtime_ns; a row with all three as in the last scan is not read again.
    width, height: pixels, of the upright photo; orientation: EXIF's, 1 when none is given.
    problem: "" or a sentence's end, such as "is empty"; sizes are 0 when a photo cannot be opened.
    """
    memory = cache / "scans" / f"{hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:16]}.csv"
    known = _remembered(memory)
    table = photos.merge(known, on=KEY, how="left", indicator="state")
    fresh = (table.pop("state") == "left_only").to_numpy()
    if fresh.any():
        facts = pd.DataFrame(
            _inspect_all([root / path for path in table.loc[fresh, "path"]]), columns=list(FACTS)
        )
        for column in FACTS:
            table[column] = table[column].astype(object)
            table.loc[fresh, column] = facts[column].to_numpy()
        _remember(memory, pd.concat([known, table.loc[fresh, KEY + list(FACTS)]]))
    return table.astype(FACTS)


def _remembered(memory: Path) -> pd.DataFrame:
    """The last scan; empty when there is none or it cannot be read."""
    types = {"path": str, "bytes": "int64", "mtime_ns": "int64", **FACTS}
    try:
        return pd.read_csv(memory, dtype=types, keep_default_na=False)
    except (OSError, ValueError):
        return pd.DataFrame({column: pd.Series(dtype=kind) for column, kind in types.items()})


def _remember(memory: Path, table: pd.DataFrame) -> None:
    with contextlib.suppress(OSError):  # Without it the next scan takes longer, nothing else.
        write_table(memory, table.drop_duplicates("path", keep="last"))


def _inspect_all(files: list[Path]) -> Iterator[dict[str, Any]]:
    """Facts in the order of the files; Pillow and hashlib let threads work side by side."""
    with warnings.catch_warnings(), ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        waiting = iter(files)
        while part := list(islice(waiting, 1024)):
            yield from pool.map(_inspect, part)


def _inspect(file: Path) -> dict[str, Any]:
    facts = {name: kind() for name, kind in FACTS.items()}
    try:
        content = file.read_bytes()
        facts["sha256"] = hashlib.sha256(content).hexdigest()
        if not content:
            raise ValueError("is empty")
        photo = open_photo(content)
        facts["width"], facts["height"] = photo.size
        with Image.open(io.BytesIO(content)) as image:
            facts["format"], facts["mode"] = image.format, image.mode
            facts["orientation"] = image.getexif().get(0x0112, 1)
    except OSError as error:
        facts["problem"] = f"cannot be read: {error.strerror}"
    except ValueError as error:
        facts["problem"] = str(error).removeprefix("the photo ")
    return facts
