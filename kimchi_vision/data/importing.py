"""Lay the photos of an archive or folder out as class folders."""

from __future__ import annotations

import errno
import os
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import pandas as pd
from PIL import Image
from rich.console import Console
from rich.progress import track

from kimchi_vision.base.errors import DataError
from kimchi_vision.base.files import write_table
from kimchi_vision.data.archive import Entry, check_space, opened
from kimchi_vision.data.boxes import Boxes, read_boxes
from kimchi_vision.data.cut import BOXES, PROPERTIES, SIDES
from kimchi_vision.data.folder import SYSTEM_FOLDERS
from kimchi_vision.data.photo import SUFFIXES, open_photo


@dataclass
class Imported:
    """What an import did: photos by class, and what was passed over, counted by kind."""

    classes: dict[str, int] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)


def import_photos(
    source: Path, to: Path, category: str | None = None, per_class: int | None = None, crop: bool = False
) -> Imported:
    """Write the photos of `source` into class folders below `to`, the first `per_class` of each by name.

    A photo that is there already is kept, so an interrupted import goes on. crop: cut each photo to its box
    from crop_area.properties; else the boxes are kept in boxes.csv.
    Raises DataError: see archive.opened; too little space, no right to write, too much to unpack.
    """
    done = Imported()
    with opened(source, category) as entries:
        boxes = _boxes(entries, done)
        plan = _plan(entries, per_class, done)
        if not plan:
            raise DataError(f"{source} holds no photo in a class folder. Left out: {dict(done.left_out)}.")
        done.classes = dict(sorted(Counter(path.split("/")[0] for path in plan).items()))
        try:
            to.mkdir(parents=True, exist_ok=True)
            check_space(_missing(plan, to), to)
            rows = [
                (path, *box)
                for path, entry in _shown(plan.items())
                if (box := _write(entry, to / path, boxes.get(entry.folder), crop, done))
            ]
            if rows and not crop:
                write_table(to / BOXES, pd.DataFrame(rows, columns=["path", *SIDES]))
        except OSError as error:
            needed = sum(entry.size for entry in _missing(plan, to)) / 1e6
            full = f"the disk is full, {needed:.1f} MB more are needed"
            reason = full if error.errno == errno.ENOSPC else error.strerror
            raise DataError(
                f"{to} cannot be written: {reason}. What is there is whole; import again."
            ) from None
        finally:
            (to / ".partial").unlink(missing_ok=True)
    return done


def _boxes(entries: list[Entry], done: Imported) -> dict[str, Boxes]:
    """Boxes by folder."""
    found = {}
    for entry in entries:
        if PurePosixPath(entry.name).name.lower() == PROPERTIES:
            found[entry.folder] = read_boxes(entry.read())
            done.left_out["box lines without sense"] += len(found[entry.folder].ignored)
            stems = {PurePosixPath(each.name).stem.lower() for each in entries if each.folder == entry.folder}
            done.left_out["boxes without a photo"] += len(set(found[entry.folder].areas) - stems)
    return found


def _plan(entries: list[Entry], per_class: int | None, done: Imported) -> dict[str, Entry]:
    """Entries by the path to write, in the order in which they lie in the archive."""
    photos = []
    for entry in entries:
        parts = PurePosixPath(entry.name).parts
        if any(part.startswith(".") or part in SYSTEM_FOLDERS for part in parts):
            done.left_out["hidden files"] += 1
        elif PurePosixPath(entry.name).suffix.lower() not in SUFFIXES:
            done.left_out["other files"] += not entry.name.endswith("/")
        else:
            photos.append(entry)
    above = {
        str(parent)
        for folder in {entry.folder for entry in photos}
        for parent in PurePosixPath(folder).parents
    }
    leaves = [entry for entry in photos if entry.folder not in above and entry.folder != "."]
    done.left_out["photos beside class folders"] += len(photos) - len(leaves)
    plan: dict[str, Entry] = {}
    taken: Counter[str] = Counter()
    for entry in sorted(leaves, key=lambda entry: entry.name):
        label, name = PurePosixPath(entry.folder).name, PurePosixPath(entry.name)
        if per_class is None or taken[label] < per_class:
            taken[label] += 1
            same = f"{label}/{name.name}" in plan
            plan[f"{label}/{name.stem}-{taken[label]}{name.suffix}" if same else f"{label}/{name.name}"] = (
                entry
            )
    order = {id(entry): place for place, entry in enumerate(entries)}
    return dict(sorted(plan.items(), key=lambda item: order[id(item[1])]))


def _missing(plan: dict[str, Entry], to: Path) -> list[Entry]:
    return [entry for path, entry in plan.items() if not (to / path).is_file()]


def _shown(items: Iterable[tuple[str, Entry]]) -> Iterable[tuple[str, Entry]]:
    console = Console(stderr=True)
    return track(list(items), "Importing", console=console, transient=True, disable=not sys.stderr.isatty())


def _write(
    entry: Entry, path: Path, boxes: Boxes | None, crop: bool, done: Imported
) -> tuple[int, int, int, int] | None:
    """Write one photo whole or not at all; returns its box."""
    there = path.is_file()
    stem = PurePosixPath(entry.name).stem
    boxed = boxes is not None and stem.lower() in boxes.areas
    if there and (crop or not boxed):
        return None
    content = path.read_bytes() if there else entry.read()
    photo = _photo(content) if boxed else None
    box = photo and boxes.of(stem, photo.size)
    done.left_out["boxes outside their photo"] += photo is not None and box is None
    if not there:
        path.parent.mkdir(exist_ok=True)
        partial = path.parent.parent / ".partial"
        if crop and box:
            photo.crop(box).save(
                partial, "JPEG" if path.suffix.lower() in (".jpg", ".jpeg") else "PNG", quality=95
            )
        else:
            partial.write_bytes(content)
        os.replace(partial, path)
    return box


def _photo(content: bytes) -> Image.Image | None:
    try:
        return open_photo(content)
    except ValueError:
        return None  # It is written as it is; `data check` names it.
