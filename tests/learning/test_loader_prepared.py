"""Which photos are kept, in what form, and under which name."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import psutil
import pytest

from kimchi_vision.base import cache
from kimchi_vision.config.sections import Loader
from kimchi_vision.data.photo import Photos, open_photo
from kimchi_vision.learning import loader
from kimchi_vision.learning.loader.photo_cache import Pack
from tests.conftest import noise


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("KIMCHI_CACHE", str(tmp_path / "packs"))
    return tmp_path / "packs" / "photos"


class Halved:
    """Makes photos half as large, as augment's presizing might."""

    side, key = 24, "halved"

    def shape(self, width, height):
        return height // 2, width // 2

    def __call__(self, photo):
        return np.asarray(photo)[::2, ::2]


@pytest.fixture
def photos(tmp_path):
    """Four photos of 64 x 48 pixels, and each with another content and another class than its neighbour."""
    names = [f"{'ab'[number % 2]}/{number}.png" for number in range(4)]
    for number, name in enumerate(names):
        noise(tmp_path / name, number)
    table = pd.DataFrame({"path": names, "label": list("abab"), "sha256": list("0123")})
    return Photos(tmp_path, table.assign(split=["train", "valid", "train", "train"]), ("b", "a"))


def pressed(photos, cache="auto"):
    return loader.presized(Loader(cache=cache), photos.files(photos.part("train")), Halved())


def test_photos_are_the_same_however_they_are_kept(photos, folder):
    for way, packed in (("memmap", True), ("none", False), ("auto", True)):
        found = pressed(photos, way)
        assert isinstance(found, Pack) == packed
        for row, number in enumerate((0, 2, 3)):
            file = photos.root / f"{'ab'[number % 2]}/{number}.png"
            assert np.array_equal(found(row), np.asarray(open_photo(file))[::2, ::2])
    assert len(list(folder.glob("*.pack"))) == 1
    assert pressed(photos, "jpeg").kind == "jpeg"
    assert len(list(folder.glob("*.pack"))) == 2


SIZE = 3 * 3 * 24 * 32
"""Bytes of the three training photos, halved and not compressed."""


@pytest.mark.parametrize(
    ("disk", "memory", "kind"),
    [
        (SIZE + 1, 2 * SIZE + 2, "uint8"),
        (SIZE, 10 * SIZE, "jpeg"),
        (10 * SIZE, 2 * SIZE, "jpeg"),
    ],
)
def test_photos_that_fit_neither_disk_nor_half_of_the_memory_are_kept_as_jpeg(
    photos, monkeypatch, disk, memory, kind
):
    monkeypatch.setattr(cache, "room", lambda: disk)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=memory))
    assert pressed(photos).kind == kind


def test_a_photo_that_is_gone_counts_nothing_until_it_is_asked_for(photos):
    (photos.root / "a" / "2.png").unlink()
    found = pressed(photos)
    assert found(0).shape == (24, 32, 3)
    with pytest.raises(FileNotFoundError):
        found(1)


def steps(size, key="steps"):
    def run(photo):
        return np.asarray(photo, np.float32)[:size, :size].transpose(2, 0, 1) / 255

    run.size = size
    return SimpleNamespace(steps=run, key=key)


def finished(photos, tfms, cache="auto"):
    return loader.finished(Loader(cache=cache), photos.files(photos.part("valid")), tfms)


def test_validation_photos_are_kept_as_the_model_sees_them(photos, folder):
    found = finished(photos, steps(16))
    photo = np.asarray(open_photo(photos.root / "b" / "1.png"), np.float32)[:16, :16] / 255
    assert np.array_equal(found(0), photo)
    assert finished(photos, steps(16), "memmap") is not None
    assert len(list(folder.glob("*.pack"))) == 1
    assert np.array_equal(finished(photos, steps(20, "others"))(0).shape, (20, 20, 3))
    assert finished(photos, steps(16), "jpeg") is None
    assert finished(photos, steps(16), "none") is None


@pytest.mark.parametrize(("disk", "memory", "are"), [(0, 0, True), (-1, 9, False), (9, -2, False)])
def test_validation_photos_that_would_not_fit_are_not_kept(photos, monkeypatch, disk, memory, are):
    size = 12 * 16**2
    monkeypatch.setattr(cache, "room", lambda: size + disk)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=2 * size + memory))
    assert (finished(photos, steps(16)) is not None) == are
