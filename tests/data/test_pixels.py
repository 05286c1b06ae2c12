"""Pixels mean the same however a file stores them: each kind beside the 8-bit picture that it shows."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from kimchi_vision.data.decoding import cuts_off, picture
from kimchi_vision.data.formats import is_raw_tiff
from kimchi_vision.data.photo import Photo, open_photo, photo_size, thumbnail

RAMP = np.linspace(0, 255, 64 * 48).reshape(48, 64)


def stored(values: np.ndarray, kind: str, **options) -> bytes:
    content = io.BytesIO()
    Image.fromarray(values).save(content, kind, **options)
    return content.getvalue()


DEEP = {
    "float 0 to 1": (RAMP / 255).astype(np.float32),
    "float 0 to 255": RAMP.astype(np.float32),
    "16 bits": (RAMP * 257).astype(np.uint16),
    "14 bits in 16": (RAMP * 64).astype(np.uint16),
    "12 bits in 16": (RAMP * 16).astype(np.uint16),
    "16 bits to 300": (RAMP * 300 / 255).astype(np.uint16),
    "16 bits to 254": (RAMP * 254 / 255).astype(np.uint16),
    "32 bits to a million": (RAMP * 1e6 / 255).astype(np.int32),
    "32 bits around zero": (RAMP * 1e4 - 1e6).astype(np.int32),
}


@pytest.mark.parametrize("kind", DEEP)
def test_deep_pictures_show_what_their_8_bit_copy_shows(kind):
    found = np.asarray(open_photo(stored(DEEP[kind], "TIFF"), mode="L"), float)
    assert np.abs(found - RAMP).max() < 2


def test_a_tiff_that_states_its_white_is_believed():
    content = io.BytesIO()
    Image.fromarray((RAMP * 8).astype(np.uint16)).save(content, "TIFF", tiffinfo={281: 4095})
    assert np.asarray(open_photo(content.getvalue(), mode="L")).max() == pytest.approx(127, abs=1)


@pytest.mark.parametrize("value", [6, "6", b"6\0", (6, 1)], ids=repr)
def test_an_orientation_of_any_type_is_turned(value):
    from kimchi_vision.data.pixels import orientation, upright

    exif = Image.Exif()
    exif[0x0112] = value
    assert orientation(exif) == 6
    picture = Image.new("RGB", (64, 48))
    picture.getexif()[0x0112] = value
    assert upright(picture).size == (48, 64)


@pytest.mark.parametrize("value", [0, 9, "x", b"", (), None], ids=repr)
def test_an_orientation_without_sense_turns_nothing(value):
    from kimchi_vision.data.pixels import orientation

    exif = Image.Exif()
    exif[0x0112] = value
    assert orientation(exif) == 1


def test_colours_of_another_profile_are_those_of_srgb():
    grey = np.repeat(RAMP[:, :, None], 3, axis=2).astype(np.uint8)
    linear = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert np.array_equal(np.asarray(open_photo(stored(grey, "PNG", icc_profile=linear))), grey)
    assert np.array_equal(np.asarray(open_photo(stored(grey, "PNG", icc_profile=b"damaged"))), grey)


def test_a_phones_108_megapixels_are_decoded_at_half_its_size():
    content = io.BytesIO()
    Image.new("L", (12000, 9000), 90).save(content, "JPEG", quality=90)
    photo = open_photo(content.getvalue())
    assert (photo.size, photo.getpixel((9, 9))) == ((6000, 4500), (90, 90, 90))


def test_the_size_that_is_told_is_the_size_that_is_opened(tmp_path):
    file = tmp_path / "large.jpg"
    Image.new("L", (12000, 9000)).save(file, quality=20)
    assert photo_size(Photo(file)) == (6000, 4500)


def test_arrays_of_values_are_photos():
    assert open_photo(np.full((3, 4), 7, np.uint8)).getpixel((0, 0)) == (7, 7, 7)
    assert open_photo(np.zeros((3, 4, 4), np.uint8)).getpixel((0, 0)) == (255, 255, 255)


def deep_colours(values: np.ndarray, ending: str) -> bytes:
    cv2 = pytest.importorskip("cv2")
    order = [2, 1, 0, 3][: values.shape[2]]
    return cv2.imencode(ending, np.ascontiguousarray(values[..., order]))[1].tobytes()


@pytest.mark.parametrize("ending", [".png", ".tiff"])
@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_16_bits_of_each_colour_show_what_their_8_bit_copy_shows(tmp_path, bits, ending):
    shown = np.stack([RAMP, 255 - RAMP, RAMP / 2], axis=2)
    content = deep_colours((shown * ((1 << bits) - 1) / 255).astype(np.uint16), ending)
    file = tmp_path / f"deep{ending}"
    file.write_bytes(content)
    with Image.open(file) as opened:
        for source in (content, file, opened, Image.open(io.BytesIO(content))):
            assert np.abs(np.asarray(open_photo(source), float) - shown).max() < 2
    assert np.abs(np.asarray(thumbnail(file, 64), float) - shown).max() < 2


def test_transparency_of_16_bits_has_a_range_of_its_own():
    colours = np.full((48, 64, 4), 1000, np.uint16)
    colours[..., 3] = np.where(np.arange(64) < 32, 65535, 0)
    colours[:, :8, :3] = 4000
    found = np.asarray(open_photo(deep_colours(colours, ".png")), int)
    assert np.abs(found[0, [0, 20, 50], 0] - [255, 64, 255]).max() < 2


def raw_file(kind: str) -> bytes:
    """The beginning of what a camera writes, with a preview that Pillow would show."""
    if kind == "CR3":
        return b"\0\0\0\x18ftypcrx " + bytes(64)
    tags = {"DNG": {50706: b"\1\4\0\0"}, "NEF": {254: 1, 330: 8}}
    return stored(RAMP.astype(np.uint8), "TIFF", tiffinfo=tags[kind])


@pytest.mark.parametrize("tags", [{262: 32803}, {262: 34892}, {50706: b""}, {254: 1, 330: (8,)}])
def test_a_tiff_of_raw_pixels_is_told_by_its_tags(tags):
    assert is_raw_tiff(tags)
    assert not is_raw_tiff({262: 2, 254: 0, 330: (8,)})


@pytest.mark.parametrize("kind", ["DNG", "NEF", "CR3"])
def test_a_raw_file_named_as_a_jpeg_is_none(tmp_path, kind):
    (tmp_path / "photo.jpg").write_bytes(raw_file(kind))
    for source in (tmp_path / "photo.jpg", raw_file(kind)):
        with pytest.raises(ValueError, match="a camera's raw file: save it as JPEG"):
            open_photo(source)


@pytest.mark.parametrize(
    ("values", "kind", "lost"),
    [
        (np.zeros((4, 4, 3), np.uint8), "JPEG", False),
        (np.zeros((4, 4), np.uint8), "PNG", False),
        (np.zeros((4, 4, 4), np.uint8), "PNG", True),
        (np.zeros((4, 4), np.uint16), "PNG", True),
    ],
    ids=["colour", "grey", "transparent", "16 bits"],
)
def test_what_convert_would_leave_out_is_known(values, kind, lost):
    assert cuts_off(stored(values, kind)) is lost
    assert cuts_off(b"no photo") is False
    assert picture(stored(values, kind)).mode == "RGB"


def test_of_colours_of_16_bits_the_low_bytes_would_be_left_out():
    assert cuts_off(deep_colours(np.zeros((4, 4, 3), np.uint16), ".png"))
