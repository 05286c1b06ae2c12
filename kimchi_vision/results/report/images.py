"""Pictures as data URIs, small enough that the page stays below 8 MB."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from PIL import Image

from kimchi_vision.data.photo import Photo, thumbnail

THUMBNAIL_SIDE = 112
THUMBNAILS_BYTES = 5_500_000
FIGURE_SIDE = 1400


@dataclass(frozen=True)
class Thumbnails:
    """Data URIs by path, paths whose photo is gone or unreadable, and paths left out for lack of room."""

    pictures: dict[str, str]
    missing: frozenset[str]
    left_out: frozenset[str]


def thumbnails(files: Mapping[str, Photo]) -> Thumbnails:
    """Small JPEGs of photos, by path, in the given order, as many as THUMBNAILS_BYTES hold."""
    pictures: dict[str, str] = {}
    missing: set[str] = set()
    room = THUMBNAILS_BYTES
    for path, picture in _drawn(files):
        if picture is None:
            missing.add(path)
        elif room < len(picture):
            break
        else:
            pictures[path] = picture
            room -= len(picture)
    left_out = frozenset(files) - pictures.keys() - missing
    return Thumbnails(pictures, frozenset(missing), left_out)


def photo(path: Photo | Path, side: int) -> str | None:
    """A JPEG data URI of a photo, or None when it cannot be read."""
    try:
        return _uri(thumbnail(path, side), "JPEG", quality=65)
    except (OSError, ValueError):
        return None


def figure(path: Path, of_photos: bool) -> str:
    """A figure as data URI: JPEG when it shows photos, else PNG, which keeps lines sharp."""
    with Image.open(path) as image:
        picture = image.convert("RGB")
    picture.thumbnail((FIGURE_SIDE, FIGURE_SIDE))
    return _uri(picture, "JPEG", quality=80) if of_photos else _uri(picture, "PNG", optimize=True)


def _drawn(files: Mapping[str, Photo]) -> Iterator[tuple[str, str | None]]:
    """A few hundred at a time, so that little is drawn in vain when the room is used up."""
    rest = iter(files)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        while some := list(islice(rest, 256)):
            yield from zip(some, pool.map(lambda path: photo(files[path], THUMBNAIL_SIDE), some), strict=True)


def _uri(image: Image.Image, kind: str, **options: int) -> str:
    data = io.BytesIO()
    image.save(data, kind, **options)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(data.getvalue()).decode()}"
