"""What lies in a folder: its photos at any depth, and what else was met; by one rule for every command."""

import os
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from kimchi_vision.base.errors import DataError
from kimchi_vision.base.sentence import Sentence
from kimchi_vision.data.formats import DECODED, HEAD, NEVER_PHOTOS, RAW, SUFFIXES, looks_like_photo
from kimchi_vision.data.names import hidden

WHERE_FROM = Sentence("Photos lie in folders named after their classes, such as photos/kimchi/1.jpg.")
TABLES = frozenset((".csv", ".tsv", ".json", ".jsonl"))
"""Endings of files that may hold labels."""
ARCHIVES = frozenset((".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar", ".alz", ".egg"))
"""Endings of files that may hold photos."""

File = tuple[str, int, int]
"""Path (POSIX, below the root, as on disk), bytes, mtime_ns; both are 0 for a link that leads nowhere."""


@dataclass
class Tree:
    """What lies below a folder.

    photos: by folder, a POSIX name below the root, which itself is ""; every folder that was opened is there.
    tables: files that may hold labels, POSIX names below the root. lists: text files. archives: such files.
    others: by folder, files that are no photos, counted by their ending.
    strays: hidden and undecodable names, and raw files beside their JPEG, counted.
    no_folders: what stands where a folder could and was not opened, with a key of messages and its values.
    outside: links that lead out of the root. loops: links to a folder that they lie in.
    """

    root: Path
    photos: dict[str, list[File]] = field(default_factory=dict)
    tables: list[str] = field(default_factory=list)
    lists: list[str] = field(default_factory=list)
    archives: list[str] = field(default_factory=list)
    others: dict[str, Counter[str]] = field(default_factory=dict)
    strays: Counter[str] = field(default_factory=Counter)
    no_folders: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)
    outside: list[str] = field(default_factory=list)
    loops: list[str] = field(default_factory=list)

    def files(self) -> list[str]:
        """The paths of all photos, sorted by their NFC form."""
        paths = [path for files in self.photos.values() for path, _, _ in files]
        return sorted(paths, key=lambda path: unicodedata.normalize("NFC", path))


def walk(root: Path) -> Tree:
    """Look through a folder. Links are followed; a folder that several links lead to is opened once.

    A file without a known ending is a photo when its first bytes are those of one.
    Raises DataError when the folder is missing.
    """
    found = _Walk(root)
    for _ in found.folders():
        pass
    return found.tree


def photos_by_folder(root: Path) -> Iterator[list[File]]:
    """What `walk` finds, one folder after the other, and none of it kept. Raises DataError as walk."""
    found = _Walk(root)
    for name in found.folders():
        yield found.tree.photos.pop(name)


