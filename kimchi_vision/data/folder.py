"""Find photos in class folders: the class is the name of the folder that a photo lies in."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from kimchi_vision.base.errors import DataError
from kimchi_vision.base.messages import catalogue
from kimchi_vision.data.photo import SUFFIXES, Note

WHERE_FROM = "data/README.md says where the photos come from and how to lay them out."
KINDS = ("links", "undecodable", "hidden", "beside")
SYSTEM_FOLDERS = frozenset(("__MACOSX", "@eaDir", "$RECYCLE.BIN"))


@dataclass
class Listing:
    """What lies below a folder.

    photos: columns path (POSIX, below the folder), label (NFC), bytes, mtime_ns; sorted by NFC path.
    empty: leaf folders without a photo.
    strays: files that are no photos of a class, counted: links, undecodable, hidden, beside (class folders),
    or their ending.
    unreadable: folders that could not be opened, each with the reason.
    """

    photos: pd.DataFrame = field(default_factory=pd.DataFrame)
    empty: list[str] = field(default_factory=list)
    strays: Counter[str] = field(default_factory=Counter)
    unreadable: list[tuple[str, str]] = field(default_factory=list)

    def notes(self) -> list[Note]:
        """A note on each thing that was left out."""
        strays = [
            (f"found_{kind}", {"count": count})
            if kind in KINDS
            else ("found_others", {"count": count, "ending": kind})
            for kind, count in sorted(self.strays.items())
        ]
        empty = [("found_empty", {"folder": folder}) for folder in self.empty]
        closed = [
            ("found_closed", {"folder": folder, "reason": reason}) for folder, reason in self.unreadable
        ]
        return [*strays, *empty, *closed]


Photo = tuple[str, str, int, int]  # as the columns of Listing.photos


def find(root: Path) -> Listing:
    """List the photos of all leaf folders below `root`, at any depth; links are not followed.

    Photos that lie beside class folders belong to no class and are counted as strays.
    Raises DataError when the folder is missing or holds no photo.
    """
    if not root.is_dir():
        what = "is a file; give the folder that holds it" if root.is_file() else "does not exist"
        raise DataError(f"{root} {what}. {WHERE_FROM}")
    listing = Listing()
    folders = _walk(root, listing)
    above_photos = {parent for name, photos in folders.items() if photos for parent in _parents(name)}
    above_any = {parent for name in folders for parent in _parents(name)}
    rows: list[Photo] = []
    for name, photos in folders.items():
        if not photos and name not in above_any:
            listing.empty.append(name)
        elif photos and name in above_photos:
            listing.strays["beside"] += len(photos)
        else:
            rows += photos
    if not rows:
        notes = [catalogue("en")(says, **values) for says, values in listing.notes()]
        raise DataError(" ".join([f"{root} holds no photo in a class folder.", *notes, WHERE_FROM]))
    rows.sort(key=itemgetter(0))
    # Most names are normalised; making a key of each costs a look at a folder a tenth.
    if not unicodedata.is_normalized("NFC", "\n".join([row[0] for row in rows])):
        rows.sort(key=lambda row: unicodedata.normalize("NFC", row[0]))
    # zip(*rows) would make an iterator for each row, and so many set off a full garbage collection.
    paths, labels, sizes, times = ([row[place] for row in rows] for place in range(4))
    numbers = {"bytes": np.array(sizes), "mtime_ns": np.array(times)}
    listing.photos = pd.DataFrame({"path": paths, "label": labels, **numbers})
    return listing


def _walk(root: Path, listing: Listing) -> dict[str, list[Photo]]:
    """Photos by folder; folders as POSIX names below the root, which itself is ""."""
    folders: dict[str, list[Photo]] = {}
    waiting = [""]
    while waiting:
        name = waiting.pop()
        photos = folders[name] = []
        try:
            entries = list(os.scandir(root / name))
        except OSError as error:
            listing.unreadable.append((str(root / name), error.strerror))
            continue
        above = f"{name}/" if name else ""
        label = unicodedata.normalize("NFC", PurePosixPath(name).name or root.resolve().name)
        for entry in entries:
            if _is_photo(entry):
                stat = entry.stat(follow_symlinks=False)
                photos.append((above + entry.name, label, stat.st_size, stat.st_mtime_ns))
            elif kind := _stray(entry):
                listing.strays[kind] += 1
            else:
                waiting.append(above + entry.name)
    return folders


def _parents(name: str) -> list[str]:
    parts = name.split("/")
    return ["/".join(parts[:depth]) for depth in range(len(parts))] if name else []


def _is_photo(entry: os.DirEntry[str]) -> bool:
    name = entry.name
    return (
        name[name.rfind(".") :].lower() in SUFFIXES
        and name[0] != "."
        and (name.isprintable() or not _undecodable(name))
        and entry.is_file(follow_symlinks=False)
    )


def _stray(entry: os.DirEntry[str]) -> str | None:
    """The kind of a directory entry that is neither a photo nor a folder to look into, or None."""
    if entry.is_symlink():
        return "links"
    if _undecodable(entry.name):
        return "undecodable"
    if entry.name.startswith(".") or entry.name in SYSTEM_FOLDERS:
        return "hidden"
    if entry.is_dir(follow_symlinks=False):
        return None
    return os.path.splitext(entry.name)[1].lower() or "nameless"


def _undecodable(name: str) -> bool:
    return any("\udc80" <= letter <= "\udcff" for letter in name)
