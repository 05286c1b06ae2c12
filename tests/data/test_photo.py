import io
import os
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from kimchi_vision.data import decoding
from kimchi_vision.data.photo import Photo, Photos, open_photo, photo_size, thumbnail
from kimchi_vision.data.scan import _inspect


def encoded(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_transparency_lies_on_white(mode):
    clear = Image.new("RGBA", (4, 4), (200, 30, 30, 0)).convert(mode)
    if clear.getchannel("A").getextrema() != (0, 0):
        pytest.skip(f"this Pillow loses transparency on its way to {mode}")
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
    monkeypatch.setattr(decoding, "PIXEL_LIMIT", 100)
    with pytest.raises(ValueError, match="11 x 10 pixels, above the limit of 100"):
        open_photo(encoded(Image.new("RGB", (11, 10)), "PNG"))


def test_a_format_that_would_start_another_program_is_no_photo():
    postscript = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n"
    with pytest.raises(ValueError, match="not a photo"):
        open_photo(postscript)


@pytest.fixture
def large(tmp_path):
    """A JPEG of 400 x 300 pixels: smooth, red at the left and blue at the right."""
    ramp = np.linspace(0, 255, 400)[None, :, None] * np.array([-1, 0, 1]) + np.array([255, 60, 0])
    file = tmp_path / "large.jpg"
    Image.fromarray(np.repeat(ramp, 300, axis=0).astype(np.uint8)).save(file, quality=95)
    return file


@pytest.mark.parametrize(
    ("least", "size"), [(0, (400, 300)), (151, (400, 300)), (150, (200, 150)), (70, (100, 75))]
)
def test_a_jpeg_is_decoded_small_where_that_is_enough(large, least, size):
    assert open_photo(large, least).size == size
    assert open_photo(large.read_bytes(), least).size == size


def test_a_part_of_a_photo_is_cut_from_the_whole(large):
    whole = open_photo(large)
    part = Photo(large, (40, 30, 140, 90))
    assert open_photo(part, least=20).tobytes() == whole.crop((40, 30, 140, 90)).tobytes()
    assert photo_size(part) == (100, 60)
    assert photo_size(Photo(large)) == (400, 300)
    small = thumbnail(part, 50)
    assert small.size == (50, 30)
    assert np.abs(np.asarray(small)[15, 25].astype(int) - whole.getpixel((90, 60))).max() < 4


def test_a_box_is_in_pixels_of_the_upright_photo(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    photo = Image.new("RGB", (96, 48), "blue")
    photo.paste("red", (0, 24, 48, 48))  # upright: the left upper quarter
    photo.save(tmp_path / "turned.png", exif=exif)
    part = open_photo(Photo(tmp_path / "turned.png", (0, 0, 24, 48)))
    assert part.getcolors() == [(24 * 48, (255, 0, 0))]


def test_a_thumbnail_is_small_upright_and_whole(tmp_path, large):
    assert thumbnail(large, 100).size == (100, 75)
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(large) as image:
        image.save(tmp_path / "turned.jpg", exif=exif)
    assert thumbnail(tmp_path / "turned.jpg", 100).size == (75, 100)
    Image.new("RGBA", (50, 40), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    assert thumbnail(tmp_path / "clear.png", 100).getcolors() == [(2000, (255, 255, 255))]
    (tmp_path / "page.jpg").write_text("<html>")
    with pytest.raises(ValueError, match=r"page\.jpg cannot be read: "):
        thumbnail(tmp_path / "page.jpg", 100)
    with pytest.raises(FileNotFoundError):
        thumbnail(tmp_path / "missing.jpg", 100)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_shows_the_same_photo(orientation):
    upright = Image.new("RGB", (40, 30), "blue")
    upright.paste("red", (0, 0, 10, 10))
    exif = Image.Exif()
    exif[0x0112] = orientation
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Pillow's transpositions that undo them
    stored = upright.transpose(back[orientation]) if orientation > 1 else upright
    content, about = encoded(stored, "PNG", exif=exif), {}
    assert open_photo(content, about=about).tobytes() == upright.tobytes()
    assert open_photo(Image.open(io.BytesIO(content))).tobytes() == upright.tobytes()
    assert about["orientation"] == orientation


def test_a_file_tells_of_itself(tmp_path):
    exif, about = Image.Exif(), {"other": 1}
    exif[0x0110] = " KC-1\0"
    open_photo(encoded(Image.new("CMYK", (9, 9)), "JPEG", exif=exif), about=about)
    assert about == {
        "other": 1, "format": "JPEG", "mode": "CMYK", "orientation": 1, "camera": "KC-1", "animated": 0,
    }  # fmt: skip
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    for kind, animated in (("GIF", 1), ("WEBP", 1), ("MPO", 0)):
        content = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
        photo = open_photo(content, about=about)
        assert (about["format"], about["animated"]) == (kind, animated)
        red, _, blue = photo.getpixel((5, 5))
        assert red > 200 > 50 > blue  # the first frame


def test_grey_is_what_a_grey_copy_holds(large):
    grey = open_photo(large, mode="L")
    assert (grey.mode, grey.size) == ("L", (400, 300))
    assert np.abs(np.asarray(grey, int) - np.asarray(open_photo(large).convert("L"), int)).max() <= 3


@pytest.mark.parametrize(
    ("value", "seen"), [(0, 0), (128, 0), (129, 1), (256, 1), (65535, 255), (32896, 128)]
)
def test_sixteen_bits_are_rounded_to_eight(value, seen):
    grey = np.full((4, 4), 65535, np.uint16)
    grey[1:] = value
    assert open_photo(encoded(Image.fromarray(grey), "PNG")).getpixel((0, 2)) == (seen,) * 3


def test_half_transparent_colours_are_mixed_with_white():
    assert open_photo(Image.new("RGBA", (4, 4), (200, 0, 100, 51))).getpixel((0, 0)) == (244, 204, 224)


@pytest.mark.parametrize("pixels", [(10, 10), (4, 25)])
def test_as_many_pixels_as_the_limit_are_decoded(monkeypatch, pixels):
    monkeypatch.setattr(decoding, "PIXEL_LIMIT", 100)
    assert open_photo(encoded(Image.new("RGB", pixels), "PNG")).size == pixels


def test_errors_name_the_file_as_it_was_given(tmp_path):
    with pytest.raises(ValueError, match=r"^the photo cannot be read: not a photo$"):
        open_photo(b"<html>")
    (tmp_path / "page.jpg").write_text("<html>")
    with pytest.raises(ValueError, match=r"page\.jpg \(0,0,4,4\) cannot be read: not a photo$"):
        open_photo(Photo(tmp_path / "page.jpg", (0, 0, 4, 4)))
    with pytest.raises(IsADirectoryError):
        open_photo(tmp_path)


TABLE = pd.DataFrame(
    {
        "path": ["a/0.jpg", "b/1.jpg", "a/2.jpg", "b/3.jpg"],
        "label": ["a", "b", "a", "b"],
        "split": ["train", "valid", "valid", "train"],
        "sha256": ["00", "01", "02", "03"],
        "group": [0, 1, 2, 3],
    }
)


def test_parts_files_and_contents_follow_the_table(tmp_path):
    found = Photos(tmp_path, TABLE, ("b", "a"))
    assert found.part("valid")["path"].tolist() == ["b/1.jpg", "a/2.jpg"]
    assert found.part("valid").index.tolist() == [0, 1]
    assert found.part("valid").columns.equals(found.items.columns)
    files = found.files(found.part("valid"))
    assert [file.path for file in files] == [tmp_path / "b" / "1.jpg", tmp_path / "a" / "2.jpg"]
    assert [file.content for file in found.files(TABLE[::-1])] == ["03", "02", "01", "00"]
    cut = Photos(tmp_path, TABLE.assign(crop=["", "1,2,3,4", "", "5,6,7,8"]), ("a", "b"))
    assert [file.box for file in cut.files(TABLE)] == [None, (1, 2, 3, 4), None, (5, 6, 7, 8)]
    assert [file.content for file in cut.files(TABLE[:2])] == ["00", "01#box=1,2,3,4"]
    assert cut.files(pd.DataFrame({"path": ["other.jpg"]})) == [Photo(tmp_path / "other.jpg")]


def test_facts_count_parts_and_classes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    notes = (("found_links", {"count": 1}),)
    found = Photos(Path("x"), TABLE[:3], ("a", "b", "c"), notes, TABLE[["path", "label"]])
    assert found.facts() == {
        "root": str(tmp_path / "x"),
        "parts": {"valid": 2, "train": 1},
        "classes": {"a": 2, "b": 1, "c": 0},
        "split": found.digest,
        "skipped": 4,
        "notes": list(notes),
    }
    assert Photos(tmp_path, TABLE, ("a", "b")).facts()["skipped"] == 0


def test_the_digest_is_of_photos_classes_and_parts_whatever_their_paths_and_order(tmp_path):
    def digest(**columns):
        return Photos(tmp_path, TABLE.assign(**columns), ("a", "b")).digest

    same = {digest(), digest(path=["w", "x", "y", "z"]), Photos(tmp_path, TABLE[::-1], ("b", "a")).digest}
    assert len(same) == 1
    others = {
        digest(split="train"), digest(label=["a", "a", "a", "b"]), digest(sha256=["00", "01", "02", "04"]),
    }  # fmt: skip
    assert len(others | same) == 4
    assert all(len(each) == 12 and int(each, 16) >= 0 for each in others)


def test_a_file_larger_than_any_photo_is_refused_before_it_is_read(tmp_path, monkeypatch):
    huge = tmp_path / "huge.jpg"
    huge.touch()
    os.truncate(huge, 3_000_000_000)  # takes no room on the disk
    monkeypatch.setattr("builtins.open", lambda *arguments: pytest.fail("opened"))
    for opened in (open_photo, photo_size, partial(thumbnail, side=9)):
        with pytest.raises(ValueError, match=r"has 3,000 MB, above the limit of 537 MB"):
            opened(Photo(huge))
    facts, pixels = _inspect(huge)
    assert (facts["problem"], pixels) == ("has 3,000 MB, above the limit of 537 MB", None)
