"""The table of photos that `data` makes once and that every other room reads, and how a photo is opened."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image, UnidentifiedImageError

from kimchi_vision.base.plain import Json
from kimchi_vision.base.sentence import Note
from kimchi_vision.data.decoding import draft, opened, picture
from kimchi_vision.data.formats import HEAD, RAW, without_reader

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Photo:
    """One photo as a model sees it: a file, or the part of it inside a box.

    box: left, top, right, bottom in pixels of the upright photo, or None for all of it.
    sha256: hash of the file's bytes; empty where nobody asked for it.
    """

    path: Path
    box: tuple[int, int, int, int] | None = None
    sha256: str = ""

    @property
    def content(self) -> str:
        """A text that is the same whenever a model sees the same pixels; also a file's name."""
        return f"{self.sha256}#box={','.join(map(str, self.box))}" if self.box else self.sha256

    def __str__(self) -> str:
        return f"{self.path} ({','.join(map(str, self.box))})" if self.box else str(self.path)


PhotoSource = Photo | str | Path | bytes | Image.Image | np.ndarray
"""What open_photo takes: a photo, a path, a file's bytes, a picture of Pillow, or values (height, width[, 3
or 4])."""


@dataclass(frozen=True)
class Photos:
    """Photos with labels and split.

    root: folder below which every `path` of the table lies.
    items: columns path (POSIX, below root, as on disk), label (NFC), split (train, valid or test), sha256,
    and group, a number that copies of one picture share, and photos that `data.group_by` holds together;
    perhaps box, "left,top,right,bottom" in pixels of the upright photo or empty, and crop, the box that a
    photo is cut to wherever it is opened.
    vocab: the classes in the order of the model's outputs.
    notes: what was left out or looks odd: keys of base.messages, each with the values of its sentence.
    skipped: columns path, label, reason: photos that were found but left out.
    on_unreadable: what is done about a training photo that cannot be read any more.
    """

    root: Path
    items: pd.DataFrame
    vocab: tuple[str, ...]
    notes: tuple[Note, ...] = ()
    skipped: pd.DataFrame | None = None
    on_unreadable: Literal["error", "skip"] = "error"

    @property
    def digest(self) -> str:
        """Twelve hex digits that change when a photo, its class or its part does, whatever the paths."""
        lines = sorted(self.items["sha256"] + self.items["label"] + self.items["split"])
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]

    def part(self, split: str) -> pd.DataFrame:
        """The rows of one split, in table order, with a fresh index."""
        return self.items[self.items["split"] == split].reset_index(drop=True)

    def files(self, items: pd.DataFrame) -> list[Photo]:
        """The photos of a table's `path` column, as open_photo takes them."""
        return [self._by_path.get(path) or Photo(self.root / path) for path in items["path"]]

    def numbers(self, items: pd.DataFrame) -> np.ndarray:
        """The place in `vocab` of each row's class."""
        return items["label"].map({name: number for number, name in enumerate(self.vocab)}).to_numpy(int)

    @cached_property
    def _by_path(self) -> dict[str, Photo]:
        table = self.items
        crops = table["crop"] if "crop" in table else [""] * len(table)
        boxes = [tuple(map(int, crop.split(","))) if crop else None for crop in crops]
        rows = zip(table["path"], boxes, table["sha256"], strict=True)
        return {path: Photo(self.root / path, box, sha) for path, box, sha in rows}

    def facts(self) -> Json:
        """Where the photos lie, how many each part and class has, the split's digest, and what was noted."""
        return {
            "root": str(self.root.resolve()),
            "parts": {str(part): int(count) for part, count in self.items["split"].value_counts().items()},
            "classes": {name: int((self.items["label"] == name).sum()) for name in self.vocab},
            "split": self.digest,
            "skipped": 0 if self.skipped is None else len(self.skipped),
            "notes": list(self.notes),
        }


def open_photo(
    source: PhotoSource, least: int = 0, about: Json | None = None, mode: str = "RGB"
) -> Image.Image:
    """A photo as people see it, decoded in full, as RGB.

    Upright, in 8-bit sRGB, on white: data.pixels has the table of what is done; of an animation the first
    frame. A JPEG above PIXEL_LIMIT, as phones write them, is decoded at a half to an eighth of its size.
    Every place that shows a photo to a model opens it here, so training and prediction see the same pixels.
    least: pixels of the shorter side that are enough; a larger JPEG is decoded at a half to an eighth, which
    is several times faster and not quite the same.
    about: is given what the file says of itself: format, mode, EXIF orientation and camera, and animated.
    mode: RGB, or L for grey, which a JPEG decodes a quarter faster.
    Raises ValueError, which names the file, when it is no photo, damaged, or of another kind and above
    PIXEL_LIMIT pixels; a missing or forbidden file raises Python's own OSError.
    """
    in_memory = not isinstance(source, Photo | str | Path)
    name, box = "the photo" if in_memory else str(source), None
    if isinstance(source, Photo):
        source, box = source.path, source.box
    try:
        if not in_memory and Path(source).suffix.lower() in RAW:
            raise ValueError(without_reader(str(source)))
        return picture(source, least, about, mode, box)
    except (FileNotFoundError, PermissionError, IsADirectoryError):
        raise
    except Exception as error:  # Pillow's decoders raise OSError, SyntaxError, struct.error and more.
        reason = _unidentified(source) if isinstance(error, UnidentifiedImageError) else error
        raise ValueError(f"{name} cannot be read: {reason}") from error


def _unidentified(source: str | Path | bytes) -> str:
    if isinstance(source, bytes):
        return without_reader("", source[:HEAD]) or "not a photo"
    with open(source, "rb") as file:
        return without_reader(str(source), file.read(HEAD)) or "not a photo"


def photo_size(photo: Photo) -> tuple[int, int]:
    """Width and height in pixels of what open_photo gives, quarter turns of EXIF aside; decodes nothing."""
    if photo.box:
        left, top, right, bottom = photo.box
        return right - left, bottom - top
    with opened(photo.path) as image:
        draft(image)
        return image.size


def thumbnail(photo: Photo | Path, side: int) -> Image.Image:
    """A small RGB copy of a photo for people to look at, longest side at most `side` pixels.

    Raises ValueError and OSError as open_photo does.
    """
    small = open_photo(photo, 2 * side)
    small.thumbnail((side, side))
    return small
