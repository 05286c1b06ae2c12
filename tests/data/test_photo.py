import io

import numpy as np
import pytest
from PIL import Image

from kimchi_vision.data import photo
from kimchi_vision.data.photo import open_photo


def encoded(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def test_a_photo_taken_on_its_side_is_turned_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    assert open_photo(encoded(Image.new("RGB", (96, 48)), "JPEG", exif=exif)).size == (48, 96)


def test_sixteen_bits_are_scaled_not_clipped():
    grey = Image.fromarray(np.full((4, 4), 115 * 257, np.uint16))
    assert open_photo(encoded(grey, "PNG")).getpixel((0, 0)) == (115, 115, 115)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_transparency_lies_on_white(mode):
    clear = Image.new("RGBA", (4, 4), (200, 30, 30, 0)).convert(mode)
    assert open_photo(clear).getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "YCbCr"])
def test_other_modes_become_rgb(mode):
    assert open_photo(Image.new("RGB", (4, 4), "white").convert(mode)).getpixel((0, 0)) == (255, 255, 255)


def test_a_path_bytes_and_an_image_give_the_same_pixels(tmp_path):
    image = Image.effect_noise((32, 24), 60).convert("RGB")
    path = tmp_path / "깍두기.png"
    image.save(path)
    for source in (path, str(path), path.read_bytes(), image):
        assert open_photo(source).tobytes() == image.tobytes()


def test_a_damaged_photo_is_named(tmp_path):
    whole = encoded(Image.effect_noise((64, 64), 60), "JPEG")
    for content, reason in ((whole[:-300], "truncated"), (b"", "not a photo"), (b"<html>", "not a photo")):
        path = tmp_path / "broken.jpg"
        path.write_bytes(content)
        with pytest.raises(ValueError, match=rf"broken\.jpg cannot be read: .*{reason}"):
            open_photo(path)
    with pytest.raises(FileNotFoundError):
        open_photo(tmp_path / "missing.jpg")


def test_the_pixel_limit_holds_before_decoding(monkeypatch):
    monkeypatch.setattr(photo, "PIXEL_LIMIT", 100)
    with pytest.raises(ValueError, match="11 x 10 pixels, above the limit of 100"):
        open_photo(encoded(Image.new("RGB", (11, 10)), "PNG"))


def test_a_format_that_would_start_another_program_is_no_photo():
    postscript = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n"
    with pytest.raises(ValueError, match="not a photo"):
        open_photo(postscript)
