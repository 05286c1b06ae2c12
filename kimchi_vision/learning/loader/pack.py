"""Many small photos in one file, each with a checksum."""

from __future__ import annotations

import io
import logging
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

log = logging.getLogger(__name__)

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


class Pack:
    """Photos by number, (height, width, 3), from a memory-mapped file.

    make: photo number → array, for a photo whose bytes are damaged, or missing: it could not be read before.
    Raises ValueError or OSError when the two files do not belong together.
    """

    def __init__(self, data: Path, index: Path, kind: str, make: Callable[[int], np.ndarray]) -> None:
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

    def __getitem__(self, row: int) -> np.ndarray:
        """One photo; a view into the file unless it is stored as JPEG."""
        entry = self.entries[row]
        if not entry["bytes"]:
            return self.make(row)
        content = self.content[entry["start"] : entry["start"] + entry["bytes"]]
        if not self.checked[row]:
            if zlib.crc32(content) != entry["crc"]:
                return self._anew(row)
            self.checked[row] = True
        return _decode(content, self.kind, (entry["height"], entry["width"], entry["channels"]))

    def _anew(self, row: int) -> np.ndarray:
        """The photo itself; without its index the pack is built anew next time."""
        if self.index.is_file():
            log.warning("%s is damaged; its photos are read anew.", self.index.parent)
            self.index.unlink(missing_ok=True)
        return self.make(row)


def encode(photo: np.ndarray, kind: str) -> bytes:
    """What a pack stores for a photo."""
    if kind != "jpeg":
        return np.ascontiguousarray(photo, kind).tobytes()
    file = io.BytesIO()
    Image.fromarray(photo).save(file, "JPEG", quality=JPEG_QUALITY)
    return file.getvalue()


def _decode(content: np.ndarray, kind: str, shape: tuple[int, int, int]) -> np.ndarray:
    if kind == "jpeg":
        return np.asarray(Image.open(io.BytesIO(content)))
    return content.view(kind).reshape(shape)
