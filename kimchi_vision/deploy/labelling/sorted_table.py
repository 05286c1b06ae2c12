"""What was sorted where: the table that stays, for an undo, and what is known while sorting."""

import csv
import json
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple, TextIO

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.files import TABLE_ENCODING, write_json
from kimchi_vision.base.plain import Json
from kimchi_vision.data.folder import File
from kimchi_vision.deploy.labelling.places import UNSURE

TABLE, SETTINGS = "sorted.csv", "sorted.json"
"""What was sorted where; and by what."""
PAGE = 1000
"""Photos of Known that are held at once."""


class Row(NamedTuple):
    """A line of sorted.csv: what the model says of a photo, and which file was made for it.

    path: below the folder that was sorted. label: "" for a photo that cannot be read; `error` says why.
    to: below the target, "" where no file was made. bytes, mtime_ns, sha256: of the photo.
    """

    path: str
    label: str
    probability: str
    known: str
    to: str
    sha256: str
    bytes: str
    mtime_ns: str
    error: str

    @property
    def folder(self) -> str:
        """The class's folder, or that of unsure photos."""
        return self.label if self.known == "True" else UNSURE


class Known:
    """Photos of the folder and of earlier lines, on disk: memory does not grow with their number.

    It ends with the process; sorted.csv is what stays.
    """

    def __init__(self) -> None:
        self._rows = sqlite3.connect("")  # a file of its own, which SQLite deletes
        columns = "path TEXT PRIMARY KEY, bytes INTEGER, mtime_ns INTEGER, folder TEXT, error TEXT"
        self._rows.execute(f"CREATE TABLE photos ({columns}) WITHOUT ROWID")

    def found(self, files: Iterable[File]) -> None:
        """Photos of the folder, which now wait."""
        self._rows.executemany("INSERT INTO photos (path, bytes, mtime_ns) VALUES (?, ?, ?)", files)

    def earlier(self, row: Row, stands: bool) -> None:
        """A line of an earlier time; its photo waits no longer if it is as then, and its file stands."""
        self.note(row)
        if stands and not row.error:
            done = "UPDATE photos SET bytes = NULL WHERE path = ? AND bytes = ? AND mtime_ns = ?"
            self._rows.execute(done, (row.path, row.bytes, row.mtime_ns))

    def note(self, row: Row) -> None:
        """A later line of a photo goes before an earlier one."""
        say = """INSERT INTO photos (path, folder, error) VALUES (?, ?, ?) ON CONFLICT (path)
            DO UPDATE SET folder = coalesce(excluded.folder, folder), error = excluded.error"""
        self._rows.execute(say, (row.path, None if row.error else row.folder, row.error or None))

    @property
    def waiting(self) -> int:
        """How many photos wait."""
        return self._rows.execute("SELECT count(*) FROM photos WHERE bytes IS NOT NULL").fetchone()[0]

    def files(self) -> Iterator[File]:
        """The photos that wait, by path."""
        page = """SELECT path, bytes, mtime_ns FROM photos WHERE bytes IS NOT NULL AND path > ?
            ORDER BY path LIMIT ?"""
        last = ""
        while files := self._rows.execute(page, (last, PAGE)).fetchall():
            yield from files
            last = files[-1][0]

    def error(self, path: str) -> str | None:
        """Why a photo could not be read."""
        return self._rows.execute("SELECT error FROM photos WHERE path = ?", (path,)).fetchone()[0]

    def folders(self) -> dict[str, int]:
        """Photos of each folder."""
        count = "SELECT folder, count(*) FROM photos WHERE folder IS NOT NULL GROUP BY folder ORDER BY folder"
        return dict(self._rows.execute(count))

    def unreadable(self) -> Iterator[tuple[str, str]]:
        """Photos that cannot be read, and why."""
        return self._rows.execute("SELECT path, error FROM photos WHERE error IS NOT NULL ORDER BY path")


def append(table: TextIO, row: Row) -> None:
    """Note a line for good."""
    csv.writer(table, lineterminator="\n").writerow(row)
    table.flush()


def opened(to: Path, now: Json) -> Iterator[Row]:
    """The lines of an earlier time, when `to` was sorted with the same settings; a new table otherwise.

    Raises InputError when it was sorted with others, or a file of it is damaged.
    """
    before, file, header = settings(to), to / TABLE, ",".join(Row._fields) + "\n"
    if before is None:
        if file.exists() and file.read_text(encoding=TABLE_ENCODING) not in ("", header):
            raise InputError("{file} is there, and not of this command. Give another --to.", file=file)
        to.mkdir(parents=True, exist_ok=True)
        file.write_text(header, encoding=TABLE_ENCODING)
        write_json(to / SETTINGS, now)  # the last, so that a table stands whenever there are settings
        return iter(())
    for name, value in now.items():
        if before[name] != value:
            what = (
                "{to} was sorted otherwise: {name} was {before} and is {now}. Give another --to, or take it "
                "back first with `sort --undo {to}`."
            )
            raise InputError(what, to=to, name=name, before=before[name], now=value)
    _cut_half_a_line(file)
    return rows(file)


def settings(to: Path) -> Json | None:
    """What `to` was sorted with; None where nothing was. Raises InputError when the file is damaged."""
    file = to / SETTINGS
    if not file.is_file():
        return None
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return {name: found[name] for name in ("folder", "model", "below", "how")}
    except (ValueError, KeyError, TypeError):
        raise InputError("{file} is damaged. Put a copy back, or give another --to.", file=file) from None


def _cut_half_a_line(file: Path) -> None:
    """What a process that was killed left of a line; its photo has no file yet."""
    if not file.is_file():
        return
    with file.open("rb+") as table:
        size = table.seek(0, 2)
        table.seek(max(0, size - 65536))
        end = table.read()
        table.truncate(size - len(end) + end.rfind(b"\n") + 1)


def rows(file: Path) -> Iterator[Row]:
    """The lines of a table. Raises InputError when it is missing or damaged."""
    damaged = "{file} is damaged in line {line}. Put a copy back, or give another --to."
    if not file.is_file():
        raise InputError("{file} is missing. Put a copy back, or give another --to.", file=file)
    with file.open(encoding=TABLE_ENCODING, newline="") as table:
        reader = csv.reader(table, strict=True)
        try:
            for number, line in enumerate(reader):
                if len(line) != len(Row._fields) or (number == 0 and tuple(line) != Row._fields):
                    raise InputError(damaged, file=file, line=reader.line_num)
                row = Row(*line)
                if PurePosixPath(row.to).is_absolute() or ".." in PurePosixPath(row.to).parts:
                    raise InputError(damaged, file=file, line=reader.line_num)
                if number:
                    yield row
        except (csv.Error, UnicodeDecodeError):
            raise InputError(damaged, file=file, line=reader.line_num + 1) from None
