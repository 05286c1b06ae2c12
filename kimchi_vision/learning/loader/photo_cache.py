"""Photos kept small on disk: built once, shared by every run with the same photos and settings."""

import hashlib
import io
import logging
import zlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
from filelock import FileLock
from PIL import Image

from kimchi_vision.base.cache import folder
from kimchi_vision.base.files import replacing
from kimchi_vision.base.progress import reached
from kimchi_vision.base.threads import share
from kimchi_vision.data.pixels import READING

log = logging.getLogger(__name__)

AT_ONCE = 64
"""Photos that wait in memory for their turn to be written."""
ENTRY = np.dtype(
    [
        ("start", "<i8"),
        ("bytes", "<i8"),
        ("height", "<i4"),
        ("width", "<i4"),
        ("channels", "<i4"),
        ("crc", "<u4"),
    ]
)
"""One row of the index."""

JPEG_QUALITY = 95

ByNumber = Callable[[int], np.ndarray]
"""From a photo's number to its pixels, (height, width, 3)."""


class Pack:
    """Photos by number, (height, width, 3), from a memory-mapped file.

    make: for a photo whose bytes are damaged, or missing: it could not be read before.
    Raises ValueError or OSError when the two files do not belong together.
    """

    def __init__(self, data: Path, index: Path, kind: str, make: ByNumber) -> None:
        with index.open("rb") as file, np.load(file) as content:  # a zip, which looks at its checksum
            self.entries = content["entries"]
        if self.entries.dtype != ENTRY or data.stat().st_size != self.entries["bytes"].sum():
            raise ValueError(f"{index} does not describe {data}")
        self.content = np.memmap(data, np.uint8, mode="r")
        self.kind, self.make = kind, make
        self.index = index
        self.checked = np.zeros(len(self.entries), bool)

    def __len__(self) -> int:
        """Photos."""
        return len(self.entries)

    def __call__(self, row: int) -> np.ndarray:
        """One photo; a view into the file unless it is stored as JPEG."""
        entry = self.entries[row]
        if not entry["bytes"]:
            return self.make(row)
        content = self.content[entry["start"] : entry["start"] + entry["bytes"]]
        if not self.checked[row]:
            if zlib.crc32(content) != entry["crc"]:
                return self._anew(row)
            self.checked[row] = True
        if self.kind == "jpeg":
            return np.asarray(Image.open(io.BytesIO(content)))
        return content.view(self.kind).reshape(entry["height"], entry["width"], entry["channels"])

    def _anew(self, row: int) -> np.ndarray:
        """The photo itself; without its index the pack is built anew next time."""
        if self.index.is_file():
            log.warning("%s is damaged; its photos are read anew.", self.index.parent)
            self.index.unlink(missing_ok=True)
        return self.make(row)


def _encode(photo: np.ndarray, kind: str) -> bytes:
    """What a pack stores for a photo."""
    if kind != "jpeg":
        return np.ascontiguousarray(photo, kind).tobytes()
    file = io.BytesIO()
    Image.fromarray(photo).save(file, "JPEG", quality=JPEG_QUALITY)
    return file.getvalue()


def key(settings: str, hashes: Iterable[str]) -> str:
    """A name that changes with the settings, with any photo, and with how photos are read."""
    return hashlib.sha256("\n".join([settings, str(READING), *hashes]).encode()).hexdigest()[:24]


def stored(name: str, kind: str, count: int, make: ByNumber) -> Pack | None:
    """The pack of this name, built first where it is missing; None, with a line why, where it cannot be.

    kind: how photos are stored, a numpy type or `jpeg`. make: thread-safe.
    A second process waits for the first one to finish the same pack.
    """
    files = Path(f"{folder() / name}.pack"), Path(f"{folder() / name}.index.npz")
    try:
        folder().mkdir(parents=True, exist_ok=True)
        with FileLock(folder() / f"{name}.lock"):
            pack = _open(*files, kind, count, make)
            if pack:
                return pack
            _build(*files, kind, count, make)
            return Pack(*files, kind, make)
    except (OSError, ValueError) as error:
        log.warning("Photos are not cached in %s (%s); each epoch reads them anew.", folder(), error)
        return None


def _open(data: Path, index: Path, kind: str, count: int, make: ByNumber) -> Pack | None:
    """A finished pack, or None when there is none or it is damaged."""
    if not index.is_file():
        return None
    with suppress(Exception):  # zipfile, zlib and NumPy each have their own
        pack = Pack(data, index, kind, make)
        if len(pack) == count:
            return pack
    log.warning("%s is damaged and is built anew.", data)
    return None


def _build(data: Path, index: Path, kind: str, count: int, make: ByNumber) -> None:
    """Write both files under temporary names; the index, which makes a pack valid, comes last."""
    entries = np.zeros(count, ENTRY)
    index.unlink(missing_ok=True)
    with replacing(data) as temporary, temporary.open("wb") as file:
        for row, (shape, content) in enumerate(_encoded(kind, count, make)):
            reached(row, count)
            entries[row] = (file.tell(), len(content), *shape, zlib.crc32(content))
            file.write(content)
        size = file.tell()
    with replacing(index) as temporary:
        np.savez(temporary, entries=entries)
    log.info("Photos in the cache: %d, %.0f MB in %s.", count, size / 1e6, data.parent)


def _encoded(kind: str, count: int, make: ByNumber) -> Iterator[tuple[tuple[int, ...], bytes]]:
    def one(row: int) -> tuple[tuple[int, ...], bytes]:
        try:
            photo = make(row)
        except (ValueError, OSError):
            return (0, 0, 0), b""  # made anew when it is asked for, which says why it cannot be
        return photo.shape, _encode(photo, kind)

    with ThreadPoolExecutor(share()) as pool:
        for start in range(0, count, AT_ONCE):
            yield from pool.map(one, range(start, min(start + AT_ONCE, count)))
