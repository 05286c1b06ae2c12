"""When photos of a test part were scored: a ledger by content, which outlives run folders and their names."""

import hashlib
import logging
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager

from kimchi_vision.base import cache

log = logging.getLogger(__name__)

_TABLES = """
CREATE TABLE IF NOT EXISTS photos (photo BLOB, part BLOB, PRIMARY KEY (photo, part)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS openings (part BLOB, time TEXT, command TEXT);
"""
Opening = tuple[str, str]
"""Time (UTC) and command."""


def note(contents: Iterable[str], opening: Opening) -> None:
    """Remember that the photos with these content hashes are scored together.

    A cache folder that cannot be written is no reason to stop: the run folder has its own list.
    """
    photos = _keys(contents)
    part = hashlib.sha256(b"".join(sorted(photos))).digest()[:16]
    try:
        with _ledger() as ledger:
            rows = [(photo, part) for photo in photos]
            ledger.executemany("INSERT OR IGNORE INTO photos VALUES (?, ?)", rows)
            ledger.execute("INSERT INTO openings VALUES (?, ?, ?)", (part, *opening))
    except (OSError, sqlite3.Error) as error:
        log.warning("That the test part was scored cannot be noted in %s: %s.", cache.ledger(), error)


def of(contents: Iterable[str]) -> list[Opening]:
    """Every time that any of these photos was scored as a test photo, on this machine, oldest first."""
    if not cache.ledger().is_file():
        return []
    photos = _keys(contents)
    try:
        with _ledger() as ledger:
            parts = {part for photo, part in ledger.execute("SELECT * FROM photos") if photo in photos}
            known = ledger.execute("SELECT * FROM openings ORDER BY time").fetchall()
    except (OSError, sqlite3.Error):
        return []
    return [(time, command) for part, time, command in known if part in parts]


def _keys(contents: Iterable[str]) -> set[bytes]:
    return {hashlib.sha256(each.encode()).digest()[:16] for each in contents}


@contextmanager
def _ledger() -> Iterator[sqlite3.Connection]:
    file = cache.ledger()
    file.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(file, timeout=60)) as ledger, ledger:
        ledger.executescript(_TABLES)
        yield ledger
