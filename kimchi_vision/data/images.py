"""Pictures as data URIs, small enough that the page stays below 3 MB."""

import base64
import io
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

from PIL import Image

from kimchi_vision.base.threads import share
from kimchi_vision.data.photo import Photo, thumbnail

THUMBNAIL_SIDE = 112
THUMBNAILS_BYTES = 1_900_000
FIGURE_SIDE = 900


def thumbnails(files: Mapping[str, Photo], side: int = THUMBNAIL_SIDE) -> dict[str, str | None]:
    """Small pictures of photos, by path, in the given order, as many as THUMBNAILS_BYTES hold; None for a
    photo that is gone or cannot be read."""
    found: dict[str, str | None] = {}
    room = THUMBNAILS_BYTES
    for path, picture in _drawn(files, side):
        room -= len(picture or "")
        if room < 0:
            break
        found[path] = picture
    return found


def photo(path: Photo | Path, side: int) -> str | None:
    """A data URI of a photo, or None when it cannot be read."""
    try:
        return _uri(thumbnail(path, side), quality=60)
    except (OSError, ValueError):
        return None


def figure(path: Path) -> str:
    """A figure that shows photos, as data URI."""
    with Image.open(path) as image:
        picture = image.convert("RGB")
    picture.thumbnail((FIGURE_SIDE, FIGURE_SIDE))
    return _uri(picture, quality=65)


def _drawn(files: Mapping[str, Photo], side: int) -> Iterator[tuple[str, str | None]]:
    """A few hundred at a time, so that little is drawn in vain when the room is used up."""
    rest = iter(files)
    with ThreadPoolExecutor(share()) as pool:
        while some := list(islice(rest, 256)):
            yield from zip(some, pool.map(lambda path: photo(files[path], side), some), strict=True)


def _uri(image: Image.Image, **options: int) -> str:
    """WebP: half of what a JPEG of the same looks takes."""
    data = io.BytesIO()
    image.save(data, "WEBP", **options)
    return f"data:image/webp;base64,{base64.b64encode(data.getvalue()).decode()}"
