"""One reading of a folder of photos: which classes, which parts, and what was set aside, for every command.

To add a layout of folders, write one reader beside `folders` and `labels`, with the trees that it knows in
tests/data/test_data_layout.py.
"""

import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from kimchi_vision.base.errors import DataError
from kimchi_vision.base.sentence import Note, Sentence, Sentences, noted
from kimchi_vision.data.folder import WHERE_FROM, Tree, walk
from kimchi_vision.data.formats import NEVER_PHOTOS
from kimchi_vision.data.layout import folders, labels
from kimchi_vision.data.layout.reading import Reading, UndecidedError

Layout = Literal["auto", "first", "folder", "path", "parts", "table"]
SHOWN = 6
"""Classes, links or folders that one sentence names."""
COVERED = 0.5
"""Share of the photos that a file of labels must name to be asked about beside class folders."""


@dataclass
class Listing:
    """The photos of a folder as they were read.

    photos: columns path (POSIX, below the folder), label (NFC), part (train, valid, test, or "" where the set
    does not say), bytes, mtime_ns; sorted by NFC path.
    took: one sentence on what was taken. missing: notes on classes without photos, by class.
    left: notes on whatever else was left out. asked: the value of `data.layout` that was given.
    """

    photos: pd.DataFrame
    took: Note
    asked: Layout = "auto"
    missing: dict[str, Note] = field(default_factory=dict)
    left: list[Note] = field(default_factory=list)

    @property
    def parted(self) -> bool:
        """Whether the set itself says which photos train and which score."""
        return bool((self.photos["part"] != "").any())

    def notes(self) -> list[Note]:
        """What was taken, then what was left out, the gravest first."""
        return [self.took, *self.missing.values(), *self.left]


def read(root: Path, layout: Layout = "auto", missing_class: Literal["error", "drop"] = "error") -> Listing:
    """List the photos below `root` with their classes and parts.

    layout, missing_class: keys of the section data.
    Raises DataError when the folder is missing or holds no photo of a class, when it can be read in several
    ways, and when a class has no photo.
    """
    tree = walk(root)
    reading = _reading(tree, layout)
    left = _left(tree)
    _without_untrained(reading)
    gone = sorted(reading.missing.items())
    missing = {name: ("found_missing", {"label": name, "why": [why]}) for name, why in gone}
    if not reading.labels:
        aside = [Sentence("{what}.", what=each) for each in noted(reading.aside).parts]
        whys = noted([*list(missing.values())[:SHOWN], *left])
        more = Sentences([*aside, *whys.parts, WHERE_FROM], " ")
        raise DataError("{root} holds no photo in a class folder. {more}", root=root, more=more)
    if missing and missing_class == "error":
        more = Sentence(" So are {count} more.", count=len(missing) - SHOWN) if len(missing) > SHOWN else ""
        what = (
            "{root}: {what}{more} Bring the photos, move the folder away, or train without with "
            "`data.missing_class: drop`."
        )
        raise DataError(what, root=root, what=noted(list(missing.values())[:SHOWN]), more=more)
    return Listing(_table(tree, reading), reading.note(), layout, missing, left)


def _reading(tree: Tree, layout: Layout) -> Reading:
    if layout == "table":
        table = labels.read(tree, layout)
        if table is None:
            raise DataError(
                "{root} holds no CSV or JSON file that gives classes to its photos.", root=tree.root
            )
        return table
    try:
        by_folders = folders.read(tree, layout)
        possible = [by_folders] if len(by_folders.classes) > 1 else []
    except UndecidedError as undecided:
        by_folders, possible = None, _each(tree, undecided.ways)
    table = labels.read(tree, layout) if layout == "auto" else None
    if table is not None and (not possible or _is_rival(table, possible, tree)):
        possible.append(table)
    elif table is not None and by_folders in possible and table.parts and not by_folders.parts:
        by_folders.parts, by_folders.parted_by = table.parts, table.parted_by
    if len(possible) > 1:
        several = (
            "{root} can be read in {count} ways, and only you know which is meant:\n{ways}\n"
            "Write the line that is meant into the experiment (--layout on the command line)."
        )
        raise DataError(several, root=tree.root, count=len(possible), ways=Sentences(map(_way, possible)))
    reading = possible[0] if possible else by_folders or folders.read(tree, "folder")
    if not reading.parts:
        reading.parts, reading.parted_by = labels.parts(tree, reading)
    return reading


