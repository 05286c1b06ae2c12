import hashlib
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from kimchi_vision import data
from kimchi_vision.base.errors import DataError

pytest.importorskip("torch")


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
    folder = data.fetch(f"{address}/set.zip", tmp_path / "new", checksum)
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
    monkeypatch.setitem(data.fetch.__globals__, "_url", lambda name: f"{address}/set.zip")
    assert names(data.fetch("pets", tmp_path / "pets")) == [
        "Great_Dane/Great_Dane_1.jpg",
        "Sphynx/Sphynx_12.jpg",
    ]


def test_what_cannot_be_fetched_leaves_nothing(served, tmp_path, monkeypatch):
    address, _ = served
    place = tmp_path / "place"
    for source, checksum, reason in (
        (f"{address}/set.zip", "0" * 64, "is not the file that was meant"),
        (f"{address}/other.zip", None, "cannot be downloaded: .*use `data import`"),
        ("http://127.0.0.1:1/set.zip", None, "cannot be downloaded"),
        ("cats", None, "cats is neither a URL nor one of pets, food101"),
    ):
        with pytest.raises(DataError, match=reason):
            data.fetch(source, place / "new", checksum)
    with monkeypatch.context() as patch:
        patch.setattr(data.archive.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 0}))
        with pytest.raises(DataError, match="MB of space are missing"):
            data.fetch(f"{address}/set.zip", place / "new")
    monkeypatch.setattr(data.archive, "LIMIT", 100)
    with pytest.raises(DataError, match="above the limit of"):
        data.fetch(f"{address}/set.zip", place / "new")
    assert list(place.iterdir()) == []
