"""What is found in the files of a folder, and what is remembered of it."""

import os
import sqlite3
from contextlib import closing
from importlib import import_module

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from kimchi_vision import data
from kimchi_vision.base.errors import DataError
from kimchi_vision.config.sections import Data
from kimchi_vision.data import folder, memory
from kimchi_vision.data.layout import read
from kimchi_vision.data.looks import sharpness
from kimchi_vision.data.memory import Memory
from kimchi_vision.data.scan import scan

MODULE = import_module("kimchi_vision.data.scan")  # `kimchi_vision.data` has a function of that name


def scanned(root, cache):
    with closing(Memory(root, cache)) as known:
        return scan(root, read(root).photos, known).set_index("path")


def test_capital_endings_are_photos_too(folder_of):
    root = folder_of({"a": 1})
    names = [f"{number}{ending}" for number, ending in enumerate((".JPG", ".Jpeg", ".PNG", ".WebP"))]
    for name in names:
        (root / "a" / name).write_bytes((root / "a" / "000.jpg").read_bytes())
    assert read(root).photos["path"].tolist() == sorted(f"a/{name}" for name in ["000.jpg", *names])


def test_a_listing_tells_size_and_time_of_each_file(folder_of):
    root = folder_of({"a": 2, "b": 1})
    os.utime(root / "a" / "001.jpg", ns=(5, 1_234_567_891_000_000_001))
    listed = read(root).photos.set_index("path")
    for path, row in listed.iterrows():
        assert row["bytes"] == (root / path).stat().st_size
    assert listed.loc["a/001.jpg", "mtime_ns"] == 1_234_567_891_000_000_001


def test_names_in_two_unicode_forms_lie_in_one_order(tmp_path, photo):
    for number, name in enumerate(("가", "\u1100\u1161b", "\u1100\u1161a", "가c")):  # 가 in two forms
        photo(tmp_path / name / "0.jpg", number)
    assert read(tmp_path).photos["label"].tolist() == ["가", "가a", "가b", "가c"]


def test_what_is_no_photo_is_counted_by_its_kind(folder_of, photo):
    root = folder_of({"a": 1, "b": 1})
    for name in ("__MACOSX", "@eaDir", "$RECYCLE.BIN", ".git"):
        photo(root / name / "0.jpg")
    photo(root / "a" / ".0.jpg")
    (root / "a" / "README").write_text("")
    (root / "a" / "b.TXT").write_text("")
    (root / "a" / "c.txt").write_text("")
    (root / "b" / "x.jpg").mkdir()
    with open(os.fsencode(root) + b"/a/\xb1\xe8.jpg", "wb"):
        pass
    photo(root / "0.jpg")
    photo(root / "1.jpg")
    listing = read(root, missing_class="drop")
    assert listing.photos["path"].tolist() == ["a/000.jpg", "b/000.jpg"]
    assert listing.took[1]["aside"] == [
        ("took_aside", {"of": [("aside_beside", {"folder": ".", "count": 2})]})
    ]
    assert not listing.missing
    assert listing.left == [
        ("found_undecodable", {"count": 1}),
        ("found_others", {"count": 1, "ending": "nameless"}),
        ("found_hidden", {"count": 5}),
        ("found_others", {"count": 2, "ending": ".txt"}),
    ]


def test_a_folder_that_cannot_be_opened_is_noted_with_its_reason(folder_of, monkeypatch):
    root, scandir = folder_of({"a": 1, "b": 1}), os.scandir

    def refuse(path):
        if path.name == "b":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(folder.os, "scandir", refuse)
    why = ("why_closed", {"folder": "b", "reason": "Permission denied"})
    closed = ("found_missing", {"label": "b", "why": [why]})
    assert closed in read(root, missing_class="drop").notes()


def test_a_file_in_place_of_the_folder_is_refused(folder_of):
    file = folder_of({"a": 1}) / "a" / "000.jpg"
    with pytest.raises(DataError, match=r"000\.jpg is a file; give the folder that holds it\. Photos lie"):
        read(file)


