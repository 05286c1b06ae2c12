"""What lies in a zip, a zip of zips, a tar or a folder, read where it lies."""

import lzma
import os
import shutil
import stat
import tarfile
import tempfile
import unicodedata
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from kimchi_vision.base.errors import DataError
from kimchi_vision.base.sentence import Sentence
from kimchi_vision.data.zip_names import Names

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
def opened(source: Path, category: str | None, names: Names | None = None) -> Iterator[list[Entry]]:
    """The files of an archive or folder, in the order in which they lie, links left out.

    category: only what lies in a folder, or an inner zip, of that name. Only such inner zips are opened; one
    that is compressed itself is unpacked to a temporary file for as long as it is read.
    names: decodes the names, and is told how.
    Raises DataError: no such file or no right to read it, no archive, damaged (also while it is read),
    encrypted, a path that climbs out, zips nested too deep, an unknown category, names in no sure encoding.
    """
    try:
        with ExitStack() as stack:
            found = list(_entries(source, category, stack, names or Names()))
            yield found if category is None else _chosen(found, category, source)
    except UnicodeDecodeError as error:
        shown = error.object.decode("utf-8", errors="replace")
        undecodable = "{source} says that its names are UTF-8, and {shown} is not. Pack it anew."
        raise DataError(undecodable, source=source, shown=shown) from None
    except DAMAGE as error:
        reason = error if str(error) else Sentence("it ends too early")
        raise DataError(
            "{source} is damaged: {reason}. Get it again.", source=source, reason=reason
        ) from None


def check_space(entries: Sequence[Entry], to: Path) -> None:
    """Raise DataError when files are more than LIMIT or FILE_LIMIT, or than is free where `to` lies."""
    for entry in entries:
        if entry.size > FILE_LIMIT:
            what = "{name} unpacks to {size:.1f} GB; no photo has so much."
            raise DataError(what, name=entry.name, size=entry.size / 1e9)
    check_room(sum(entry.size for entry in entries), to)


def check_room(needed: int, to: Path) -> None:
    """Raise DataError when so many bytes are more than LIMIT, or than is free where `to` lies."""
    if needed > LIMIT:
        large = "The photos unpack to {needed:.0f} GB, above the limit of {limit:.0f} GB."
        raise DataError(large, needed=needed / 1e9, limit=LIMIT / 1e9)
    missing = needed - shutil.disk_usage(to).free
    if missing > 0:
        full = "{to}: {megabytes:,.1f} MB of space are missing; nothing was written."
        raise DataError(full, to=to, megabytes=missing / 1e6)


def _chosen(found: list[Entry], category: str, source: Path) -> list[Entry]:
    wanted = unicodedata.normalize("NFC", category)
    chosen = [entry for entry in found if wanted in PurePosixPath(entry.name).parts[:-1]]
    if not chosen:
        folders = [str(PurePosixPath(f"{entry.name}x").parent) for entry in found if "/" in entry.name]
        shared = len(PurePosixPath(os.path.commonpath(folders or ["."])).parts)
        parts = [PurePosixPath(folder).parts for folder in folders]
        there = sorted({(*names, *names[-1:])[shared] for names in parts})
        what = "{source} holds no category {category}. There are: {there}."
        raise DataError(what, source=source, category=category, there=", ".join(there))
    return chosen


def _entries(source: Path, category: str | None, stack: ExitStack, names: Names) -> Iterator[Entry]:
    if source.is_dir():
        paths = _files(source)
        raws = [os.fsencode(path.relative_to(source).as_posix()) for path in paths]
        for path, name in zip(paths, names.of_raw(raws, source), strict=True):
            yield Entry(unicodedata.normalize("NFC", name), path.stat().st_size, path.read_bytes)
    elif not source.is_file():
        absent = "{source} does not exist. Give the archive that was downloaded, such as AI Hub's kfood.zip."
        raise DataError(absent, source=source)
    elif not os.access(source, os.R_OK):
        raise DataError(
            "{source} cannot be read: you have no right to. Change that, or copy it.", source=source
        )
    elif zipfile.is_zipfile(source):
        yield from _zip_entries(_Zips(category, stack, names), stack.enter_context(_zip(source)))
    elif tarfile.is_tarfile(source):
        archive = stack.enter_context(tarfile.open(source))  # noqa: SIM115 (the stack closes it)
        yield from _tar_entries(archive, names)
    else:
        raise DataError(
            "{source} is neither a folder nor a zip or tar archive, or it is damaged.", source=source
        )


