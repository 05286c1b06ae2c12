"""What lies in a zip, a zip of zips, a tar or a folder, read where it lies."""

import io
import lzma
import os
import re
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
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from kimchi_vision.base.errors import DataError
from kimchi_vision.base.sentence import Sentence
from kimchi_vision.data.names import hidden
from kimchi_vision.data.zip_names import Names

LIMIT = 200 * 10**9
"""Most bytes that are written: more means an archive that was made to fill the disk."""
FILE_LIMIT = 10**9
"""Most bytes of one file, which is read at once: no photo has so many."""
NESTED = 3
"""Zips within zips that are opened: AI Hub has two; an archive that holds itself has no end."""
OPENED = re.compile(r"\.(zip|tgz|tbz2|txz|tar(\.(gz|bz2|xz))?)$", re.IGNORECASE)
CLOSED = re.compile(r"\.(7z|rar|alz|egg|z\d\d|part\d+|(zip|7z|rar)\.\d{3})$", re.IGNORECASE)
"""Endings of archives within archives, and of those that nothing here opens."""
DAMAGE = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, NotImplementedError)
"""What reading a damaged archive raises."""


@dataclass(frozen=True)
class Entry:
    """A file: its path (NFC, POSIX), its size in bytes unpacked, and a way to open it.

    in_place: whether it can be read from any place on at no cost.
    """

    name: str
    size: int
    open: Callable[[], IO[bytes]]
    in_place: bool = True

    def read(self) -> bytes:
        """All of it."""
        with self.open() as file:
            return file.read()

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
    category = category and unicodedata.normalize("NFC", category)
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
    chosen = [entry for entry in found if category in PurePosixPath(entry.name).parts[:-1]]
    if not chosen:
        folders = [str(PurePosixPath(f"{entry.name}x").parent) for entry in found if "/" in entry.name]
        shared = len(PurePosixPath(os.path.commonpath(folders or ["."])).parts)
        parts = [PurePosixPath(folder).parts for folder in folders]
        there = sorted({(*names, *names[-1:])[shared] for names in parts})
        what = "{source} holds no category {category}. There are: {there}."
        raise DataError(what, source=source, category=category, there=", ".join(there))
    return chosen


def _entries(source: Path, category: str | None, stack: ExitStack, names: Names) -> Iterator[Entry]:
    inside = _Inside(source, category, stack, names)
    if source.is_dir():
        yield from inside.expanded(_of_folder(source, names), 1)
        return
    if not source.is_file():
        absent = "{source} does not exist. Give the archive that was downloaded, such as AI Hub's kfood.zip."
        raise DataError(absent, source=source)
    if not os.access(source, os.R_OK):
        raise DataError(
            "{source} cannot be read: you have no right to. Change that, or copy it.", source=source
        )
    files = inside.files(stack.enter_context(source.open("rb")))
    if files is None:
        raise DataError(
            "{source} is neither a folder nor a zip or tar archive, or it is damaged.", source=source
        )
    yield from inside.expanded(files, 1)


def _of_folder(folder: Path, names: Names) -> Iterator[Entry]:
    def refuse(error: OSError) -> None:
        what = "{file} cannot be read: {reason}. Nothing was imported."
        raise DataError(what, file=error.filename, reason=error.strerror)

    paths = [Path(at, name) for at, _, names in os.walk(folder, onerror=refuse) for name in names]
    paths = sorted(path for path in paths if path.is_file() and not path.is_symlink())
    raws = [os.fsencode(path.relative_to(folder).as_posix()) for path in paths]
    for path, name in zip(paths, names.of_raw(raws, folder), strict=True):
        yield Entry(unicodedata.normalize("NFC", name), path.stat().st_size, partial(path.open, "rb"))