def test_what_a_photo_is(folder_of, photo, tmp_path):
    root = folder_of({"a": 1})
    exif = Image.Exif()
    exif[0x0112], exif[0x0110] = 6, " Phone 3 \0"
    with Image.open(root / "a" / "000.jpg") as image:
        image.save(root / "a" / "turned.jpg", exif=exif)
        frames = [image.convert("P"), image.transpose(Image.Transpose.ROTATE_180).convert("P")]
        frames[0].save(root / "a" / "moving.gif", save_all=True, append_images=frames[1:])
        image.convert("CMYK").save(root / "a" / "print.jpg")
    (root / "a" / "page.jpg").write_text("<html>")
    found = scanned(root, tmp_path / "cache")
    columns = ["format", "mode", "width", "height", "orientation", "camera", "animated", "problem"]
    assert found[columns].to_dict("index") == {
        path: dict(zip(columns, row, strict=True))
        for path, row in {
            "a/000.jpg": ("JPEG", "RGB", 64, 48, 1, "", 0, ""),
            "a/moving.gif": ("GIF", "P", 64, 48, 1, "", 1, ""),
            "a/page.jpg": ("", "", 0, 0, 0, "", 0, "cannot be read: not a photo"),
            "a/print.jpg": ("JPEG", "CMYK", 64, 48, 1, "", 0, ""),
            "a/turned.jpg": ("JPEG", "RGB", 48, 64, 6, "Phone 3", 0, ""),
        }.items()
    }
    with Image.open(root / "a" / "000.jpg") as image:
        assert found.loc["a/000.jpg", "sharpness"] == pytest.approx(sharpness(image.convert("L")), rel=0.1)


def test_a_file_that_may_not_be_read_says_so(folder_of, tmp_path, monkeypatch):
    root = folder_of({"a": 2})
    read = type(root).read_bytes

    def refuse(path):
        if path.name == "001.jpg":
            raise PermissionError(13, "Permission denied")
        return read(path)

    monkeypatch.setattr(type(root), "read_bytes", refuse)
    assert scanned(root, tmp_path)["problem"].tolist() == ["", "cannot be read: Permission denied"]


def test_many_photos_keep_their_own_facts(folder_of, tmp_path, monkeypatch):
    root = folder_of({"a": 5, "b": 4})
    for number, file in enumerate(sorted(root.rglob("*.jpg"))):
        with Image.open(file) as image:
            image.resize((40 + number, 30)).save(file)
    whole = scanned(root, tmp_path / "whole")
    inspect, read = MODULE._inspect, []
    monkeypatch.setattr(MODULE, "_BATCH", 2)
    monkeypatch.setattr(MODULE, "_inspect", lambda file: read.append(file) or inspect(file))
    pd.testing.assert_frame_equal(scanned(root, tmp_path / "batches"), whole)
    assert len(read) == 9
    assert whole["width"].tolist() == list(range(40, 49))
    with closing(Memory(root, tmp_path / "batches")) as known:
        hashes = whole["sha256"].tolist()[::-1]
        thumbnails = known.thumbnails(hashes)
    for thumbnail, path in zip(thumbnails, whole.index[::-1], strict=True):
        with Image.open(root / path) as image:
            small = np.asarray(image.convert("L").resize((32, 32)), int)
        assert np.abs(thumbnail - small).mean() < 6


@pytest.mark.parametrize("changed", ["content", "time and content", "size"])
def test_a_file_that_was_edited_is_read_again(folder_of, photo, tmp_path, changed):
    root = folder_of({"a": 3, "b": 3})
    file = root / "a" / "001.jpg"
    before = scanned(root, tmp_path / "cache")
    content, stat = bytearray(file.read_bytes()), file.stat()
    content[-30] ^= 1
    file.write_bytes(content + (b"more" if changed == "size" else b""))
    later = 1_000 if changed == "time and content" else 0
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns + later))
    differs = scanned(root, tmp_path / "cache")["sha256"] != before["sha256"]
    # A file of the same size and time is not looked into: that is what remembering means.
    assert differs[differs].index.tolist() == ([] if changed == "content" else ["a/001.jpg"])


def test_two_folders_share_a_cache_and_nothing_else(folder_of, tmp_path, monkeypatch):
    first, second = folder_of({"a": 2}, tmp_path / "one"), folder_of({"x": 3, "a": 2}, tmp_path / "two")
    for file in (first / "a" / "000.jpg", second / "a" / "000.jpg"):
        os.utime(file, ns=(0, 0))
    size = (first / "a" / "000.jpg").stat().st_size
    other = (second / "a" / "000.jpg").read_bytes()
    (second / "a" / "000.jpg").write_bytes(other[:size].ljust(size, b"\0"))
    os.utime(second / "a" / "000.jpg", ns=(0, 0))
    one, two = scanned(first, tmp_path / "cache"), scanned(second, tmp_path / "cache")
    assert one.loc["a/000.jpg", "sha256"] != two.loc["a/000.jpg", "sha256"]
    assert len(list((tmp_path / "cache" / "scans").glob("*.sqlite"))) == 2
    monkeypatch.chdir(tmp_path)
    pd.testing.assert_frame_equal(scanned(type(first)("one"), tmp_path / "cache"), one)
    assert len(list((tmp_path / "cache" / "scans").glob("*.sqlite"))) == 2


