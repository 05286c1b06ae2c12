"""An unlabelled folder into class folders, by a run's model: resumes, overwrites nothing, can be undone."""

import dataclasses
import hashlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple, TextIO

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.files import sha256_of
from kimchi_vision.data.folder import File, photos_by_folder
from kimchi_vision.data.importing import free
from kimchi_vision.deploy.labelling import sorted_table
from kimchi_vision.deploy.labelling.places import check_apart, check_classes, write
from kimchi_vision.deploy.labelling.sorted_table import SETTINGS, TABLE, Known, Row
from kimchi_vision.deploy.predictor import Prediction, Predictor

How = Literal["copy", "link", "csv"]
CHUNK = 16
"""Photos whose files are held at once."""


class Read(NamedTuple):
    """A photo of the folder, its content, and what the model says of it."""

    file: File
    content: bytes
    answer: Prediction


@dataclass
class Sorted:
    """What was sorted, now and before.

    known: each photo's folder, of the whole table, and why photos cannot be read. now: photos of this time.
    there: of those, how many lay there with the same content. numbered: that got another name.
    """

    known: Known = field(default_factory=Known)
    now: int = 0
    there: int = 0
    numbered: int = 0


def sort(
    folder: Path,
    to: Path,
    predictor: Predictor,
    how: How = "copy",
    below: float | None = None,
    shown: Callable[[Iterable[Read], int], Iterable[Read]] = lambda photos, count: photos,
) -> Sorted:
    """Put the photos of a folder, at any depth, into class folders below `to`; goes on where it was stopped.

    how: copy, hard-link, or write sorted.csv alone. below: photos whose best probability is lower go into
    UNSURE; by default the threshold of the run. shown: wraps the photos as they are answered, of which there
    are `count`. Each photo is read once, and memory does not grow with their number.
    Raises InputError when `to` was sorted by another model, from another folder or in another way, or its
    table is damaged.
    """
    check_classes(predictor.vocab)
    check_apart(folder, to)
    if below is not None:
        predictor.facts = dataclasses.replace(predictor.facts, abstain_threshold=below)
    done = Sorted()
    for files in photos_by_folder(folder):
        done.known.found(files)
    if not done.known.waiting:
        raise InputError("{folder} holds no photo.", folder=folder)
    model, threshold = sha256_of(predictor.file), predictor.facts.abstain_threshold
    now = {"folder": str(folder.resolve()), "model": model, "below": threshold, "how": how}
    for row in sorted_table.opened(to, now):
        done.known.earlier(row, not row.to or (to / row.to).is_file())
    with (to / TABLE).open("a", encoding="utf-8", newline="") as table:
        photos = _answered(folder, done.known.files(), predictor)
        for photo in shown(photos, done.known.waiting):
            _take(folder / photo.file[0], photo, to, how, table, done)
    return done


def _answered(folder: Path, files: Iterator[File], predictor: Predictor) -> Iterator[Read]:
    with ThreadPoolExecutor() as pool:
        while chunk := list(islice(files, CHUNK)):
            paths = [path for path, _, _ in chunk]
            contents, prepared = zip(*pool.map(predictor.read, map(folder.joinpath, paths)), strict=True)
            yield from map(Read, chunk, contents, predictor.answers(paths, prepared, top=1))


def undo(to: Path) -> tuple[int, dict[str, str]]:
    """Take away the files that `sort` made: how many, and those that stay, with the key of the reason.

    A file that was changed stays, and so does the last copy of a photo. Raises InputError when nothing was
    sorted there, or the table is damaged; then all stays.
    """
    before = sorted_table.settings(to)
    if before is None:
        raise InputError("{to} holds no {table}: nothing was sorted there.", to=to, table=TABLE)
    folders = {parent for row in sorted_table.rows(to / TABLE) if row.to for parent in (to / row.to).parents}
    removed, kept = 0, {}
    for row in sorted_table.rows(to / TABLE):
        file, photo = to / row.to, Path(before["folder"]) / row.path
        if not row.to or not file.is_file():
            continue
        if sha256_of(file) != row.sha256:
            kept[row.to] = "sort_changed"
        elif not photo.is_file() or str(photo.stat().st_size) != row.bytes:
            kept[row.to] = "sort_last_copy"
        else:
            file.unlink()
            removed += 1
    for folder in sorted(folders, reverse=True):
        with suppress(OSError):  # it holds something else
            if to in folder.parents:
                folder.rmdir()
    for name in (TABLE, SETTINGS):
        (to / name).unlink(missing_ok=True)
    return removed, kept


def _take(source: Path, photo: Read, to: Path, how: How, table: TextIO, done: Sorted) -> None:
    """Note a photo, then make its file: what is not noted could not be undone."""
    path, *facts = map(str, photo.file)
    if photo.answer.error:
        row = Row(path, "", "", "", "", "", *facts, " ".join(photo.answer.error.split()))
        if done.known.error(path) != row.error:
            sorted_table.append(table, row)
        done.known.note(row)
        return
    ((label, probability),) = photo.answer.classes
    digest, known = hashlib.sha256(photo.content).hexdigest(), str(photo.answer.known)
    row = Row(path, label, f"{probability:.6f}", known, "", digest, *facts, "")
    name, place, there = source.name, "", False
    if how != "csv":
        place, there = free(to, f"{row.folder}/{name}", photo.content, set())
    row = row._replace(to="" if there else place)
    sorted_table.append(table, row)
    if row.to:
        write(source, to / row.to, None if how == "link" else photo.content)
    done.known.note(row)
    done.now += 1
    done.there += there
    done.numbered += bool(row.to) and PurePosixPath(row.to).name != name