def _without_untrained(reading: Reading) -> None:
    """Count classes that only the test part has among the missing ones: nothing can learn them."""
    learned = {label for path, label in reading.labels.items() if reading.parts.get(path) != "test"}
    for label, count in reading.classes.items():
        if learned and label not in learned:
            reading.missing[label] = ("why_untrained", {"count": count})
    if learned:
        reading.labels = {path: label for path, label in reading.labels.items() if label in learned}


def _each(tree: Tree, ways: list[str]) -> list[Reading]:
    """The readings of folders that give two classes or more, without those that say the same as another."""
    found: list[Reading] = []
    for way in ways:
        try:
            reading = folders.read(tree, way)
        except UndecidedError:
            continue
        known = [(each.labels, each.parts) for each in found]
        reading.way = way
        if len(reading.classes) > 1 and (reading.labels, reading.parts) not in known:
            found.append(reading)
    return found


def _is_rival(table: Reading, possible: list[Reading], tree: Tree) -> bool:
    """Whether a file of labels says something else than the folders, of enough photos to be meant."""
    photos = sum(map(len, tree.photos.values()))
    if table.guessed or len(table.labels) < COVERED * photos:
        return False
    return not all(table.divides_as(each) for each in possible)


def _way(reading: Reading) -> Sentence:
    counts = sorted(reading.classes.items())
    shown = ", ".join(f"{name} {count}" for name, count in counts[:SHOWN])
    return Sentence(
        "  `data.layout: {way}`: {note} Photos: {shown}{more}.",
        way=reading.way,
        note=[reading.note()],
        shown=shown,
        more=Sentence(" and {count} more", count=len(counts) - SHOWN) if len(counts) > SHOWN else "",
    )


def _left(tree: Tree) -> list[Note]:
    """Notes on what is no photo of a class, the gravest first."""
    broken = [name for name, (key, _) in tree.no_folders.items() if key == "why_broken"]
    again = [name for name, (key, _) in tree.no_folders.items() if key == "why_again"]
    others = sum(tree.others.values(), Counter())
    plain = {ending: others.pop(ending) for ending in NEVER_PHOTOS & others.keys()}
    links = {"found_broken": broken, "found_again": again}
    links |= {"found_loops": tree.loops, "found_outside": tree.outside}
    undecodable = tree.strays["undecodable"]
    return [
        *([("found_undecodable", {"count": undecodable})] if undecodable else []),
        *((key, {"count": len(paths), "links": _shown(paths)}) for key, paths in links.items() if paths),
        *_others(others),
        *((f"found_{kind}", {"count": n}) for kind in ("raw", "hidden") if (n := tree.strays[kind])),
        *_others(plain),
    ]


def _others(counts: dict[str, int]) -> list[Note]:
    return [("found_others", {"count": count, "ending": ending}) for ending, count in sorted(counts.items())]


def _shown(paths: list[str]) -> str:
    return ", ".join(sorted(paths)[:SHOWN]) + (" …" if len(paths) > SHOWN else "")


def _table(tree: Tree, reading: Reading) -> pd.DataFrame:
    rows = [row for files in tree.photos.values() for row in files if row[0] in reading.labels]
    rows.sort(key=itemgetter(0))
    # Most names are normalised; making a key of each costs a look at a folder a tenth.
    if not unicodedata.is_normalized("NFC", "\n".join([row[0] for row in rows])):
        rows.sort(key=lambda row: unicodedata.normalize("NFC", row[0]))
    # zip(*rows) would make an iterator for each row, and so many set off a full garbage collection.
    paths, sizes, times = ([row[place] for row in rows] for place in range(3))
    forms = {label: unicodedata.normalize("NFC", label) for label in reading.classes}
    named = {"path": paths, "label": [forms[reading.labels[path]] for path in paths]}
    named["part"] = [reading.parts.get(path, "") for path in paths]
    return pd.DataFrame({**named, "bytes": np.array(sizes), "mtime_ns": np.array(times)})