def test_an_interrupted_scan_goes_on_with_what_it_knows(folder_of, tmp_path, monkeypatch):
    root = folder_of({"a": 6})
    inspect, read = MODULE._inspect, []

    def stopped(file):
        read.append(file.name)
        if file.name == "004.jpg" and len(read) < 7:
            raise KeyboardInterrupt
        return inspect(file)

    monkeypatch.setattr(MODULE, "_BATCH", 2)
    monkeypatch.setattr(MODULE, "_inspect", stopped)
    with pytest.raises(KeyboardInterrupt):
        scanned(root, tmp_path / "cache")
    read.clear()
    read += ["more"] * 7
    assert (scanned(root, tmp_path / "cache")["problem"] == "").all()
    assert sorted(read[7:]) == ["004.jpg", "005.jpg"]


def test_a_photo_that_was_mended_is_known_by_its_new_content(folder_of, photo, tmp_path):
    root = folder_of({"a": 3, "b": 3})
    (root / "a" / "001.jpg").write_bytes(b"")
    assert scanned(root, tmp_path)["problem"].tolist() == ["", "is empty", "", "", "", ""]
    photo(root / "a" / "001.jpg", 77)
    assert set(scanned(root, tmp_path)["problem"]) == {""}


def test_a_memory_that_is_no_database_is_passed_by(folder_of, tmp_path):
    root = folder_of({"a": 5, "b": 5})
    first = data.load(Data(path=root), tmp_path / "cache")
    (file,) = (tmp_path / "cache" / "scans").iterdir()
    file.write_text("no database, but a text that is long enough to be looked at as one" * 20)
    with pytest.raises(sqlite3.Error):
        sqlite3.connect(file).execute("SELECT * FROM photos")
    pd.testing.assert_frame_equal(data.load(Data(path=root), tmp_path / "cache").items, first.items)


def test_remembered_numbers_are_exact(tmp_path):
    texts = [name for name, kind in memory.FACTS.items() if kind == "TEXT"]
    numbers = [name for name, kind in {**memory.KEY, **memory.FACTS}.items() if kind == "INTEGER"]
    facts = {name: ["x" * place, "y"] for place, name in enumerate(texts)}
    facts |= {name: [2**62 + place, 3] for place, name in enumerate(numbers)}
    table = pd.DataFrame({"path": ["b", "a"], "sharpness": [0.1, 1e-300], **facts})
    with closing(Memory(tmp_path, tmp_path)) as known:
        known.keep(table, [None, bytes(range(256)) * 4])
    with closing(Memory(tmp_path, tmp_path)) as known:
        found = known.facts(["a", "none", "b"])
        assert known.thumbnails(["y"]).ravel().tolist() == list(range(256)) * 4
    assert found["bytes"].tolist() == [3, -1, 2**62]
    for name in memory.FACTS:
        assert [list(found[name])[place] for place in (2, 0)] == table[name].tolist()


def test_a_scan_on_a_full_disk_knows_all_that_it_found(folder_of, tmp_path):
    root = folder_of({"a": 3, "b": 12})
    expected = scanned(root, tmp_path / "roomy")
    later = (root / "b").rename(tmp_path / "later")
    scanned(root, tmp_path / "full")
    later.rename(root / "b")
    with closing(Memory(root, tmp_path / "full")) as known:
        (pages,) = known._database.execute("PRAGMA page_count").fetchone()
        known._database.execute(f"PRAGMA max_page_count = {pages}")  # SQLite then says that the disk is full
        found = scan(root, read(root).photos, known).set_index("path")
        assert len(known.thumbnails(found["sha256"])) == 15
    pd.testing.assert_frame_equal(found, expected)


def test_a_flipped_byte_in_what_is_remembered_changes_no_answer(folder_of, tmp_path, caplog):
    root, cache = folder_of({"a": 2, "b": 1}), tmp_path / "cache"
    expected = scanned(root, cache)
    (file,) = cache.rglob("*.sqlite")
    sound = file.read_bytes()
    for place in range(0, len(sound), 397):
        content = bytearray(sound)
        content[place] ^= 0xFF
        file.write_bytes(content)
        pd.testing.assert_frame_equal(scanned(root, cache), expected)
    named = caplog.text.count(f"{file} is damaged; the photos are read anew.")
    assert named > 5
    with closing(Memory(root, cache)) as known:
        assert len(known.thumbnails(expected["sha256"])) == 3


def test_a_scan_of_pixels_read_otherwise_is_made_anew(folder_of, tmp_path, monkeypatch):
    root = folder_of({"a": 2})
    paths = scanned(root, tmp_path).index
    with closing(Memory(root, tmp_path)) as known:
        assert min(known.facts(paths)["bytes"]) > 0
    monkeypatch.setattr(memory, "READING", 0)
    with closing(Memory(root, tmp_path)) as known:
        assert max(known.facts(paths)["bytes"]) == -1
