"""What earlier scans of a folder found, in one SQLite file outside that folder."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kimchi_vision.data.hashes import SIDE

CACHE = Path("data")
"""Folder for drawn samples and for what is remembered of earlier scans."""
KEY = {"path": "TEXT PRIMARY KEY", "bytes": "INTEGER", "mtime_ns": "INTEGER"}
FACTS = {
    "sha256": "TEXT",
    "format": "TEXT",
    "mode": "TEXT",
    "width": "INTEGER",
    "height": "INTEGER",
    "orientation": "INTEGER",
    "camera": "TEXT",
    "animated": "INTEGER",
    "sharpness": "REAL",
    "problem": "TEXT",
}


class Memory:
    """Facts by path and thumbnails by content hash; kept batch by batch, so an interrupted scan goes on.

    cache: where the file is kept; when nothing can be written there, the memory ends with the process.
    """

    def __init__(self, root: Path, cache: Path) -> None:
        # Another version of this module may remember other facts.
        name = hashlib.sha256(os.fsencode(root.resolve()) + repr([*FACTS]).encode()).hexdigest()[:16]
        try:
            (cache / "scans").mkdir(parents=True, exist_ok=True)
            self._database = self._opened(str(cache / "scans" / f"{name}.sqlite"))
        except (OSError, sqlite3.Error):
            self._database = self._opened(":memory:")

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def known(self) -> dict[str, tuple[Any, ...]]:
        """By path, the values of KEY and FACTS in their order."""
        rows = self._database.execute(f"SELECT {', '.join([*KEY, *FACTS])} FROM photos").fetchall()
        return {row[0]: row for row in rows}

    def keep(self, facts: pd.DataFrame, thumbnails: Iterable[bytes | None]) -> None:
        """Remember rows with the columns of KEY and FACTS, and a thumbnail for each that has one."""
        columns = [*KEY, *FACTS]
        marks = ", ".join("?" * len(columns))
        pixels = [pair for pair in zip(facts["sha256"], thumbnails, strict=True) if pair[1] is not None]
        with self._database as database:
            rows = zip(*(facts[column].tolist() for column in columns), strict=True)
            database.executemany(f"INSERT OR REPLACE INTO photos VALUES ({marks})", rows)
            database.executemany("INSERT OR REPLACE INTO thumbnails VALUES (?, ?)", pixels)

    def thumbnails(self, hashes: Iterable[str]) -> np.ndarray:
        """(photos, SIDE, SIDE) uint8 in the order of the content hashes, which must be known."""
        pixels = np.empty(
            (len(places := {each: place for place, each in enumerate(hashes)}), SIDE, SIDE), "u1"
        )
        for each, content in self._database.execute("SELECT sha256, pixels FROM thumbnails"):
            if each in places:
                pixels[places[each]] = np.frombuffer(content, np.uint8).reshape(SIDE, SIDE)
        return pixels

    @staticmethod
    def _opened(file: str) -> sqlite3.Connection:
        database = sqlite3.connect(file, timeout=60)
        columns = ", ".join(f"{name} {kind}" for name, kind in {**KEY, **FACTS}.items())
        with database:
            database.execute(f"CREATE TABLE IF NOT EXISTS photos ({columns})")
            database.execute("CREATE TABLE IF NOT EXISTS thumbnails (sha256 TEXT PRIMARY KEY, pixels BLOB)")
        return database
