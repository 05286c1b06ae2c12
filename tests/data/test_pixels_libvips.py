"""open_photo beside libvips, another reader of everything: 57 kinds of file that show one picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from kimchi_vision.data.photo import open_photo

pyvips = pytest.importorskip("pyvips")

HEIGHT, WIDTH = 96, 128
_NOISE = np.random.default_rng(0).integers(0, 256, (6, 8, 4), dtype=np.uint8)
PICTURE = Image.fromarray(_NOISE).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
"""Smooth colours, and smooth transparency."""
RGB, GREY, ALPHA = PICTURE.convert("RGB"), PICTURE.convert("L"), PICTURE.getchannel("A")
DEEP = np.asarray(RGB).astype(np.uint16)
TOP = int(DEEP.max())


def pillow(picture: Image.Image, **options):
    return lambda file: picture.save(file, **options)


def vips(values: np.ndarray, change=lambda image: image, **options):
    return lambda file: change(pyvips.Image.new_from_array(values)).write_to_file(str(file), **options)


def turned(number: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = number
    return exif


def of_profile(name: str):
    return lambda image: image.copy(interpretation="srgb").icc_export(output_profile=name)


def deep(values: np.ndarray):
    return vips(values, lambda image: image.copy(interpretation="rgb16" if image.bands == 3 else "grey16"))


EIGHT_BITS = {
    "plain.jpg": pillow(RGB, quality=95, subsampling=0),
    "halved colour.jpg": pillow(RGB, quality=90),
    "progressive.jpg": pillow(RGB, quality=90, progressive=True),
    "grey.jpg": pillow(GREY, quality=95),
    **{f"turned {n}.jpg": pillow(RGB, quality=95, exif=turned(n)) for n in range(1, 9)},
    "plain.png": pillow(RGB),
    "interlaced.png": vips(np.asarray(RGB), interlace=True),
    "grey.png": pillow(GREY),
    "bilevel.png": pillow(GREY.convert("1")),
    "palette.png": pillow(RGB.quantize(64)),
    "transparent.png": pillow(PICTURE),
    "grey transparent.png": pillow(Image.merge("LA", [GREY, ALPHA])),
    "one colour transparent.png": pillow(GREY, transparency=GREY.getpixel((9, 9))),
    "turned.png": pillow(RGB, exif=turned(6)),
    "plain.tif": pillow(RGB),
    "grey.tif": pillow(GREY),
    "bilevel.tif": pillow(GREY.convert("1"), compression="group4"),
    "lzw.tif": pillow(RGB, compression="tiff_lzw"),
    "packed bits.tif": pillow(RGB, compression="packbits"),
    "tiled, deflated.tif": vips(np.asarray(RGB), tile=True, compression="deflate", predictor="horizontal"),
    "jpeg inside.tif": vips(np.asarray(RGB), compression="jpeg", Q=95),
    "big.tif": vips(np.asarray(RGB), bigtiff=True),
    "transparent.tif": pillow(PICTURE),
    "turned.tif": pillow(RGB, exif=turned(8)),
    "several pages.tif": pillow(RGB, save_all=True, append_images=[Image.new("RGB", RGB.size)]),
    "lossy.webp": pillow(RGB, quality=90),
    "lossless.webp": pillow(RGB, lossless=True),
    "transparent.webp": pillow(PICTURE, lossless=True),
    "plain.gif": pillow(RGB.quantize(128)),
    "animated.gif": pillow(RGB.quantize(64), save_all=True, append_images=[GREY]),
    "display p3.jpg": vips(np.asarray(RGB), of_profile("p3"), Q=95),
    "display p3.png": vips(np.asarray(RGB), of_profile("p3")),
    "cmyk with its profile.jpg": vips(np.asarray(RGB), of_profile("cmyk"), Q=95),
    "cmyk with its profile.tif": vips(np.asarray(RGB), of_profile("cmyk")),
    "ending of another.png": lambda file: RGB.save(file, "WEBP", lossless=True),
}
RANGES = {
    "10 bits in 16": (DEEP * (1023 / TOP)).astype(np.uint16),
    "12 bits in 16": (DEEP * (4095 / TOP)).astype(np.uint16),
    "16 bits": DEEP * 257,
}
MORE_BITS = {
    f"{name} of {kind}{end}": deep(each[..., shown])
    for name, each in RANGES.items()
    for kind, shown in (("grey", 1), ("colour", slice(3)))
    for end in (".png", ".tif")
} | {
    "floats to 1.tif": vips((DEEP[..., 0] / 255).astype(np.float32)),
    "floats to 3000.tif": vips((DEEP[..., 0] * 3000 / 255).astype(np.float32)),
    "32 bits.tif": vips(DEEP[..., 0].astype(np.int32) * 5000),
}


def seen(file: Path) -> np.ndarray:
    """The picture in sRGB as libvips reads it."""
    image = pyvips.Image.new_from_file(str(file)).autorot()
    if image.get_typeof("icc-profile-data"):
        image = image.icc_transform("srgb", embedded=True, intent="perceptual")
    elif image.interpretation != "b-w":
        image = image.colourspace("srgb")
    if image.hasalpha():
        image = image.flatten(background=255)
    pixels = image.cast("uchar").numpy()
    return pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)


@pytest.mark.parametrize("name", EIGHT_BITS)
def test_what_libvips_sees_is_seen(tmp_path, name):
    EIGHT_BITS[name](tmp_path / name)
    found, expected = np.asarray(open_photo(tmp_path / name), int), seen(tmp_path / name)
    assert found.shape[:2] == expected.shape[:2]
    assert np.abs(found - expected[..., :3]).mean() < 1


@pytest.mark.parametrize("name", MORE_BITS)
def test_values_that_libvips_reads_are_shown_from_black_to_white(tmp_path, name):
    """White is 65535, 255 or 1, or where the file uses a part of its bits, its largest value."""
    MORE_BITS[name](tmp_path / name)
    values = pyvips.Image.new_from_file(str(tmp_path / name)).numpy().astype(float)
    white = 65535 if name.startswith("16") else 1 if name.startswith("floats to 1.") else values.max()
    expected = values * (255 / white)
    found = np.asarray(open_photo(tmp_path / name, mode="RGB" if values.ndim == 3 else "L"), float)
    assert np.abs(found - expected).max() <= 1


@pytest.mark.parametrize("name", RANGES)
def test_grey_with_transparency_has_a_range_of_its_own(tmp_path, name):
    grey = RANGES[name][..., 1]
    opaque = np.full_like(grey, 65535)
    opaque[:8] = 0
    deep(np.stack([grey, opaque], axis=2))(tmp_path / "deep.png")
    expected = grey * (255 / (65535 if name.startswith("16") else grey.max()))
    expected[:8] = 255
    found = np.asarray(open_photo(tmp_path / "deep.png"), float)
    assert np.abs(found - expected[..., None]).max() <= 1


def test_a_picture_blurred_is_another(tmp_path):
    """So that a difference of one level, which the tests above allow, is little."""
    EIGHT_BITS["plain.png"](tmp_path / "plain.png")
    other = np.asarray(RGB.filter(ImageFilter.GaussianBlur(2)), int)
    assert np.abs(other - seen(tmp_path / "plain.png")).mean() > 1
