"""Kept photos: built once, shared, and never trained on when damaged."""

import io
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import patch

import numpy as np
import pytest
from PIL import Image

from kimchi_vision.base import cache
from kimchi_vision.learning.loader import photo_cache


def photo(row: int) -> np.ndarray:
    return np.random.default_rng(row).integers(0, 256, (8 + row, 12, 3), dtype=np.uint8)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("KIMCHI_CACHE", str(tmp_path / "packs"))
    return tmp_path / "packs" / "photos"


def test_photos_come_back_as_they_were():
    pack = photo_cache.stored("some", "uint8", 5, photo)
    assert all(np.array_equal(pack(row), photo(row)) for row in range(5))


def test_jpeg_keeps_size_and_colours_as_quality_95_does():
    def smooth(row):
        coarse = Image.fromarray(np.random.default_rng(row).integers(0, 256, (4, 6, 3), dtype=np.uint8))
        return np.asarray(coarse.resize((48 + row, 32), Image.Resampling.BICUBIC))

    kept_photos = photo_cache.stored("some", "jpeg", 3, smooth)
    for row in range(3):
        file = io.BytesIO()
        Image.fromarray(smooth(row)).save(file, "JPEG", quality=95)
        assert np.array_equal(kept_photos(row), np.asarray(Image.open(file)))
        assert np.abs(kept_photos(row).astype(int) - smooth(row)).mean() < 3


def test_numbers_with_a_point_come_back_as_they_were():
    def finished(row):
        return np.random.default_rng(row).normal(size=(3, 5, 3)).astype(np.float32).transpose(1, 0, 2)

    kept_photos = photo_cache.stored("some", "float32", 2, finished)
    assert kept_photos(1).dtype == np.float32
    assert np.array_equal(kept_photos(1), finished(1))


def test_more_photos_than_are_made_at_once_keep_their_order(monkeypatch):
    monkeypatch.setattr(photo_cache, "AT_ONCE", 3)
    kept_photos = photo_cache.stored("some", "uint8", 8, photo)
    assert len(kept_photos) == 8
    assert all(np.array_equal(kept_photos(row), photo(row)) for row in range(8))


def test_another_number_of_photos_is_built_anew(caplog):
    photo_cache.stored("some", "uint8", 3, photo)
    assert len(photo_cache.stored("some", "uint8", 4, photo)) == 4
    assert "some.pack is damaged and is built anew" in caplog.text


@pytest.mark.parametrize("error", [ValueError, OSError])
def test_a_photo_that_cannot_be_read_is_asked_for_again_each_time(error, caplog):
    asked = []

    def broken(row):
        asked.append(row)
        if row == 1:
            raise error("damaged")
        return photo(row)

    kept_photos = photo_cache.stored("some", "uint8", 3, broken)
    assert np.array_equal(kept_photos(2), photo(2))
    for _ in range(2):
        with pytest.raises(error, match="damaged"):
            kept_photos(1)
    assert sorted(asked) == [0, 1, 1, 1, 2]


def test_a_pack_is_checked_once_and_tells_that_it_was_built(caplog):
    with caplog.at_level(logging.INFO):
        kept_photos = photo_cache.stored("some", "uint8", 3, photo)
    assert f"Photos in the cache: 3, 0 MB in {cache.folder()}." in caplog.text
    with patch.object(photo_cache.zlib, "crc32", side_effect=photo_cache.zlib.crc32) as checked:
        for _ in range(3):
            kept_photos(0), kept_photos(2)
    assert checked.call_count == 2


def test_an_index_of_other_photos_is_replaced(folder):
    photo_cache.stored("some", "uint8", 3, photo)
    photo_cache.stored("other", "uint8", 3, lambda row: photo(row + 1))
    (folder / "other.index.npz").replace(folder / "some.index.npz")
    assert np.array_equal(photo_cache.stored("some", "uint8", 3, photo)(2), photo(2))
    np.savez(folder / "some.index.npz", entries=np.zeros(3))
    assert np.array_equal(photo_cache.stored("some", "uint8", 3, photo)(2), photo(2))


def test_a_damaged_photo_is_read_anew_and_the_pack_built_anew_next_time(folder, caplog):
    photo_cache.stored("some", "uint8", 3, photo)
    content = bytearray((folder / "some.pack").read_bytes())
    content[7] ^= 255
    (folder / "some.pack").write_bytes(content)
    kept_photos = photo_cache.stored("some", "uint8", 3, photo)
    for _ in range(2):
        assert np.array_equal(kept_photos(0), photo(0))
    assert np.array_equal(kept_photos(1), photo(1))
    assert caplog.text.count("is damaged; its photos are read anew") == 1
    made = []
    again = photo_cache.stored("some", "uint8", 3, lambda row: made.append(row) or photo(row))
    assert sorted(made) == [0, 1, 2]
    assert np.array_equal(again(0), photo(0))
    assert sorted(made) == [0, 1, 2]


