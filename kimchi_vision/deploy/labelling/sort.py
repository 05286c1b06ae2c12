"""An unlabelled folder into class folders, by a run's model: resumes, overwrites nothing, can be undone."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple, TextIO

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.files import TABLE_ENCODING, sha256_of, write_json
from kimchi_vision.base.plain import Json
from kimchi_vision.data.folder import File, walk
from kimchi_vision.data.importing import free
from kimchi_vision.deploy.labelling.places import UNSURE, check_apart, check_classes, write
from kimchi_vision.deploy.predictor import Prediction, Predictor

How = Literal["copy", "link", "csv"]
TABLE, SETTINGS = "sorted.csv", "sorted.json"
"""What was sorted where, from which an undo is made; and by what."""


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


@dataclass
class Sorted:
    """What was sorted, now and before.

    into: each photo's folder, of the whole table. unreadable: why, by photo. now: photos of this time.
    there: of those, how many lay there with the same content. numbered: that got another name.
    """

    into: dict[str, str] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    now: int = 0
    there: int = 0
    numbered: int = 0

    @property
    def folders(self) -> dict[str, int]:
        """Photos of each folder."""
        return dict(sorted(Counter(self.into.values()).items()))

    def note(self, row: Row) -> None:
        """A later line of a photo goes before an earlier one."""
        if row.error:
            self.unreadable[row.path] = row.error
        else:
            self.into[row.path] = sys.intern(row.folder)
            self.unreadable.pop(row.path, None)


def sort(
    folder: Path,
    to: Path,
    predictor: Predictor,
    how: How = "copy",
    below: float | None = None,
    shown: Callable[[Iterable[Prediction], int], Iterable[Prediction]] = lambda answers, count: answers,
) -> Sorted:
    """Put the photos of a folder, at any depth, into class folders below `to`; goes on where it was stopped.

    how: copy, hard-link, or write sorted.csv alone. below: photos whose best probability is lower go into
    UNSURE; by default the threshold of the run. shown: wraps the answers, of which there are `count`.
    Raises InputError when `to` was sorted by another model, from another folder or in another way, or its
    table is damaged.
    """
    check_classes(predictor.vocab)
    check_apart(folder, to)
    if below is not None:
        predictor.facts = dataclasses.replace(predictor.facts, abstain_threshold=below)
    found = {file[0]: file for files in walk(folder).photos.values() for file in files}
    if not found:
        raise InputError("{folder} holds no photo.", folder=folder)
    done, before = Sorted(), _opened(folder, to, predictor, how)
    for row in before:
        as_it_was = tuple(map(str, found.get(row.path, ()))) == (row.path, row.bytes, row.mtime_ns)
        done.note(row)
        if as_it_was and not row.error and (not row.to or (to / row.to).is_file()):
            del found[row.path]
    answers = predictor.stream((folder / path for path in found), top=1)
    with (to / TABLE).open("a", encoding="utf-8", newline="") as table:
        for file, answer in zip(found.values(), shown(answers, len(found)), strict=True):
            _take(folder, file, answer, _Target(to, how, table), done)
    return done


def undo(to: Path) -> tuple[int, dict[str, str]]:
    """Take away the files that `sort` made: how many, and those that stay, with the key of the reason.

    A file that was changed stays, and so does the last copy of a photo. Raises InputError when nothing was
    sorted there, or the table is damaged; then all stays.
    """
    settings, rows = _settings(to), list(_rows(to / TABLE))
    if settings is None:
        raise InputError("{to} holds no {table}: nothing was sorted there.", to=to, table=TABLE)
    removed, kept = 0, {}
    for row in rows:
        file, photo = to / row.to, Path(settings["folder"]) / row.path
        if not row.to or not file.is_file():
            continue
        if sha256_of(file) != row.sha256:
            kept[row.to] = "sort_changed"
        elif not photo.is_file() or str(photo.stat().st_size) != row.bytes:
            kept[row.to] = "sort_last_copy"
        else:
            file.unlink()
            removed += 1
    for folder in sorted(
        {parent for row in rows if row.to for parent in (to / row.to).parents}, reverse=True
    ):
        with suppress(OSError):  # it holds something else
            if to in folder.parents:
                folder.rmdir()
    for name in (TABLE, SETTINGS):
        (to / name).unlink(missing_ok=True)
    return removed, kept


class _Target(NamedTuple):
    to: Path
    how: How
    table: TextIO


def _take(folder: Path, file: File, answer: Prediction, target: _Target, done: Sorted) -> None:
    """Note a photo, then make its file: what is not noted could not be undone."""
    path, *facts = map(str, file)
    source, content, error = folder / path, b"", answer.error
    try:
        content = source.read_bytes()
    except OSError as gone:
        error = gone.strerror
    if error:
        row = Row(path, "", "", "", "", "", *facts, " ".join(error.split()))
        if done.unreadable.get(row.path) != row.error:
            _note(target.table, row)
        done.note(row)
        return
    ((label, probability),) = answer.classes
    row = Row(
        path, label, f"{probability:.6f}", str(answer.known), "", hashlib.sha256(content).hexdigest(),
        *facts, "",
    )  # fmt: skip
    name = PurePosixPath(path).name
    place, there = (
        ("", False) if target.how == "csv" else free(target.to, f"{row.folder}/{name}", content, set())
    )
    row = row._replace(to="" if there else place)
    _note(target.table, row)
    if row.to:
        write(source, target.to / row.to, target.how == "link")
    done.note(row)
    done.now += 1
    done.there += there
    done.numbered += bool(row.to) and PurePosixPath(row.to).name != name


def _note(table: TextIO, row: Row) -> None:
    csv.writer(table, lineterminator="\n").writerow(row)
    table.flush()


def _opened(folder: Path, to: Path, predictor: Predictor, how: How) -> Iterator[Row]:
    """The lines of an earlier time, when `to` was sorted in the same way; a new table otherwise."""
    threshold = predictor.facts.abstain_threshold
    now = {
        "folder": str(folder.resolve()),
        "model": sha256_of(predictor.file),
        "below": threshold,
        "how": how,
    }
    before, file, header = _settings(to), to / TABLE, ",".join(Row._fields) + "\n"
    if before is None:
        if file.exists() and file.read_text(encoding=TABLE_ENCODING) not in ("", header):
            raise InputError("{file} is there, and not of this command. Give another --to.", file=file)
        to.mkdir(parents=True, exist_ok=True)
        file.write_text(header, encoding=TABLE_ENCODING)
        write_json(to / SETTINGS, now)  # the last, so that a table stands whenever there are settings
        return iter(())
    for name, value in now.items():
        if before[name] != value:
            raise InputError(
                "{to} was sorted otherwise: {name} was {before} and is {now}. Give another --to, or take it "
                "back first with `sort --undo {to}`.",
                to=to,
                name=name,
                before=before[name],
                now=value,
            )
    _cut_half_a_line(file)
    return _rows(file)


def _settings(to: Path) -> Json | None:
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


def _rows(file: Path) -> Iterator[Row]:
    """Raises InputError when the table is missing or damaged."""
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