def _files(folder: Path) -> list[Path]:
    def refuse(error: OSError) -> None:
        what = "{file} cannot be read: {reason}. Nothing was imported."
        raise DataError(what, file=error.filename, reason=error.strerror)

    paths = [Path(at, name) for at, _, names in os.walk(folder, onerror=refuse) for name in names]
    return sorted(path for path in paths if path.is_file() and not path.is_symlink())


@dataclass(frozen=True)
class _Zips:
    """What zips within one another share."""

    category: str | None
    stack: ExitStack
    names: Names


def _zip(file: Path | IO[bytes]) -> zipfile.ZipFile:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an empty Unicode path, which says nothing
        return zipfile.ZipFile(file)


def _zip_entries(zips: _Zips, archive: zipfile.ZipFile, depth: int = 1) -> Iterator[Entry]:
    infos = archive.infolist()
    for info, text in zip(infos, zips.names.of_zip(infos, archive.filename), strict=True):
        name = _safe(unicodedata.normalize("NFC", text.replace("\\", "/")), archive.filename)
        if name.endswith("/") or stat.S_ISLNK(info.external_attr >> 16):
            continue
        if info.flag_bits & 1:
            raise DataError("{file} is encrypted; unpack it with its password first.", file=archive.filename)
        if name.lower().endswith(".zip"):
            if depth == NESTED:
                raise DataError(
                    "{file} holds zips within zips, over {depth} deep.", file=archive.filename, depth=NESTED
                )
            yield from _inner_entries(zips, archive, info, PurePosixPath(name).with_suffix(""), depth + 1)
        else:
            yield Entry(name, info.file_size, lambda info=info: archive.read(info))


def _inner_entries(
    zips: _Zips, outer: zipfile.ZipFile, info: zipfile.ZipInfo, place: PurePosixPath, depth: int
) -> Iterator[Entry]:
    """What lies in an inner zip, as if in a folder `place`."""
    category = zips.category and unicodedata.normalize("NFC", zips.category)
    if category is not None and category not in place.parts:
        yield Entry(f"{place}/", 0, bytes)  # known by name, for the list of categories
        return
    inner = zips.stack.enter_context(outer.open(info))
    if info.compress_type != zipfile.ZIP_STORED:
        check_room(info.file_size, Path(tempfile.gettempdir()))
        # Seeking in a compressed stream starts over each time.
        unpacked = zips.stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 (as above)
        shutil.copyfileobj(inner, unpacked, 1 << 20)
        inner = unpacked
    try:
        archive = zips.stack.enter_context(_zip(inner))
    except zipfile.BadZipFile:
        raise DataError(
            "{name}.zip inside {file} is damaged; download it again.", name=place.name, file=outer.filename
        ) from None
    for entry in _zip_entries(replace(zips, category=None), archive, depth):
        # AI Hub's inner zips repeat their name as top folder; others do not.
        inside = place.parent if entry.name.split("/")[0] == place.name else place
        yield Entry(_safe(str(inside / entry.name), outer.filename), entry.size, entry.read)


def _tar_entries(archive: tarfile.TarFile, names: Names) -> Iterator[Entry]:
    members = archive.getmembers()
    raws = [member.name.encode("utf-8", "surrogateescape") for member in members]
    for member, text in zip(members, names.of_raw(raws, archive.name), strict=True):
        name = _safe(unicodedata.normalize("NFC", text), str(archive.name))
        if member.isfile():
            yield Entry(name, member.size, lambda member=member: archive.extractfile(member).read())


def _safe(name: str, source: str | None) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or PureWindowsPath(name).drive:
        what = "{source} holds the path {name}, which climbs out of it. It was not made in good faith."
        raise DataError(what, source=source, name=name)
    return str(path) + ("/" if name.endswith("/") else "")