def test_a_second_run_makes_nothing_anew():
    photo_cache.stored("some", "uint8", 3, photo)
    assert len(photo_cache.stored("some", "uint8", 3, lambda row: pytest.fail("made again"))) == 3


def test_a_truncated_pack_is_built_anew(folder, caplog):
    photo_cache.stored("some", "uint8", 3, photo)
    os.truncate(folder / "some.pack", 100)
    pack = photo_cache.stored("some", "uint8", 3, photo)
    assert "built anew" in caplog.text
    assert np.array_equal(pack(2), photo(2))


def test_an_index_that_is_no_index_is_replaced(folder):
    photo_cache.stored("some", "uint8", 3, photo)
    (folder / "some.index.npz").write_bytes(b"what is this")
    assert np.array_equal(photo_cache.stored("some", "uint8", 3, photo)(1), photo(1))


def test_a_flipped_byte_anywhere_in_the_index_changes_no_photo(folder):
    photo_cache.stored("some", "uint8", 3, photo)
    index = folder / "some.index.npz"
    for place in range(0, index.stat().st_size, 7):
        content = bytearray(index.read_bytes())
        content[place] ^= 0xFF
        index.write_bytes(content)
        kept_photos = photo_cache.stored("some", "uint8", 3, photo)
        assert all(np.array_equal(kept_photos(row), photo(row)) for row in range(3))


def test_a_killed_build_leaves_nothing_that_counts(folder):
    def killed(row):
        if row == 2:
            raise KeyboardInterrupt
        return photo(row)

    with pytest.raises(KeyboardInterrupt):
        photo_cache.stored("some", "uint8", 3, killed)
    assert not list(folder.glob("*.pack"))
    assert len(photo_cache.stored("some", "uint8", 3, photo)) == 3


def test_a_folder_that_cannot_be_used_is_passed_by_with_a_line(tmp_path, monkeypatch, caplog):
    (tmp_path / "file").touch()
    monkeypatch.setenv("KIMCHI_CACHE", str(tmp_path / "file" / "below"))
    with caplog.at_level(logging.WARNING):
        assert photo_cache.stored("some", "uint8", 3, photo) is None
    assert len(caplog.records) == 1


def test_two_writers_build_a_pack_once():
    made = []

    def noted(row):
        made.append(row)
        return photo(row)

    with ThreadPoolExecutor(2) as pool:
        packs = list(pool.map(lambda _: photo_cache.stored("shared", "uint8", 4, noted), range(2)))
    assert sorted(made) == [0, 1, 2, 3]
    assert all(np.array_equal(pack(3), photo(3)) for pack in packs)


def test_names_tell_the_settings_from_the_photos_and_their_order(monkeypatch):
    names = [
        photo_cache.key("a", ["1", "2"]),
        photo_cache.key("a", ["2", "1"]),
        photo_cache.key("a\n1", ["2"]),
    ]
    assert names[0] != names[1]
    assert (
        len(
            {
                *names[:2],
                photo_cache.key("a", ["12"]),
                photo_cache.key("a", ["1"]),
                photo_cache.key("b", ["1", "2"]),
            }
        )
        == 5
    )
    assert all(len(name) == 24 for name in names)
    monkeypatch.setattr(photo_cache, "READING", photo_cache.READING + 1)  # photos are read otherwise
    assert photo_cache.key("a", ["1", "2"]) != names[0]


def test_clear_frees_what_lay_there_and_nothing_else(folder):
    photo_cache.stored("some", "uint8", 3, photo)
    (folder / "x.features.npz").write_bytes(b"1234567")
    (folder / "mine.txt").write_text("stays")
    kinds = {"some.pack", "some.index.npz", "some.lock", "x.features.npz"}
    there = {file.name: file.stat().st_size for file in folder.iterdir()}
    assert set(there) == {*kinds, "mine.txt"}
    assert cache.sizes() == {"photos": sum(there[name] for name in kinds), "scans": 0, "samples": 0}
    assert cache.clear() == sum(there[name] for name in kinds)
    assert [file.name for file in folder.iterdir()] == ["mine.txt"]
    assert cache.clear() == sum(cache.sizes().values()) == 0


def test_where_photos_are_kept(monkeypatch, tmp_path):
    assert cache.folder() == tmp_path / "packs" / "photos"
    monkeypatch.setenv("KIMCHI_CACHE", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache.folder() == tmp_path / "xdg" / "kimchi_vision" / "photos"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache.folder() == tmp_path / ".cache" / "kimchi_vision" / "photos"
    with patch.object(cache.shutil, "disk_usage") as usage:
        usage.return_value.free = 5
        assert cache.room() == 5
    usage.assert_called_once_with(tmp_path)  # what is there already of the folder