class _Walk:
    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            file = "{root} is a file; give the folder that holds it. {where_from}"
            what = file if root.is_file() else "{root} does not exist. {where_from}"
            raise DataError(what, root=root, where_from=WHERE_FROM)
        self.tree = Tree(root)
        self.root = os.path.realpath(root)
        self.real = {"": self.root}  # by folder
        self.linked: dict[str, str] = {}  # folders by the real path that a link to them led to
        self.waiting = [""]

    def folders(self) -> Iterator[str]:
        """Name each folder when its photos are in the tree."""
        while self.waiting:
            name = self.waiting.pop()
            try:
                entries = sorted(os.scandir(self.tree.root / name), key=lambda entry: entry.name)
            except OSError as error:
                self.tree.no_folders[name] = ("why_closed", {"reason": error.strerror or str(error)})
                continue
            photos = self.tree.photos[name] = []
            self.tree.others[name] = Counter()
            above = f"{name}/" if name else ""
            for entry in entries:
                if _is_plain_photo(entry):  # nearly every entry is; the other questions cost time
                    stat = entry.stat(follow_symlinks=False)
                    photos.append((above + entry.name, stat.st_size, stat.st_mtime_ns))
                else:
                    self.take(entry, name, above + entry.name)
            self.leave_raw_copies(name)
            self.keep_broken_links(name)
            yield name

    def take(self, entry: os.DirEntry[str], folder: str, path: str) -> None:
        name = entry.name
        if hidden(name):
            self.tree.strays["hidden"] += 1
        elif not name.isprintable() and any("\udc80" <= letter <= "\udcff" for letter in name):
            self.tree.strays["undecodable"] += 1
            if entry.is_dir():
                shown = os.fsencode(path).decode("utf-8", "backslashreplace")
                self.tree.no_folders[shown] = ("why_undecodable", {})
        elif entry.is_symlink():
            self.follow(entry, folder, path)
        elif entry.is_dir(follow_symlinks=False):
            self.real[path] = os.path.join(self.real[folder], name)
            self.waiting.append(path)
        else:
            self.take_file(entry, folder, path)

    def take_file(self, entry: os.DirEntry[str], folder: str, path: str) -> None:
        ending = _ending(entry.name)
        known = ending in SUFFIXES or (ending not in NEVER_PHOTOS and _starts_as_photo(entry))
        if known and entry.is_file():
            stat = entry.stat()
            self.tree.photos[folder].append((path, stat.st_size, stat.st_mtime_ns))
        else:
            self.tree.others[folder][ending or "nameless"] += 1
            if ending in TABLES:
                self.tree.tables.append(path)
            elif ending == ".txt":
                self.tree.lists.append(path)
            elif ending in ARCHIVES:
                self.tree.archives.append(path)

    def follow(self, entry: os.DirEntry[str], folder: str, path: str) -> None:
        target = os.path.realpath(entry.path)
        if not os.path.exists(target):
            if _ending(entry.name) in SUFFIXES:
                self.tree.photos[folder].append((path, 0, 0))
            else:
                self.tree.no_folders[path] = ("why_broken", {"target": os.readlink(entry.path)})
            return
        if not _contains(self.root, target):
            self.tree.outside.append(path)
        if not os.path.isdir(target):
            self.take_file(entry, folder, path)
        elif _contains(target, self.real[folder]):
            self.tree.loops.append(path)
        elif target in self.linked or self.is_opened_anyway(target):
            known = self.linked.get(target) or os.path.relpath(target, self.root)
            self.tree.no_folders[path] = ("why_again", {"target": PurePosixPath(known).as_posix()})
        else:
            self.linked[target] = path
            self.real[path] = target
            self.waiting.append(path)

    def is_opened_anyway(self, target: str) -> bool:
        """Whether a real folder lies below the root with no hidden folder between."""
        inside = _contains(self.root, target)
        return inside and not any(map(hidden, PurePosixPath(os.path.relpath(target, self.root)).parts))

    def leave_raw_copies(self, folder: str) -> None:
        """A camera that writes a raw file and a JPEG of one shot means one photo."""
        files = self.tree.photos[folder]
        raw = [path for path, _, _ in files if path[path.rfind(".") :].lower() in RAW]
        if not raw:
            return
        stems = {path.rpartition(".")[0] for path, _, _ in files if _ending(path) in DECODED}
        copies = {path for path in raw if path.rpartition(".")[0] in stems}
        if copies:
            self.tree.strays["raw"] += len(copies)
            self.tree.photos[folder] = [file for file in files if file[0] not in copies]

    def keep_broken_links(self, folder: str) -> None:
        """Among photos alone, a link to nowhere without an ending is one of them, as caches leave it."""
        above = f"{folder}/" if folder else ""
        if not self.tree.photos[folder] or any(path.startswith(above) for path in self.waiting):
            return
        for path, (key, _) in list(self.tree.no_folders.items()):
            here = path.startswith(above) and "/" not in path[len(above) :]
            if here and key == "why_broken" and not _ending(path):
                del self.tree.no_folders[path]
                self.tree.photos[folder].append((path, 0, 0))


def ancestors(folder: str) -> Iterator[str]:
    """The folders above a POSIX name below the root, the root ("") first."""
    parts = folder.split("/") if folder else []
    return ("/".join(parts[:depth]) for depth in range(len(parts)))


def _contains(folder: str, path: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _ending(name: str) -> str:
    return os.path.splitext(name)[1].lower()


def _is_plain_photo(entry: os.DirEntry[str]) -> bool:
    name = entry.name
    plain = name[name.rfind(".") :].lower() in SUFFIXES and name[0] != "." and name.isprintable()
    return plain and entry.is_file(follow_symlinks=False)


def _starts_as_photo(entry: os.DirEntry[str]) -> bool:
    try:
        if not entry.is_file():
            return False
        with open(entry.path, "rb") as file:
            return looks_like_photo(file.read(HEAD))
    except OSError:
        return False
