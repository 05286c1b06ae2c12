"""Lay the photos of an archive or folder out as class folders."""

import errno
import io
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import pandas as pd

from kimchi_vision.base.errors import DataError
from kimchi_vision.base.files import write_table
from kimchi_vision.base.progress import bar
from kimchi_vision.base.sentence import Note, Sentence, noted
from kimchi_vision.data.archive import Entry, check_space, opened
from kimchi_vision.data.boxes import BOXES, PROPERTIES, SIDES, Boxes, read_boxes
from kimchi_vision.data.photo import open_photo
from kimchi_vision.data.plan import Plan, plan
from kimchi_vision.data.tables import read_csv
from kimchi_vision.data.zip_names import Names


@dataclass
class Imported:
    """What an import did.

    classes: photos of the archive by the folder that they went to. written and there: photos that were new,
    and that were there already with the same content. numbered: new ones under another name, as another photo
    has theirs. left_out: what was passed over, counted by kind. notes: what was decided.
    """

    classes: dict[str, int] = field(default_factory=dict)
    written: int = 0
    there: int = 0
    numbered: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    notes: tuple[Note, ...] = ()

    def left_out_notes(self) -> list[Note]:
        """What was passed over, by kind."""
        counts = [(kind, count) for kind, count in sorted(self.left_out.items()) if count]
        return [("import_left_out", {"count": count, "kind": [(kind, {})]}) for kind, count in counts]


def import_photos(
    source: Path,
    to: Path,
    category: str | None = None,
    per_class: int | None = None,
    crop: bool = False,
    encoding: str | None = None,
) -> Imported:
    """Write the photos of `source` into class folders below `to`, beside what is there.

    A photo that is there already is kept, so an interrupted import goes on; another one of its name gets a
    number, `x-2.jpg`.
    category: only a folder, or an inner zip, of this name. per_class: the first photos of each class folder
    by name. crop: cut each photo to its box from crop_area.properties; else the boxes are kept in boxes.csv.
    encoding: of names that do not say theirs.
    Raises DataError: see archive.opened and Plan.check; too little space, no right to write, too much to
    unpack.
    """
    names = Names(encoding)
    with opened(source, category, names) as entries:
        found = plan(entries, per_class, source)
        done = Imported(left_out=found.left_out, notes=tuple(_notes(found, names)))
        boxes = _boxes(entries, done)
        if not found.places:
            what = "{source} holds no photo in a class folder. {left_out}."
            raise DataError(what, source=source, left_out=noted(done.left_out_notes(), "; "))
        done.classes = dict(sorted(Counter(folder for folder, _ in found.places).items()))
        _write(found, to, boxes, crop, done)
    return done


def _write(found: Plan, to: Path, boxes: Mapping[str, Boxes], crop: bool, done: Imported) -> None:
    """Photos and boxes.csv, after a look at whether there is room and right to."""
    try:
        found.check(to)
        to.mkdir(parents=True, exist_ok=True)
        for folder in found.missing:  # left empty, so that every command asks about the class
            (to / folder).mkdir(parents=True, exist_ok=True)
        check_space(_missing(found, to, crop), to)
        rows = list(_write_all(found, to, boxes, crop, done))
        if rows:
            file, table = to / BOXES, pd.DataFrame(rows, columns=["path", *SIDES])
            if file.is_file():  # of earlier imports
                known = read_csv(file, list(table), Sentence("`data import` writes one."))[[*table]]
                table = pd.concat([known[~known["path"].isin(table["path"])], table])
            write_table(file, table)
    except OSError as error:
        megabytes = sum(entry.size for entry in _missing(found, to, crop)) / 1e6
        full = Sentence("the disk is full, {megabytes:.1f} MB more are needed", megabytes=megabytes)
        reason = full if error.errno == errno.ENOSPC else error.strerror
        unwritten = "{to} cannot be written: {reason}. What is there is whole; import again."
        raise DataError(unwritten, to=to, reason=reason) from None
    finally:
        (to / ".partial").unlink(missing_ok=True)


def _notes(found: Plan, names: Names) -> Iterator[Note]:
    for encoding, texts in names.guessed.items():
        yield "import_encoding", {"encoding": encoding, "names": ", ".join(dict.fromkeys(texts[:5]))}
    for folder, why in sorted(found.missing.items()):
        yield "found_missing", {"label": folder, "why": [why]}
    if found.parts:
        yield "import_parts", {"parts": ", ".join(found.parts)}
    if found.nested:
        yield "import_nested", {"folders": ", ".join(sorted({folder for folder, _ in found.places})[:3])}


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


def _missing(found: Plan, to: Path, crop: bool) -> list[Entry]:
    """Photos whose file is not there, or of another size where sizes are kept."""
    files = ((to / folder / PurePosixPath(entry.name).name, entry) for folder, entry in found.places)
    return [
        each
        for file, each in files
        if not (os.path.isfile(file) and (crop or file.stat().st_size == each.size))
    ]


def _write_all(
    found: Plan, to: Path, boxes: Mapping[str, Boxes], crop: bool, done: Imported
) -> Iterator[tuple[str, int, int, int, int]]:
    """Write the photos, each whole or not at all; yields their paths and boxes, unless they are cut."""
    own: set[str] = set()
    for folder, entry in bar(found.places, "Importing"):
        content = entry.read()
        box = _box(entry, content, boxes.get(entry.folder), done)
        if crop and box:
            jpeg = PurePosixPath(entry.name).suffix.lower() in (".jpg", ".jpeg")
            file = io.BytesIO()
            open_photo(content).crop(box).save(file, "JPEG" if jpeg else "PNG", quality=95)
            content = file.getvalue()
        path, there = free(to, f"{folder}/{PurePosixPath(entry.name).name}", content, own)
        own.add(path)
        done.there += there
        done.written += not there
        done.numbered += not there and PurePosixPath(path).name != PurePosixPath(entry.name).name
        if not there:
            (to / path).parent.mkdir(parents=True, exist_ok=True)
            (to / ".partial").write_bytes(content)
            os.replace(to / ".partial", to / path)
        if box and not crop:
            yield (path, *box)


def free(to: Path, path: str, content: bytes, own: set[str]) -> tuple[str, bool]:
    """`path`, or numbered, where nothing lies, and False; or where this content lies already, and True.

    own: paths of this import's photos. Two of them with one name stay two, even if they are alike, so that
    an interrupted import finds each again.
    """
    plain, number = PurePosixPath(path), 1
    while path in own or (to / path).exists():
        there = to / path
        known = path not in own and there.is_file() and there.stat().st_size == len(content)
        if known and there.read_bytes() == content:
            return path, True
        number += 1
        path = str(plain.with_name(f"{plain.stem}-{number}{plain.suffix}"))
    return path, False


def _box(entry: Entry, content: bytes, boxes: Boxes | None, done: Imported) -> tuple[int, ...] | None:
    """The box of a photo; one that is outside is counted."""
    stem = PurePosixPath(entry.name).stem
    if boxes is None or stem.lower() not in boxes.areas:
        return None
    try:
        photo = open_photo(content)
    except ValueError:
        return None  # It is written as it is; `data check` names it.
    box = boxes.of(stem, photo.size)
    done.left_out["boxes outside their photo"] += box is None
    return box
