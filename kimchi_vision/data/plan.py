"""Where the photos of an archive go: into class folders, within the folders of their parts."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from kimchi_vision.base.errors import DataError
from kimchi_vision.data.archive import Entry
from kimchi_vision.data.folder import Tree
from kimchi_vision.data.layout import folders
from kimchi_vision.data.names import hidden, is_collection, is_wrapper, part_of
from kimchi_vision.data.photo import SUFFIXES


@dataclass
class Plan:
    """places: the folder to write, POSIX and below the target, and a photo, as they lie in the archive.

    left_out: what does not go anywhere, counted by kind. parts: train, valid and test, as far as folders of
    the archive are named so. nested: whether folders above the classes are kept, as classes of one name lie
    in several.
    """

    places: list[tuple[str, Entry]]
    left_out: Counter[str] = field(default_factory=Counter)
    parts: tuple[str, ...] = ()
    nested: bool = False

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


def plan(entries: Sequence[Entry], per_class: int | None) -> Plan:
    """Photos by class and part, as data.layout reads folders; of each class the first `per_class` by name.

    A class is the folder that a photo lies in, or above it where that one is a part.
    """
    found = Plan([])
    photos = _photos(entries, found.left_out)
    placed = _placed(photos)
    without = [entry for entry in photos if entry.folder not in placed]
    of_part = sum(bool(_part(entry.folder)) for entry in without)
    found.left_out["photos of a part without a class"] += of_part
    found.left_out["photos beside class folders"] += len(without) - of_part
    found.nested = _is_nested({classes for _, classes in placed.values()})
    found.parts = tuple(each for each in ("train", "valid", "test") if each in dict(placed.values()))
    taken: Counter[str] = Counter()
    chosen = {}
    for entry in sorted((entry for entry in photos if entry.folder in placed), key=lambda entry: entry.name):
        part, classes = placed[entry.folder]
        folder = "/".join(filter(None, (part, *classes[0 if found.nested else -1 :])))
        taken[folder] += 1
        if per_class is None or taken[folder] <= per_class:
            chosen[id(entry)] = folder
    found.places = [(chosen[id(entry)], entry) for entry in photos if id(entry) in chosen]
    return found


def _placed(photos: Sequence[Entry]) -> dict[str, tuple[str, tuple[str, ...]]]:
    """By folder the part and the names of the class; folders whose photos have no class are missing."""
    tree, example = Tree(Path()), {entry.folder: entry.name for entry in photos}
    for entry in photos:
        tree.photos.setdefault("" if entry.folder == "." else entry.folder, []).append((entry.name, 0, 0))
    reading, found = folders.read(tree, "path"), {}
    for folder, name in example.items():
        names = [name for name in reading.labels.get(name, "").split("/") if name and not part_of(name)]
        classes = (*(each for each in names[:-1] if not is_wrapper(each)), *names[-1:])
        if classes and folder != ".":
            # A lone Training.zip has parts for whoever imports Validation.zip after it.
            found[folder] = (reading.parts.get(name) or _part(folder), classes)
    return found


def _part(folder: str) -> str:
    return next(filter(None, map(part_of, folder.split("/"))), "")


def _photos(entries: Sequence[Entry], left_out: Counter[str]) -> list[Entry]:
    photos = []
    for entry in entries:
        parts = PurePosixPath(entry.name).parts
        if any(map(hidden, parts)):
            left_out["hidden files"] += 1
        elif PurePosixPath(entry.name).suffix.lower() not in SUFFIXES:
            left_out["other files"] += not entry.name.endswith("/")
        else:
            photos.append(entry)
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
