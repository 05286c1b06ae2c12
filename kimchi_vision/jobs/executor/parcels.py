"""What a node without the table's folders is sent, and sends back: files in pieces, told by their digests.

All lies under the same path on every node, so that a run folder says the same wherever it was written.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import filelock

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.run_files import RunFiles
from kimchi_vision.data.folder import walk
from kimchi_vision.jobs.executor.interface import Leaf
from kimchi_vision.results.run import Run

MOST = 16 * 2**20
"""Bytes of a piece: no file or folder is ever in memory as a whole."""


class Span(NamedTuple):
    """A file, or a part of one. name: from the folder that the parcel lies in. start, size: in bytes."""

    name: str
    start: int
    size: int


class Piece(NamedTuple):
    """Spans and their bytes, one after the other."""

    spans: tuple[Span, ...]
    data: bytes

    def digest(self) -> str:
        """Of the spans and the bytes."""
        return hashlib.sha256(repr(self.spans).encode() + self.data).hexdigest()


class Parcel(NamedTuple):
    """A file or folder. listing: digest of its names and sizes. pieces: references to them."""

    path: Path
    listing: str
    digests: tuple[str, ...]
    pieces: tuple[Any, ...]


Fetched = Callable[[Any], Piece]
"""Takes a reference to a piece."""


def packed(path: Path, kept: Callable[[Piece], Any]) -> Parcel:
    """A folder of photos, a run folder or a file. kept: puts a piece where it is found, and says where."""
    digests, pieces = [], []
    for spans in _divided(path):
        piece = read(path, spans)
        digests.append(piece.digest())
        pieces.append(kept(piece))
    return Parcel(path, listing(path), tuple(digests), tuple(pieces))


def read(path: Path, spans: tuple[Span, ...]) -> Piece:
    """A piece of a file or folder."""
    found = bytearray()
    for span in spans:
        with (path.parent / span.name).open("rb") as file:
            file.seek(span.start)
            found += file.read(span.size)
    return Piece(spans, bytes(found))


def listing(path: Path) -> str:
    """A digest of names and sizes."""
    lines = [f"{name} {(path.parent / name).stat().st_size}" for name in _names(path)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def of(leaf: Leaf) -> list[Path]:
    """The photos of a leaf, the tables that say more about them, and its run, as absolute paths."""
    section = leaf.photos
    asked = [section.path, section.exclude, section.relabel, section.split]
    if leaf.trains:
        asked.append(leaf.exports / leaf.name)
    return [leaf.here / path for path in asked if path is not None and (leaf.here / path).exists()]


def place(parcel: Parcel, fetched: Fetched) -> None:
    """Put it where it lay, whole or not at all, unless it is there; one process of a node at a time.

    Raises InputError when something else lies there, a piece is not what was sent, or nothing can be written.
    """
    lock = Path(tempfile.gettempdir()) / f"kimchi-vision-{parcel.listing[:16]}.lock"
    with filelock.FileLock(lock):
        if parcel.path.exists():
            if listing(parcel.path) != parcel.listing:
                raise InputError("other files lie in {folder} than were sent", folder=parcel.path)
            return
        try:
            with _whole(parcel, fetched) as found:
                os.replace(found, parcel.path)
        except OSError as error:
            reason = error.strerror or str(error)
            raise InputError("{folder} cannot be made: {reason}", folder=parcel.path, reason=reason) from None


def collect(parcel: Parcel, fetched: Fetched) -> None:
    """A run folder that was sent back, in its place; what lay there is kept under another name.

    Raises InputError when it is not what was sent.
    """
    folder = parcel.path
    if folder.is_dir() and listing(folder) == parcel.listing:
        return
    with _whole(parcel, fetched) as found:
        if damaged := Run(found).damaged():
            raise _other(parcel, ", ".join(damaged))
        if folder.is_dir():
            folder.rename(RunFiles(folder).aside())
        os.replace(found, folder)


@contextmanager
def _whole(parcel: Parcel, fetched: Fetched) -> Iterator[Path]:
    """All of it beside its place."""
    parcel.path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".", dir=parcel.path.parent) as beside:
        for digest, reference in zip(parcel.digests, parcel.pieces, strict=True):
            piece = fetched(reference)
            if piece.digest() != digest:
                raise _other(parcel, digest)
            start, data = 0, memoryview(piece.data)
            for span in piece.spans:
                file = Path(beside) / span.name
                file.parent.mkdir(parents=True, exist_ok=True)
                with file.open("ab") as opened:
                    opened.write(data[start : start + span.size])
                start += span.size
        found = Path(beside) / parcel.path.name
        if listing(found) != parcel.listing:
            raise _other(parcel, found.name)
        yield found


def _other(parcel: Parcel, files: str) -> InputError:
    return InputError("{folder} is not what was sent: {files}", folder=parcel.path, files=files)


def _divided(path: Path) -> Iterator[tuple[Span, ...]]:
    spans, room = [], MOST
    for name in _names(path):
        start, left = 0, (path.parent / name).stat().st_size
        while True:
            spans.append(Span(name, start, min(left, room)))
            start, left, room = start + spans[-1].size, left - spans[-1].size, room - spans[-1].size
            if room == 0:
                yield tuple(spans)
                spans, room = [], MOST
            if left == 0:
                break
    yield tuple(spans)


def _names(path: Path) -> list[str]:
    """Files below the parent of `path`: of photos those that a run may read, of a run folder all."""
    if path.is_file():
        return [path.name]
    if RunFiles(path).experiment.is_file():
        names = [str(file.relative_to(path.parent)) for file in path.rglob("*") if file.is_file()]
        return sorted(names)
    tree = walk(path)
    return [f"{path.name}/{name}" for name in (*tree.files(), *sorted(tree.tables), *sorted(tree.lists))]
