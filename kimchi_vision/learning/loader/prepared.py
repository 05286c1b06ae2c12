"""Which photos are kept, in what form, and what stands in where nothing is kept."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import psutil

from kimchi_vision.base import cache
from kimchi_vision.config.sections import Loader
from kimchi_vision.data.photo import Photo, Photos, open_photo, photo_size
from kimchi_vision.learning.augment import Transforms
from kimchi_vision.learning.augment.presize import Presize
from kimchi_vision.learning.loader import photo_cache
from kimchi_vision.learning.loader.photo_cache import Pack

SHARE_OF_MEMORY = 0.5
"""Uncompressed photos above this share of the free memory would be read from the disk again and again."""


@dataclass(frozen=True)
class Part:
    """The photos of one split and their class numbers."""

    files: list[Photo]
    classes: np.ndarray

    @property
    def hashes(self) -> list[str]:
        """What each photo shows, for the names of caches."""
        return [file.content for file in self.files]


@dataclass(frozen=True)
class Direct:
    """Photos made when they are asked for."""

    make: Callable[[int], np.ndarray]

    def __getitem__(self, row: int) -> np.ndarray:
        """One photo."""
        return self.make(row)


ByNumber = Pack | Direct
"""Photos by number, (height, width, 3)."""


def part(photos: Photos, split: str) -> Part:
    """The rows of a split in table order."""
    rows = photos.part(split)
    numbers = {name: number for number, name in enumerate(photos.vocab)}
    return Part(photos.files(rows), rows["label"].map(numbers).to_numpy())


def presized(section: Loader, train: Part, presize: Presize) -> ByNumber:
    """Training photos, small, uint8: from the cache that the section asks for."""

    def make(row: int) -> np.ndarray:
        return presize(open_photo(train.files[row], presize.side))

    kind = _kind(section, train, presize)
    name = photo_cache.key(f"{presize.key} {kind}", train.hashes)
    pack = photo_cache.stored(name, kind, len(train.files), make) if kind else None
    return pack or Direct(make)


def finished(section: Loader, valid: Part, tfms: Transforms) -> ByNumber | None:
    """Validation photos as the model sees them, float32, or None where they are not kept.

    tfms: what augment.transforms returns.
    """

    def make(row: int) -> np.ndarray:
        return tfms.steps(open_photo(valid.files[row])).transpose(1, 2, 0)

    count = len(valid.files)
    size = count * 12 * tfms.steps.size**2
    if section.cache not in ("auto", "memmap") or size > min(cache.room(), _memory()):
        return None
    return photo_cache.stored(
        photo_cache.key(f"{tfms.key} float32 steps", valid.hashes), "float32", count, make
    )


def _kind(section: Loader, train: Part, presize: Presize) -> str | None:
    """How training photos are kept: uint8 while that fits, else jpeg; None to keep none."""
    if section.cache != "auto":
        return {"memmap": "uint8", "jpeg": "jpeg", "none": None}[section.cache]
    total = 3 * sum(_pixels(file, presize) for file in train.files)
    return "uint8" if total < min(cache.room(), _memory()) else "jpeg"


def _pixels(file: Photo, presize: Presize) -> int:
    try:
        return math.prod(presize.shape(*photo_size(file)))
    except (OSError, ValueError):
        return 0  # not readable any more; training says so


def _memory() -> float:
    return SHARE_OF_MEMORY * psutil.virtual_memory().available
