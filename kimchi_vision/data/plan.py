"""Where the photos of an archive go: into class folders, within the folders of their parts."""

import tempfile
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from kimchi_vision.base.errors import DataError
from kimchi_vision.base.sentence import Note
from kimchi_vision.data.archive import Entry
from kimchi_vision.data.folder import TABLES, Tree
from kimchi_vision.data.formats import HEAD, NEVER_PHOTOS, SUFFIXES, looks_like_photo
from kimchi_vision.data.layout import folders, labels
from kimchi_vision.data.layout.files import few
from kimchi_vision.data.layout.reading import Reading
from kimchi_vision.data.names import hidden, is_collection, is_wrapper, part_of

MOST = 1 << 26
"""Bytes of a file up to which its content is looked at where its name says nothing."""


@dataclass
class Plan:
    """places: the folder to write, POSIX and below the target, and a photo, as they lie in the archive.

    left_out: what does not go anywhere, counted by kind. parts: train, valid and test, as far as folders of
    the archive are named so. nested: whether folders above the classes are kept, as classes of one name lie
    in several. missing: folders of classes without a photo, and why.
    """

    places: list[tuple[str, Entry]]
    left_out: Counter[str] = field(default_factory=Counter)
    parts: tuple[str, ...] = ()
    nested: bool = False
    missing: dict[str, Note] = field(default_factory=dict)

    def check(self, to: Path) -> None:
        """Raise DataError when parts and photos without a part would come together, here or in `to`."""
        without = sum(not part_of(folder.split("/")[0]) for folder, _ in self.places)
        if self.parts and without:
            raise DataError(
                "{count} {count:photo lies/photos lie} in folders of parts ({parts}), {without} in none. "
                "Import them one after the other, each with --category and its own --to.",
                count=len(self.places) - without,
                parts=", ".join(self.parts),
                without=without,
            )
        there = [each.name for each in to.iterdir() if _holds_photos(each)] if to.is_dir() else []
        if there and any(map(part_of, there)) != bool(self.parts):
            parts = "{to} holds class folders, and this archive parts: give another --to."
            classes = "{to} holds parts, and this archive class folders: give another --to."
            raise DataError(parts if self.parts else classes, to=to)


def plan(entries: Sequence[Entry], per_class: int | None, source: Path) -> Plan:
    """Photos by class and part, as data.layout reads folders; of each class the first `per_class` by name.

    A class is the folder that a photo lies in, or above it where that one is a part.
    Raises DataError when a file of labels in the archive says otherwise.
    """
    found, tree = Plan([]), Tree(Path())
    photos = _photos(entries, found.left_out, tree)
    reading = folders.read(tree, "path")
    _read_files(entries, source, tree, reading)
    placed = _placed(photos, reading)
    without = [entry for entry in photos if entry.name not in placed]
    of_part = sum(bool(_part(entry.folder)) for entry in without)
    found.left_out["photos of a part without a class"] = of_part
    found.left_out["photos beside class folders"] = len(without) - of_part
    found.nested = _is_nested({classes for _, classes in placed.values()})
    found.parts = tuple(each for each in ("train", "valid", "test") if each in dict(placed.values()))
    depth = 0 if found.nested else -1
    above = ("train",) if found.parts else ()
    found.missing = {
        "/".join((*above, *_classes(label)[depth:])): why
        for label, why in reading.missing.items()
        if _classes(label)
    }
    taken: Counter[str] = Counter()
    chosen = {}
    for entry in sorted((entry for entry in photos if entry.name in placed), key=lambda entry: entry.name):
        part, classes = placed[entry.name]
        folder = "/".join(filter(None, (part, *classes[depth:])))
        taken[folder] += 1
        if per_class is None or taken[folder] <= per_class:
            chosen[id(entry)] = folder
    found.places = [(chosen[id(entry)], entry) for entry in photos if id(entry) in chosen]
    return found


def _read_files(entries: Sequence[Entry], source: Path, tree: Tree, reading: Reading) -> None:
    """Give `reading` the parts that files of the archive say, and check that their classes are its own."""
    read = {entry.name: entry for entry in entries if entry.size < MOST}
    of_kind = {name: PurePosixPath(name).suffix.lower() for name in read}
    tree.lists = [name for name, kind in of_kind.items() if kind == ".txt"]
    tree.tables = [name for name, kind in of_kind.items() if kind in TABLES]
    with tempfile.TemporaryDirectory() as place:
        tree.root = Path(place)
        for name in {*few(tree.tables), *labels.part_files(tree)}:
            (tree.root / name).parent.mkdir(parents=True, exist_ok=True)
            (tree.root / name).write_bytes(read[name].read())
        try:
            table = labels.read(tree, "table")
        except DataError:  # a file that contradicts itself says nothing of folders
            table = None
        if table and not table.guessed and len(table.labels) > len(reading.labels) / 2:
            if not table.divides_as(reading):
                what = (
                    "{source} holds {file}, which gives its photos other classes than their folders do. "
                    "Unpack it and give the folder: `run` and `data check` read such files."
                )
                raise DataError(what, source=source, file=table.source[1]["file"])
            reading.parts = reading.parts or table.parts
        reading.parts = reading.parts or labels.parts(tree, reading)[0]


def _placed(photos: Sequence[Entry], reading: Reading) -> dict[str, tuple[str, tuple[str, ...]]]:
    """By photo the part and the names of the class; photos without a class are missing."""
    found = {}
    for entry in photos:
        classes = _classes(reading.labels.get(entry.name, ""))
        if classes and entry.folder != ".":
            # A lone Training.zip has parts for whoever imports Validation.zip after it.
            found[entry.name] = (reading.parts.get(entry.name) or _part(entry.folder), classes)
    return found


def _classes(label: str) -> tuple[str, ...]:
    names = [name for name in label.split("/") if name and not part_of(name)]
    return (*(each for each in names[:-1] if not is_wrapper(each)), *names[-1:])


def _part(folder: str) -> str:
    return next(filter(None, map(part_of, folder.split("/"))), "")


def _photos(entries: Sequence[Entry], left_out: Counter[str], tree: Tree) -> list[Entry]:
    """The photos; `tree` is told of them, and of what else lies in their folders."""
    photos = []
    for entry in entries:
        path, folder = PurePosixPath(entry.name), "" if entry.folder == "." else entry.folder
        if any(map(hidden, path.parts)):
            left_out["hidden files"] += 1
            continue
        files, ending = tree.photos.setdefault(folder, []), path.suffix.lower()
        doubtful = ending not in SUFFIXES | NEVER_PHOTOS and entry.size <= MOST
        if ending in SUFFIXES or (doubtful and looks_like_photo(entry.read()[:HEAD])):
            files.append((entry.name, 0, 0))
            photos.append(entry)
        elif not entry.name.endswith("/"):
            left_out["other files"] += 1
            tree.others.setdefault(folder, Counter())[ending or "nameless"] += 1
    return photos


def _is_nested(classes: set[tuple[str, ...]]) -> bool:
    """Whether leaf folders alone would merge classes or be none, as `bibimbap/day1` and `pizza/day1`."""
    parents = defaultdict(set)
    for names in classes:
        parents[names[-1]].add(names[:-1])
    several = len(set().union(*parents.values())) > 1 if parents else False
    return several and (any(len(each) > 1 for each in parents.values()) or any(map(is_collection, parents)))


def _holds_photos(folder: Path) -> bool:
    if not folder.is_dir() or folder.name.startswith("."):
        return False
    return any(file.suffix.lower() in SUFFIXES for file in folder.rglob("*"))
