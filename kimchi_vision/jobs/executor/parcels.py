"""What a node without the table's folders is sent, and sends back: packed files, told by their digests.

All lies under the same path on every node, so that a run folder says the same wherever it was written.
"""

import hashlib
import io
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import filelock

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.run_files import RunFiles
from kimchi_vision.data.folder import walk
from kimchi_vision.jobs.leaf import Leaf
from kimchi_vision.results.run import Run

PART = 64 * 2**20
"""Bytes after which another part begins: a folder is never in memory as a whole."""


class Parcel(NamedTuple):
    """A file or folder. listing: digest of its names and sizes. parts: tar files, or references to them."""

    path: Path
    listing: str
    digests: tuple[str, ...]
    parts: tuple[Any, ...]


def packed(path: Path, kept: Callable[[bytes], Any] = lambda part: part) -> Parcel:
    """A folder of photos, a run folder or a file. kept: puts a part where nodes find it."""
    digests, parts = [], []
    for part in _parts(path):
        digests.append(hashlib.sha256(part).hexdigest())
        parts.append(kept(part))
    return Parcel(path, listing(path), tuple(digests), tuple(parts))


def listing(path: Path) -> str:
    """A digest of names and sizes."""
    lines = [f"{name} {(path.parent / name).stat().st_size}" for name in _names(path)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def of(leaves: Iterable[Leaf]) -> list[Path]:
    """The photos of leaves, and the tables that say more about them, as absolute paths."""
    found = {}
    for leaf in leaves:
        section = leaf.photos
        for path in (section.path, section.exclude, section.relabel, section.split):
            if path is not None and (leaf.here / path).exists():
                found[leaf.here / path] = None
    return list(found)


def place(parcel: Parcel, fetched: Callable[[Any], bytes]) -> None:
    """Unpack it where it lay, whole or not at all, unless it is there; one process of a node at a time.

    Raises InputError when something else lies there, a part is not what was sent, or nothing can be written.
    """
    lock = Path(tempfile.gettempdir()) / f"kimchi-vision-{parcel.listing[:16]}.lock"
    with filelock.FileLock(lock):
        if parcel.path.exists():
            if listing(parcel.path) != parcel.listing:
                raise InputError("other files lie in {folder} than were sent", folder=parcel.path)
            return
        try:
            _unpack(parcel, fetched)
        except OSError as error:
            reason = error.strerror or str(error)
            raise InputError("{folder} cannot be made: {reason}", folder=parcel.path, reason=reason) from None


def collect(parcel: Parcel) -> None:
    """A run folder that was sent back, in its place; what lay there is kept under another name.

    Raises InputError when it is not what was sent.
    """
    folder = parcel.path
    if folder.is_dir() and listing(folder) == parcel.listing:
        return
    before, aside = folder.is_dir(), RunFiles(folder).aside()
    if before:
        folder.rename(aside)
    try:
        _unpack(parcel, lambda part: part)
    except (InputError, OSError):
        if before:
            aside.rename(folder)
        raise
    damaged = Run(folder).damaged()
    if damaged or listing(folder) != parcel.listing:
        raise InputError("{folder} is not what was sent: {files}", folder=folder, files=", ".join(damaged))


def _unpack(parcel: Parcel, fetched: Callable[[Any], bytes]) -> None:
    parcel.path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".", dir=parcel.path.parent) as partial:
        for digest, reference in zip(parcel.digests, parcel.parts, strict=True):
            part = fetched(reference)
            if hashlib.sha256(part).hexdigest() != digest:
                raise InputError("{folder} is not what was sent: {files}", folder=parcel.path, files=digest)
            with tarfile.open(fileobj=io.BytesIO(part)) as tar:
                tar.extractall(partial, filter="data")
        os.replace(Path(partial) / parcel.path.name, parcel.path)


def _parts(path: Path) -> Iterator[bytes]:
    names = iter(_names(path))
    while True:
        with io.BytesIO() as part, tarfile.open(fileobj=part, mode="w", dereference=True) as tar:
            for name in names:
                tar.add(path.parent / name, name, recursive=False)
                if part.tell() > PART:
                    break
            else:
                tar.close()
                yield part.getvalue()
                return
            tar.close()
            yield part.getvalue()


def _names(path: Path) -> list[str]:
    """Files below the parent of `path`: of photos those that a run may read, of a run folder all."""
    if path.is_file():
        return [path.name]
    if RunFiles(path).experiment.is_file():
        names = [str(file.relative_to(path.parent)) for file in path.rglob("*") if file.is_file()]
        return sorted(names)
    tree = walk(path)
    return [f"{path.name}/{name}" for name in (*tree.files(), *sorted(tree.tables), *sorted(tree.lists))]


def left(folder: Path) -> Parcel | None:
    """A run folder of this node, which is taken away, or None."""
    if not RunFiles(folder).experiment.is_file():
        return None
    parcel = packed(folder)
    shutil.rmtree(folder)
    return parcel
