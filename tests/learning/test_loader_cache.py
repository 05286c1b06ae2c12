"""Kept photos: built once, shared, and never trained on when damaged."""

import logging
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from kimchi_vision.base import cache
from kimchi_vision.learning.loader import photo_cache


def photo(row: int) -> np.ndarray:
    return np.random.default_rng(row).integers(0, 256, (8 + row, 12, 3), dtype=np.uint8)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("KIMCHI_CACHE", str(tmp_path / "packs"))
    return tmp_path / "packs"


def test_photos_come_back_as_they_were():
    pack = photo_cache.stored("some", "uint8", 5, photo)
    assert all(np.array_equal(pack[row], photo(row)) for row in range(5))


def test_jpeg_keeps_size_and_about_the_colours():
    def grey(row):
        return np.full((16, 24, 3), 10 * row, np.uint8)

    pack = photo_cache.stored("some", "jpeg", 3, grey)
    assert np.abs(pack[2].astype(int) - grey(2)).max() <= 2


def test_a_second_run_makes_nothing_anew():
    photo_cache.stored("some", "uint8", 3, photo)
    assert len(photo_cache.stored("some", "uint8", 3, lambda row: pytest.fail("made again"))) == 3


def test_names_change_with_photos_and_settings():
    names = {photo_cache.key(settings, hashes) for settings in "ab" for hashes in (["1"], ["1", "2"])}
    assert len(names) == 4


def test_a_truncated_pack_is_built_anew(folder, caplog):
    photo_cache.stored("some", "uint8", 3, photo)
    os.truncate(folder / "some.pack", 100)
    pack = photo_cache.stored("some", "uint8", 3, photo)
    assert "built anew" in caplog.text
    assert np.array_equal(pack[2], photo(2))


def test_a_changed_byte_is_noticed_and_the_photo_read_anew(folder, caplog):
    photo_cache.stored("some", "uint8", 3, photo)
    content = bytearray((folder / "some.pack").read_bytes())
    content[7] ^= 255
    (folder / "some.pack").write_bytes(content)
    pack = photo_cache.stored("some", "uint8", 3, photo)
    assert np.array_equal(pack[0], photo(0))
    assert "damaged" in caplog.text


def test_an_index_that_is_no_index_is_replaced(folder):
    photo_cache.stored("some", "uint8", 3, photo)
    (folder / "some.index.npy").write_bytes(b"what is this")
    assert np.array_equal(photo_cache.stored("some", "uint8", 3, photo)[1], photo(1))


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
    assert all(np.array_equal(pack[3], photo(3)) for pack in packs)


def test_clear_frees_what_lay_there(folder):
    photo_cache.stored("some", "uint8", 3, photo)
    assert cache.clear() > 0
    assert not list(folder.iterdir())
