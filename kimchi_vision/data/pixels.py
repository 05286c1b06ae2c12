"""What the numbers of a picture mean: every mode and depth becomes 8-bit sRGB, upright, on white.

| what the file holds                    | what is done                                            |
|----------------------------------------|---------------------------------------------------------|
| EXIF or XMP orientation, of any type   | turned upright                                          |
| ICC profile (Display P3, Adobe, CMYK)  | converted to sRGB; a damaged profile is passed over     |
| transparency                           | laid on white                                           |
| palette, grey, bilevel, CMYK, YCC, LAB | converted                                               |
| more than 8 bits a value, float        | from black to white of the file's own range: see `white`|
| 16 bits of each colour, grey and alpha | so too; the brightest colour counts                     |
| MaxSampleValue in a TIFF               | that is white                                           |
| WhiteIsZero in a deep TIFF             | inverted                                                |
| several frames                         | the first                                               |
"""

from __future__ import annotations  # Pillow 10 has no _Tile

import io
import sys

import numpy as np
from PIL import Image, ImageCms, ImageFile

READING = 3
"""Another number whenever a file's pixels are read otherwise, so that what caches hold is made anew."""
ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_MAX_SAMPLE_VALUE, _PHOTOMETRIC, _S_MAX_SAMPLE_VALUE = 281, 262, 341
FULL_16 = 1 << 14
"""A picture of 16 bits whose values stay below this uses a part of them: 10, 12 or 14 bits."""


def orientation(exif: Image.Exif) -> int:
    """The EXIF orientation, 1 to 8, of whatever type the file gives it; 1 where it makes no sense."""
    value = exif.get(ORIENTATION, 1)
    if isinstance(value, tuple) and value:
        value = value[0]
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    try:
        number = int(str(value).strip(" \0"))
    except ValueError:
        return 1
    return number if number in _TURNS else 1


def upright(image: Image.Image) -> Image.Image:
    """Turned as its orientation says; the image itself when there is nothing to turn."""
    turn = _TURNS.get(orientation(image.getexif()))
    return image if turn is None else image.transpose(turn)


def plain(image: Image.Image, mode: str = "RGB") -> Image.Image:
    """8-bit sRGB, or grey for mode L, as the table says; orientation is left as it is."""
    if image.mode.startswith(("I", "F")):
        image = _of_8_bits(image)
    elif "icc_profile" in image.info:
        image = _in_srgb(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image if image.mode == mode else image.convert(mode)


def of_low_bytes(image: ImageFile.ImageFile) -> list[ImageFile._Tile]:
    """What to decode of a file not decoded yet for the low bytes of 16-bit colours; [] for other files.

    Pillow gives the high bytes. Read in the other order of bytes, the same file gives the low ones.
    """
    native = "L" if sys.byteorder == "little" else "B"
    found = []
    for tile in getattr(image, "tile", ()):
        args = tile[3] if isinstance(tile[3], tuple) else (tile[3],)
        name, _, order = str(args[0]).partition(";16")
        if (name, order) == ("LA", "B"):  # Pillow has no other order of it: both bytes of both, as colours
            found.append(_asked(tile, ("RGBA", *args[1:])))
            continue
        if name[:1] not in ("R", "G", "B", "A") or order not in ("L", "B", "N"):
            return []
        other = "B" if (native if order == "N" else order) == "L" else "L"
        found.append(_asked(tile, (f"{name};16{other}", *args[1:])))
    return found


def _asked(tile: ImageFile._Tile, args: tuple[object, ...]) -> ImageFile._Tile:
    """A tile to decode, read otherwise; Pillow's older ones are tuples without names."""
    return (*tile[:3], args) if type(tile) is tuple else tile._replace(args=args)


def read_low_bytes(image: ImageFile.ImageFile, tiles: list[ImageFile._Tile]) -> Image.Image:
    """The low bytes of colours of 16 bits, upright. tiles: what of_low_bytes says of the same file."""
    image.tile = tiles
    image.load()
    low = upright(image)
    if tiles[0][3][0] != "RGBA":
        return low
    _, grey, _, alpha = low.split()
    return Image.merge("RGBA", (grey, grey, grey, alpha))


def uses_all_bits(high: Image.Image) -> bool:
    """Whether the high bytes of 16-bit colours say where white is: see `white`."""
    return max(most for _, most in high.convert("RGB").getextrema()) >= FULL_16 >> 8


def of_16_bits(high: Image.Image, low: Image.Image) -> Image.Image:
    """Colours of 16 bits by their bytes, as 8 bits; transparency has a range of its own."""
    values = np.asarray(high).astype(np.uint16) << 8 | np.asarray(low)
    parts = [values[..., :3], values[..., 3:]]
    scaled = [part * (255 / white(part)) + 0.5 for part in parts if part.size]
    pixels = np.clip(np.concatenate(scaled, axis=2), 0, 255).astype(np.uint8)
    plain = Image.fromarray(pixels)
    plain.info = high.info
    return plain


def white(values: np.ndarray, stated: float | None = None) -> float:
    """The value that is white in a picture of more than 8 bits, or of floats.

    stated: what the file says. Else, for floats 1 or 255 where no value is above it; for whole numbers 255,
    or 65535 when more than 14 of 16 bits are used; and otherwise the largest value of the file: a camera's
    12 bits in 16, or any range of 32 bits.
    """
    top = float(values.max())
    if stated is not None and stated >= top > 0:
        return float(stated)
    if np.issubdtype(values.dtype, np.floating):
        levels = (1.0, 255.0)
        return next((level for level in levels if top <= level), top)
    if top <= 255:
        return 255.0
    return 65535.0 if FULL_16 <= top <= 65535 else top


def _of_8_bits(image: Image.Image) -> Image.Image:
    """Grey of 16 or 32 bits, signed or not, or of floats, as 8 bits."""
    values = np.asarray(image)
    if np.issubdtype(values.dtype, np.floating):
        values = np.nan_to_num(values, posinf=0.0, neginf=0.0)
    tags = getattr(image, "tag_v2", {})
    stated = tags.get(_S_MAX_SAMPLE_VALUE, tags.get(_MAX_SAMPLE_VALUE))
    bright = white(values, stated[0] if isinstance(stated, tuple) else stated)
    dark = min(0.0, float(values.min()))
    scaled = (values.astype(np.float64) - dark) * (255 / (bright - dark))
    if tags.get(_PHOTOMETRIC) == 0:
        scaled = 255 - scaled
    return Image.fromarray(np.clip(scaled + 0.5, 0, 255).astype(np.uint8))


def _in_srgb(image: Image.Image) -> Image.Image:
    """Colours of another profile as sRGB; grey, palettes, and what the profile does not fit are left."""
    opaque = image
    if image.mode == "RGBA":
        opaque = image.convert("RGB")
    if opaque.mode not in ("RGB", "CMYK"):
        return image
    transform = _transform(image.info["icc_profile"], opaque.mode)
    if transform is None:
        return image
    turned = ImageCms.applyTransform(opaque, transform)
    if image.mode == "RGBA":
        turned.putalpha(image.getchannel("A"))
    return turned


def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """From a profile to sRGB; None for sRGB itself and for a profile that is damaged or of other colours."""
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "srgb" in ImageCms.getProfileDescription(opened).lower():
            return None
        return ImageCms.buildTransform(opened, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
