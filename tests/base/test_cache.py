"""Scans, drawn photos and small photos lie in one place, which a command tells and clears."""

import pytest

from kimchi_vision import data
from kimchi_vision.base import cache
from kimchi_vision.config.sections import Data
from kimchi_vision.data.audit import audit


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """An empty cache; one stands in an empty folder."""
    monkeypatch.setenv("KIMCHI_CACHE", str(tmp_path / "cache"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "cache"


def test_scans_and_drawn_photos_are_kept_in_the_cache_and_not_where_one_stands(folder_of, place, tmp_path):
    audit(folder_of({"a": 3, "b": 3}))
    assert len(list((place / "scans").iterdir())) == 1
    root = data.load(Data(sample={"per_class": 2}, splitter="stratified")).root
    assert root.parent == place / "samples"
    assert len(list((place / "scans").iterdir())) == 2
    assert list((tmp_path / "here").iterdir()) == []


def test_the_command_tells_each_kind_and_clears_what_runs_kept_alone(folder_of, place, command):
    data.load(Data(sample={"per_class": 2}, splitter="stratified"))
    own = [place / "samples" / "sample-of-mine" / "1.jpg", place / "scans" / "notes.txt"]
    for file in own:
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"stays")
    sizes = cache.sizes()
    assert sizes["photos"] == 0
    assert min(sizes["scans"], sizes["samples"]) > 10_000
    told = command("cache").out
    for kind, size in sizes.items():
        assert f"{size / 1e6:8,.1f} MB  {place / kind}: {cache.KINDS[kind]}" in told
    assert f"{sum(sizes.values()) / 1e6:,.0f} MB freed in {place}" in command("cache", "clear").out
    assert cache.sizes() == {"photos": 0, "scans": 0, "samples": 0}
    assert sorted(file for file in place.rglob("*") if file.is_file()) == sorted(own)


def test_what_a_killed_drawing_left_is_counted_and_cleared(place):
    half = place / "samples" / ".sample-kimchi-0123456789ab-x1" / "깍두기" / "0.jpg"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"half")
    assert cache.clear() == 4
    assert list((place / "samples").iterdir()) == []