@dataclass(frozen=True)
class _Inside:
    """What archives within one another share."""

    source: Path
    category: str | None
    stack: ExitStack
    names: Names

    def files(self, archive: IO[bytes]) -> Iterator[Entry] | None:
        """What lies in a tar or zip; None when it is neither."""
        archive.seek(0)
        if tarfile.is_tarfile(archive):  # asked first: a tar that holds a zip ends as that zip does
            archive.seek(0)
            return self.of_tar(self.stack.enter_context(tarfile.open(fileobj=archive)))
        archive.seek(0)
        if not zipfile.is_zipfile(archive):
            return None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an empty Unicode path, which says nothing
            return self.of_zip(self.stack.enter_context(zipfile.ZipFile(archive)))

    def of_tar(self, archive: tarfile.TarFile) -> Iterator[Entry]:
        members = archive.getmembers()
        raws = [member.name.encode("utf-8", "surrogateescape") for member in members]
        in_place = isinstance(archive.fileobj, io.BufferedReader)
        for member, text in zip(members, self.names.of_raw(raws, self.source), strict=True):
            name = _safe(text, self.source)
            if member.isfile():
                yield Entry(name, member.size, partial(archive.extractfile, member), in_place)

    def of_zip(self, archive: zipfile.ZipFile) -> Iterator[Entry]:
        infos = archive.infolist()
        for info, text in zip(infos, self.names.of_zip(infos, self.source), strict=True):
            name = _safe(text.replace("\\", "/"), self.source)
            if name.endswith("/") or stat.S_ISLNK(info.external_attr >> 16):
                continue
            if info.flag_bits & 1:
                raise DataError("{file} is encrypted; unpack it with its password first.", file=self.source)
            in_place = info.compress_type == zipfile.ZIP_STORED
            yield Entry(name, info.file_size, partial(archive.open, info), in_place)

    def expanded(self, files: Iterator[Entry], depth: int) -> Iterator[Entry]:
        """The files, and what lies in archives among them as if in folders of their names."""
        for file in files:
            path = PurePosixPath(file.name)
            if not (OPENED.search(path.name) or CLOSED.search(path.name)) or any(map(hidden, path.parts)):
                yield file
            elif CLOSED.search(path.name):
                what = "{source} holds {name}, an archive of a kind that is not opened here. Unpack it first."
                raise DataError(what, source=self.source, name=file.name)
            elif depth == NESTED:
                raise DataError(
                    "{file} holds zips within zips, over {depth} deep.", file=self.source, depth=NESTED
                )
            else:
                yield from self.inner(file, path.with_name(OPENED.sub("", path.name)), depth + 1)

    def inner(self, file: Entry, place: PurePosixPath, depth: int) -> Iterator[Entry]:
        """What lies in an inner archive, as if in a folder `place`."""
        if self.category is not None and self.category not in place.parts:
            yield Entry(f"{place}/", 0, io.BytesIO)  # known by name, for the list of categories
            return
        inner = self.stack.enter_context(file.open())
        if not file.in_place:
            check_room(file.size, Path(tempfile.gettempdir()))
            # Seeking in a compressed stream starts over each time.
            unpacked = self.stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 (the stack closes it)
            shutil.copyfileobj(inner, unpacked, 1 << 20)
            inner = unpacked
        try:
            files = self.files(inner)
        except zipfile.BadZipFile:
            files = None
        if files is None:
            what = "{name} inside {file} is damaged; download it again."
            raise DataError(what, name=PurePosixPath(file.name).name, file=self.source)
        for entry in replace(self, category=None).expanded(files, depth):
            # AI Hub's inner zips repeat their name as top folder; others do not.
            inside = place.parent if entry.name.split("/")[0] == place.name else place
            yield replace(entry, name=_safe(str(inside / entry.name), self.source))


def _safe(name: str, source: Path) -> str:
    path = PurePosixPath(name := unicodedata.normalize("NFC", name))
    if path.is_absolute() or ".." in path.parts or PureWindowsPath(name).drive:
        what = "{source} holds the path {name}, which climbs out of it. It was not made in good faith."
        raise DataError(what, source=source, name=name)
    return str(path) + ("/" if name.endswith("/") else "")
