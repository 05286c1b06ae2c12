"""A file decoded as far as asked, whatever its ending says: what open_photo begins with."""

import io
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageFile, UnidentifiedImageError

from kimchi_vision.base.plain import Json
from kimchi_vision.data.formats import RAW_FILE, is_raw, is_raw_tiff, plugins, usable
from kimchi_vision.data.pixels import (
    of_16_bits,
    of_low_bytes,
    orientation,
    plain,
    read_low_bytes,
    upright,
    uses_all_bits,
)

Image.init()
FORMATS = tuple(
    ({"JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"} & Image.OPEN.keys()) | plugins()
)
"""Kinds of picture that are decoded; Pillow knows more, some of which start other programs."""

PIXEL_LIMIT = 89_478_485
"""Most pixels that are decoded: Pillow's own border to a decompression bomb, 256 MiB of RGB."""
FILE_LIMIT = 1 << 29
"""Largest file, bytes, that is opened as a photo: what PIXEL_LIMIT pixels take in 16 bits a colour."""


@contextmanager
def opened(source: str | Path | bytes) -> Iterator[Image.Image]:
    """A picture of one of FORMATS, not decoded yet.

    Image.open refuses more pixels than Pillow's border, before a smaller decoding can be asked for.
    """
    if not isinstance(source, bytes):
        check_size(source)
    with io.BytesIO(source) if isinstance(source, bytes) else open(source, "rb") as file:
        head = file.read(16)
        for kind in usable(FORMATS):
            factory, accept = Image.OPEN[kind]
            if is_raw(head) or (accept is not None and accept(head) is not True):
                continue
            file.seek(0)
            try:
                image = factory(file, "")
            except (SyntaxError, IndexError, TypeError, struct.error):  # as Image.open: not of this kind
                continue
            if kind == "TIFF" and is_raw_tiff(image.tag_v2):
                raise ValueError(RAW_FILE)
            yield image
            return
        raise UnidentifiedImageError


def check_size(file: str | Path) -> None:
    """Raise ValueError for a file that is larger than any photo, before a byte of it is read."""
    size = os.stat(file).st_size
    if size > FILE_LIMIT:
        raise ValueError(f"has {size / 1e6:,.0f} MB, above the limit of {FILE_LIMIT / 1e6:.0f} MB")


def draft(image: Image.Image, least: int = 0, mode: str = "RGB") -> None:
    """Have a JPEG decoded smaller: to `least` pixels of the shorter side, and to PIXEL_LIMIT in any case."""
    size = (least, least) if least else image.size
    while size[0] * size[1] > PIXEL_LIMIT:
        size = (size[0] // 2, size[1] // 2)
    if size != image.size or mode == "L":
        image.draft(mode, size)
    if image.width * image.height > PIXEL_LIMIT:
        raise ValueError(f"{image.width} x {image.height} pixels, above the limit of {PIXEL_LIMIT}")


def facts(image: Image.Image) -> Json:
    """What a file says of itself: format, mode, EXIF orientation and camera, and whether it is animated."""
    exif = image.getexif()
    return {
        "format": image.format,
        "mode": image.mode,
        "orientation": orientation(exif),
        "camera": str(exif.get(0x0110, "")).strip(" \0"),
        # Phones put a preview beside the photo and call that MPO.
        "animated": int(image.format != "MPO" and getattr(image, "is_animated", False)),
    }


def picture(
    source: str | Path | bytes | Image.Image | np.ndarray,
    least: int = 0,
    about: Json | None = None,
    mode: str = "RGB",
    box: tuple[int, int, int, int] | None = None,
) -> Image.Image:
    """What open_photo gives, and model.pkl beside it; raises whatever Pillow does.

    box: left, top, right, bottom in pixels of the upright photo.
    """
    if isinstance(source, np.ndarray):
        source = Image.fromarray(source)
    if isinstance(source, Image.Image):
        content = _undecoded(source)
        if content is None:
            photo = plain(upright(source), mode)
            return photo.copy() if photo is source else photo  # the caller may close the source
        source = content
    with opened(source) as image:
        if about is not None:
            about |= facts(image)
        width = image.width
        draft(image, 0 if box else least, mode)  # boxes are in pixels of the whole photo
        photo = decoded(image, source, mode)
        if not box:
            return photo
        scale = image.width / width
        return photo.crop(tuple(round(side * scale) for side in box))


def decoded(image: ImageFile.ImageFile, source: str | Path | bytes, mode: str = "RGB") -> Image.Image:
    """A picture that was just opened, read in full, as data.pixels has it.

    source: what it was opened from. Changes the image itself: copying costs a scan more than hashing.
    """
    low = of_low_bytes(image)
    image.load()
    if not low or uses_all_bits(image):
        return plain(upright(image), mode)
    with opened(source) as again:
        return plain(of_16_bits(upright(image), read_low_bytes(again, low)), mode)


def _undecoded(image: Image.Image) -> bytes | None:
    """The file of a picture with 16-bit colours that Pillow has not read yet, and would cut to 8."""
    file = getattr(image, "fp", None)
    if file is None or not of_low_bytes(image):
        return None
    place = file.tell()
    file.seek(0)
    content = file.read()
    file.seek(place)
    return content


def cuts_off(source: str | Path | bytes) -> bool:
    """Whether `Image.open(source).convert("RGB")` leaves out what open_photo reads; False for no photo."""
    try:
        with opened(source) as image:
            return image.mode not in ("RGB", "L") or bool(of_low_bytes(image)) or image.has_transparency_data
    except (OSError, ValueError):
        return False
