"""What earlier scans of a folder found, in one SQLite file outside that folder."""

import hashlib
import logging
import os
import sqlite3
import zlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd

from kimchi_vision.base.cache import folder
from kimchi_vision.base.errors import RunError
from kimchi_vision.base.plain import Json
from kimchi_vision.data.decoding import FORMATS
from kimchi_vision.data.hashes import SIDE
from kimchi_vision.data.pixels import READING

log = logging.getLogger(__name__)

KEY = {"path": "TEXT", "bytes": "INTEGER", "mtime_ns": "INTEGER"}
FACTS = {
    "sha256": "TEXT", "format": "TEXT", "mode": "TEXT", "width": "INTEGER", "height": "INTEGER",
    "orientation": "INTEGER", "camera": "TEXT", "animated": "INTEGER", "sharpness": "REAL", "problem": "TEXT",
}  # fmt: skip
_KINDS = {"INTEGER": "<i8", "REAL": "<f8"}
# One text and one blob hold what is known of a photo: SQLite takes its time for each value, not each byte.
_TEXTS = [name for name, kind in FACTS.items() if kind == "TEXT"]
_NUMBERS = np.dtype([(name, _KINDS[kind]) for name, kind in {**KEY, **FACTS}.items() if kind != "TEXT"])
# Between texts; one within a text is kept as a space.
_APART = "\0"
_TABLES = {"photos": ("path", "texts", "numbers"), "thumbnails": ("sha256", "pixels")}
_UNKNOWN = ("", _APART * (len(_TEXTS) - 1), np.full((), -1, _NUMBERS).tobytes())


class Memory:
    """Facts by path and thumbnails by content hash; kept batch by batch, so an interrupted scan goes on.

    cache: where the file is kept, by default the user's cache; when nothing can be written there, the memory
    ends with the process.
    """

    def __init__(self, root: Path, cache: Path | None = None) -> None:
        # Another version of this module may remember other facts or lay them out in another way; and with
        # another reader installed, other photos can be read.
        layout = repr([_TEXTS, _NUMBERS, sorted(FORMATS), _TABLES, READING]).encode()
        name = hashlib.sha256(os.fsencode(root.resolve()) + layout).hexdigest()[:16]
        file = folder("scans", cache) / f"{name}.sqlite"
        self._folder = file.parent
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._database = self._sound(file)
        except (OSError, sqlite3.Error):
            self._database = self._opened(":memory:")

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def facts(self, paths: Iterable[str]) -> Json:
        """By name, bytes, mtime_ns and FACTS in the order of the paths; bytes is -1 for one not known."""
        rows = self._database.execute("SELECT path, texts, numbers FROM photos").fetchall()
        known = {row[0]: row for row in rows}
        rows = [known.get(path, _UNKNOWN) for path in paths]
        texts = _APART.join([row[1] for row in rows]).split(_APART)
        numbers = np.frombuffer(b"".join([row[2] for row in rows]), _NUMBERS)
        columns = {name: texts[place :: len(_TEXTS)] for place, name in enumerate(_TEXTS)}
        return columns | {name: numbers[name] for name in _NUMBERS.names}

    def keep(self, facts: pd.DataFrame, thumbnails: Iterable[bytes | None]) -> None:
        """Remember rows with the columns of KEY and FACTS, and a thumbnail for each that has one."""
        pixels = [pair for pair in zip(facts["sha256"], thumbnails, strict=True) if pair[1] is not None]
        numbers = facts[list(_NUMBERS.names)].to_records(index=False).astype(_NUMBERS)
        texts = [
            _APART.join([text.replace(_APART, " ") for text in row])
            for row in zip(*[facts[name] for name in _TEXTS], strict=True)
        ]
        rows = list(zip(facts["path"], texts, [each.tobytes() for each in numbers], strict=True))
        try:
            self._insert({"photos": rows, "thumbnails": pixels})
        except sqlite3.OperationalError:  # a full disk, say
            self._database = self._moved()
            self._insert({"photos": rows, "thumbnails": pixels})

    def _moved(self) -> sqlite3.Connection:
        """What is known, in memory. Raises RunError when the disk is so full that it cannot be read."""
        kept = self._opened(":memory:")
        try:
            with closing(self._database) as full:
                full.backup(kept)
        except sqlite3.OperationalError as error:
            what = "There is no room left on the disk of {folder}. Make room, and give the same command."
            raise RunError(what, folder=self._folder) from error
        return kept

    def _insert(self, rows: Mapping[str, Sequence[tuple[object, ...]]]) -> None:
        with self._database as database:
            for table, known in rows.items():
                places = [f"?{place}" for place, _ in enumerate(_TABLES[table], 1)]
                values = ", ".join([*places, _crc(places)])
                database.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({values})", known)

    def thumbnails(self, hashes: Iterable[str]) -> np.ndarray:
        """(photos, SIDE, SIDE) uint8 in the order of the content hashes, which must be known."""
        places = {each: place for place, each in enumerate(hashes)}
        pixels = np.empty((len(places), SIDE, SIDE), np.uint8)
        for each, content in self._database.execute("SELECT sha256, pixels FROM thumbnails"):
            if each in places:
                pixels[places[each]] = np.frombuffer(content, np.uint8).reshape(SIDE, SIDE)
        return pixels

    def _sound(self, file: Path) -> sqlite3.Connection:
        """The file's database; one that is damaged is named and begun anew."""
        try:
            database = self._opened(str(file))
            damaged = [
                database.execute(f"SELECT 1 FROM {table} WHERE crc IS NOT {_crc(columns)}").fetchone()
                for table, columns in _TABLES.items()
            ]
            if not any(damaged) and database.execute("PRAGMA quick_check(1)").fetchone() == ("ok",):
                return database
            database.close()
        except sqlite3.OperationalError:  # locked, or nothing can be written there
            raise
        except sqlite3.DatabaseError:
            pass
        log.warning("%s is damaged; the photos are read anew.", file)
        file.unlink()
        return self._opened(str(file))

    @staticmethod
    def _opened(file: str) -> sqlite3.Connection:
        database = sqlite3.connect(file, timeout=60)
        database.create_function("checksum", -1, lambda *row: zlib.crc32(_APART.encode().join(row)))
        with database:
            for table, (key, *others) in _TABLES.items():
                columns = f"{key} PRIMARY KEY, {', '.join(others)}, crc"
                database.execute(f"CREATE TABLE IF NOT EXISTS {table} ({columns})")
        return database


def _crc(columns: Iterable[str]) -> str:
    """SQL for the checksum of a row, which SQLite has no function for."""
    return f"checksum({', '.join(f'CAST({column} AS BLOB)' for column in columns)})"
