"""What lies in a zip, a zip of zips, a tar or a folder, read where it lies."""

from __future__ import annotations

import lzma
import os
import shutil
import stat
import tarfile
import tempfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from kimchi_vision.base.errors import DataError

LIMIT = 200 * 10**9
"""Most bytes that are written: more means an archive that was made to fill the disk."""
FILE_LIMIT = 10**9
"""Most bytes of one file, which is read at once: no photo has so many."""
NESTED = 3
"""Zips within zips that are opened: AI Hub has two; an archive that holds itself has no end."""
DAMAGE = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, NotImplementedError)
"""What reading a damaged archive raises."""


@dataclass(frozen=True)
class Entry:
    """A file: its path (NFC, POSIX), its size in bytes unpacked, and a way to read it."""

    name: str
    size: int
    read: Callable[[], bytes]

    @property
    def folder(self) -> str:
        """The path of the folder that it lies in."""
        return str(PurePosixPath(self.name).parent)


@contextmanager
def opened(source: Path, category: str | None) -> Iterator[list[Entry]]:
    """The files of an archive or folder, in the order in which they lie, links left out.

    category: only what lies in a folder, or an inner zip, of that name. Only such inner zips are opened; one
    that is compressed itself is unpacked to a temporary file for as long as it is read.
    Raises DataError: no such file or no right to read it, no archive, damaged (also while it is read),
    encrypted, a path that climbs out, zips nested too deep, an unknown category.
    """
    try:
        with ExitStack() as stack:
            found = list(_entries(source, category, stack))
            yield found if category is None else _chosen(found, category, source)
    except DAMAGE as error:
        raise DataError(f"{source} is damaged: {error or 'it ends too early'}. Get it again.") from None


def check_space(entries: Sequence[Entry], to: Path) -> None:
    """Raise DataError when files are more than LIMIT or FILE_LIMIT, or than is free where `to` lies."""
    for entry in entries:
        if entry.size > FILE_LIMIT:
            raise DataError(f"{entry.name} unpacks to {entry.size / 1e9:.1f} GB; no photo has so much.")
    check_room(sum(entry.size for entry in entries), to)


def check_room(needed: int, to: Path) -> None:
    """Raise DataError when so many bytes are more than LIMIT, or than is free where `to` lies."""
    if needed > LIMIT:
        raise DataError(
            f"The photos unpack to {needed / 1e9:.0f} GB, above the limit of {LIMIT / 1e9:.0f} GB."
        )
    missing = needed - shutil.disk_usage(to).free
    if missing > 0:
        raise DataError(f"{to}: {missing / 1e6:,.1f} MB of space are missing; nothing was written.")


def _chosen(found: list[Entry], category: str, source: Path) -> list[Entry]:
    wanted = unicodedata.normalize("NFC", category)
    chosen = [entry for entry in found if wanted in PurePosixPath(entry.name).parts[:-1]]
    if not chosen:
        there = sorted({PurePosixPath(entry.name).parts[0] for entry in found if "/" in entry.name})
        raise DataError(f"{source} holds no category {category}. There are: {', '.join(there)}.")
    return chosen


def _entries(source: Path, category: str | None, stack: ExitStack) -> Iterator[Entry]:
    if source.is_dir():
        for path in _files(source):
            name = unicodedata.normalize("NFC", path.relative_to(source).as_posix())
            yield Entry(name, path.stat().st_size, path.read_bytes)
    elif not source.is_file():
        raise DataError(f"{source} does not exist. data/README.md says how to get AI Hub's photos.")
    elif not os.access(source, os.R_OK):
        raise DataError(f"{source} cannot be read: you have no right to. Change that, or copy it.")
    elif zipfile.is_zipfile(source):
        yield from _zip_entries(stack.enter_context(zipfile.ZipFile(source)), category, stack)
    elif tarfile.is_tarfile(source):
        archive = stack.enter_context(tarfile.open(source))  # noqa: SIM115 (the stack closes it)
        yield from _tar_entries(archive)
    else:
        raise DataError(f"{source} is neither a folder nor a zip or tar archive, or it is damaged.")


def _files(folder: Path) -> list[Path]:
    def refuse(error: OSError) -> None:
        raise DataError(f"{error.filename} cannot be read: {error.strerror}. Nothing was imported.")

    paths = [Path(at, name) for at, _, names in os.walk(folder, onerror=refuse) for name in names]
    return sorted(path for path in paths if path.is_file() and not path.is_symlink())


def _zip_entries(
    archive: zipfile.ZipFile, category: str | None, stack: ExitStack, depth: int = 1
) -> Iterator[Entry]:
    for info in archive.infolist():
        name = _safe(_decoded(info), archive.filename)
        if info.is_dir() or stat.S_ISLNK(info.external_attr >> 16):
            continue
        if info.flag_bits & 1:
            raise DataError(f"{archive.filename} is encrypted; unpack it with its password first.")
        if name.lower().endswith(".zip"):
            if depth == NESTED:
                raise DataError(f"{archive.filename} holds zips within zips, over {NESTED} deep.")
            yield from _inner_entries(archive, info, category, stack, depth + 1)
        else:
            yield Entry(name, info.file_size, lambda info=info: archive.read(info))


def _inner_entries(
    outer: zipfile.ZipFile, info: zipfile.ZipInfo, category: str | None, stack: ExitStack, depth: int
) -> Iterator[Entry]:
    stem = PurePosixPath(_decoded(info)).stem
    if category is not None and stem != unicodedata.normalize("NFC", category):
        yield Entry(f"{stem}/", 0, bytes)  # known by name, for the list of categories
        return
    inner = stack.enter_context(outer.open(info))
    if info.compress_type != zipfile.ZIP_STORED:
        check_room(info.file_size, Path(tempfile.gettempdir()))
        # Seeking in a compressed stream starts over each time.
        unpacked = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 (as above)
        shutil.copyfileobj(inner, unpacked, 1 << 20)
        inner = unpacked
    try:
        archive = stack.enter_context(zipfile.ZipFile(inner))
    except zipfile.BadZipFile:
        raise DataError(f"{stem}.zip inside {outer.filename} is damaged; download it again.") from None
    for entry in _zip_entries(archive, None, stack, depth):
        # AI Hub's inner zips repeat their name as top folder; others do not.
        inside = entry.name if entry.name.split("/")[0] == stem else f"{stem}/{entry.name}"
        yield Entry(_safe(inside, outer.filename), entry.size, entry.read)


def _tar_entries(archive: tarfile.TarFile) -> Iterator[Entry]:
    for member in archive.getmembers():
        name = _safe(unicodedata.normalize("NFC", member.name), str(archive.name))
        if member.isfile():
            yield Entry(name, member.size, lambda member=member: archive.extractfile(member).read())


def _decoded(info: zipfile.ZipInfo) -> str:
    """The name as text: UTF-8 by its flag or by trial, else cp949 as Korean Windows writes it."""
    name = info.filename
    if not info.flag_bits & 0x800:
        raw = name.encode("cp437", errors="replace")
        for encoding in ("utf-8", "cp949"):
            try:
                name = raw.decode(encoding)
                break
            except UnicodeDecodeError:
                continue
    return unicodedata.normalize("NFC", name.replace("\\", "/"))


def _safe(name: str, source: str | None) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or PureWindowsPath(name).drive:
        raise DataError(
            f"{source} holds the path {name}, which climbs out of it. It was not made in good faith."
        )
    return str(path) + ("/" if name.endswith("/") else "")
