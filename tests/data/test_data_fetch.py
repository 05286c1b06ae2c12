import hashlib
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module

import pytest

from kimchi_vision import data
from kimchi_vision.base.errors import DataError
from kimchi_vision.data.fetch import fetch

pytest.importorskip("torch")

MODULE = import_module("kimchi_vision.data.fetch")  # `kimchi_vision.data` has a function of that name


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def served(folder_of, tmp_path):
    """A local server with a zip of train and test folders; its address and the zip."""
    root = folder_of({"train/a": 2, "train/b": 2, "test/a": 1})
    (tmp_path / "served").mkdir()
    archive = tmp_path / "served" / "set.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in root.rglob("*.jpg"):
            file.write(path, f"set/{path.relative_to(root)}")
    handler = partial(Quiet, directory=tmp_path / "served")
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", archive
        server.shutdown()


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.jpg"))


def test_an_archive_is_unpacked_as_it_lies(served, tmp_path):
    address, archive = served
    checksum = hashlib.sha256(archive.read_bytes()).hexdigest()
    folder = fetch(f"{address}/set.zip", tmp_path / "new", checksum)
    assert names(folder) == [
        "test/a/000.jpg",
        "train/a/000.jpg",
        "train/a/001.jpg",
        "train/b/000.jpg",
        "train/b/001.jpg",
    ]


def test_pets_are_put_into_folders_by_breed(served, tmp_path, monkeypatch):
    address, archive = served
    with zipfile.ZipFile(archive, "w") as file:
        for name in ("images/Great_Dane_1.jpg", "images/Sphynx_12.jpg", "images/Sphynx_3.mat", "list.txt"):
            file.writestr(name, b"x")
    monkeypatch.setattr(MODULE, "_url", lambda name: f"{address}/set.zip")
    assert names(fetch("pets", tmp_path / "pets")) == [
        "Great_Dane/Great_Dane_1.jpg",
        "Sphynx/Sphynx_12.jpg",
    ]


def test_what_cannot_be_fetched_leaves_nothing(served, tmp_path, monkeypatch):
    address, _ = served
    place = tmp_path / "place"
    for source, checksum, reason in (
        (f"{address}/set.zip", "0" * 64, "is not the file that was meant"),
        (f"{address}/other.zip", None, "cannot be downloaded: File not found.*use `data import`"),
        ("http://127.0.0.1:1/set.zip", None, "cannot be downloaded"),
        ("cats", None, "cats is neither a URL nor one of pets, food101"),
    ):
        with pytest.raises(DataError, match=reason):
            fetch(source, place / "new", checksum)
    with monkeypatch.context() as patch:
        patch.setattr(data.archive.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 0}))
        with pytest.raises(DataError, match="MB of space are missing"):
            fetch(f"{address}/set.zip", place / "new")
    monkeypatch.setattr(data.archive, "LIMIT", 100)
    with pytest.raises(DataError, match="above the limit of"):
        fetch(f"{address}/set.zip", place / "new")
    assert list(place.iterdir()) == []


def test_what_lies_in_lone_folders_comes_to_the_top_and_only_that(served, tmp_path):
    address, archive = served
    for names_in, names_out in (
        (("x/y/a/1.jpg", "x/y/b/1.jpg"), ["a/1.jpg", "b/1.jpg"]),
        (("x/y/a/1.jpg", "x/z.jpg"), ["y/a/1.jpg", "z.jpg"]),
        (("x/1.jpg",), ["1.jpg"]),
    ):
        with zipfile.ZipFile(archive, "w") as file:
            for name in names_in:
                file.writestr(name, b"x")
        place = tmp_path / "deep" / f"new{len(names_in)}{names_out[0][0]}"
        assert fetch(f"{address}/set.zip", place) == place
        assert names(place) == names_out
    assert all(path.name.startswith("new") for path in (tmp_path / "deep").iterdir())


def test_only_pets_are_sorted_by_their_names(served, tmp_path):
    address, archive = served
    with zipfile.ZipFile(archive, "w") as file:
        for name in ("images/Sphynx_12.jpg", "images/Sphynx.jpg", "list.txt"):
            file.writestr(name, name)
    folder = fetch(f"{address}/set.zip", tmp_path / "new")
    assert names(folder) == ["images/Sphynx.jpg", "images/Sphynx_12.jpg"]
    assert (folder / "list.txt").read_text() == "list.txt"


def test_a_folder_that_is_there_is_kept_and_no_archive_is_refused(served, tmp_path):
    address, archive = served
    (tmp_path / "new").mkdir()
    with pytest.raises(DataError, match=r"new is there already; name a folder that is not\.$"):
        fetch(f"{address}/set.zip", tmp_path / "new")
    archive.write_text("no archive")
    with pytest.raises(DataError, match="neither a folder nor a zip or tar archive"):
        fetch(f"{address}/set.zip", tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_a_place_that_cannot_be_written_is_told(served, tmp_path):
    address, _ = served
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"new cannot be written: .*Nothing was left behind\.$"):
        fetch(f"{address}/set.zip", tmp_path / "file" / "new")


def test_names_stand_for_addresses(tmp_path, monkeypatch):
    from fastai.data.external import URLs

    asked = []
    monkeypatch.setattr(MODULE, "_download", lambda url, place, sha256: asked.append(url) or 1 / 0)
    for name in ("pets", "food101", "imagenette", "foodvision-mini", "https://x.y/z.zip"):
        with pytest.raises(ZeroDivisionError):
            fetch(name, tmp_path / "new")
    assert asked[:3] == [URLs.PETS, URLs.FOOD, URLs.IMAGENETTE_320]
    assert asked[3].endswith("/pizza_steak_sushi.zip")
    assert asked[4] == "https://x.y/z.zip"
