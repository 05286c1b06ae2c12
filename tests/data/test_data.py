import subprocess
import sys
from importlib import import_module

import pytest
from PIL import Image

from kimchi_vision import data
from kimchi_vision.base.errors import DataError
from kimchi_vision.config.sections import Data
from kimchi_vision.data.audit import audit

MODULE = import_module("kimchi_vision.data.scan")  # `kimchi_vision.data` has a function of that name


def test_photos_have_label_split_and_content_hash(folder_of, tmp_path):
    photos = data.load(Data(path=folder_of({"깍두기": 10, "갓김치": 10})), tmp_path / "cache")
    assert photos.vocab == ("갓김치", "깍두기")
    assert list(photos.items.columns) == ["path", "label", "split", "sha256", "group"]
    assert len(photos.part("valid")) == 4
    assert photos.items["sha256"].str.fullmatch("[0-9a-f]{64}").all()
    assert photos.items["sha256"].nunique() == 20
    assert all(file.path.is_file() for file in photos.files(photos.items))


def test_per_class_keeps_the_first_by_name(folder_of, tmp_path):
    photos = data.load(Data(path=folder_of({"a": 8, "b": 3}), per_class=5), tmp_path / "cache")
    assert photos.items["path"].tolist() == [f"a/{n:03}.jpg" for n in range(5)] + [
        f"b/{n:03}.jpg" for n in range(3)
    ]


def test_one_class_and_a_class_of_one_are_refused(folder_of, tmp_path):
    with pytest.raises(DataError, match="one holds photos of a alone: a classifier needs two"):
        data.load(Data(path=folder_of({"a": 5}, tmp_path / "one")), tmp_path)
    with pytest.raises(DataError, match=f"^{tmp_path / 'two'}: only one photo of: b"):
        data.load(Data(path=folder_of({"a": 5, "b": 1}, tmp_path / "two")), tmp_path)


def test_damaged_photos_are_named_before_training(folder_of, tmp_path):
    root = folder_of({"a": 5, "b": 5})
    half = root / "a" / "000.jpg"
    half.write_bytes(half.read_bytes()[:-200])
    (root / "b" / "001.jpg").write_bytes(b"")
    (root / "b" / "002.jpg").write_text("<html>")
    with pytest.raises(DataError, match="3 photos cannot be used") as caught:
        data.load(Data(path=root), tmp_path / "cache")
    for name, reason in (("a/000.jpg", "truncated"), ("b/001.jpg", "is empty"), ("b/002.jpg", "not a photo")):
        assert any(name in line and reason in line for line in str(caught.value).splitlines())


def test_an_unchanged_photo_is_read_once(folder_of, photo, tmp_path, monkeypatch):
    root = folder_of({"a": 5, "b": 5})
    first = data.load(Data(path=root), tmp_path / "cache")
    photo(root / "b" / "004.jpg", seed=99)
    read = []
    inspect = MODULE._inspect
    monkeypatch.setattr(MODULE, "_inspect", lambda file: read.append(file.name) or inspect(file))
    second = data.load(Data(path=root), tmp_path / "cache")
    assert read == ["004.jpg"]
    assert (first.items["sha256"] == second.items["sha256"]).sum() == 9


def test_it_needs_no_torch(folder_of, tmp_path):
    root = folder_of({"a": 5, "b": 5})
    script = (
        "import sys; from kimchi_vision import data; from kimchi_vision.config.sections import Data\n"
        f"data.load(Data(path={str(root)!r})); print('torch' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert shown.stdout.strip() == "False", shown.stderr


def test_what_is_left_out_is_listed_with_its_reason(folder_of, photo, tmp_path):
    root = folder_of({"a": 6, "b": 6})
    (root / "a" / "000.jpg").write_bytes(b"")
    Image.new("RGB", (8, 8)).save(root / "a" / "001.jpg")
    Image.effect_noise((900, 40), 60).save(root / "a" / "002.jpg")
    photo(root / "a" / "conflict.jpg", seed=12)  # b/005.jpg once more
    section = Data(path=root, policy={"unreadable": "skip"})
    photos = data.load(section, tmp_path / "cache")
    assert dict(zip(photos.skipped["path"], photos.skipped["reason"], strict=True)) == {
        "a/000.jpg": "is empty",
        "a/001.jpg": "8 x 8 pixels",
        "a/002.jpg": "900 x 40 pixels",
        "a/conflict.jpg": "the same picture lies in a and b",
        "b/005.jpg": "the same picture lies in a and b",
    }
    assert len(photos.items) == 8
    assert photos.facts()["skipped"] == 5


def test_copies_can_be_left_out(folder_of, tmp_path):
    root = folder_of({"a": 6, "b": 6})
    with Image.open(root / "a" / "000.jpg") as image:
        image.resize((48, 36)).save(root / "a" / "small.png")
    photos = data.load(Data(path=root, duplicates="skip"), tmp_path / "cache")
    assert photos.skipped.to_dict("records") == [
        {"path": "a/small.png", "label": "a", "reason": "shows the same picture as a/000.jpg"}
    ]
    together = data.load(Data(path=root), tmp_path / "cache").items.set_index("path")
    assert together.loc["a/small.png", "group"] == together.loc["a/000.jpg", "group"]
    assert together.loc["a/small.png", "split"] == together.loc["a/000.jpg", "split"]
    assert together["group"].nunique() == 12


def test_what_group_by_holds_together_is_one_group_to_whoever_reads_the_photos(folder_of, tmp_path):
    root = folder_of({"a": 6, "b": 6})
    section = Data(path=root, group_by=r"/0*(\d)", splitter="stratified")
    items = data.load(section, tmp_path / "cache").items
    number = items["path"].str[-5]
    assert (items.groupby("group")["path"].nunique() == 2).all()
    assert (items.groupby(number)["group"].nunique() == 1).all()
    assert (items.groupby(number)["split"].nunique() == 1).all()


def test_corrections_come_from_files(folder_of, tmp_path):
    root = folder_of({"a": 6, "b": 6})
    (tmp_path / "out.csv").write_text("path\na/000.jpg\n")
    (tmp_path / "better.csv").write_text("path,suggested\na/001.jpg,b\n")
    section = Data(path=root, exclude=tmp_path / "out.csv", relabel=tmp_path / "better.csv")
    items = data.load(section, tmp_path / "cache").items.set_index("path")
    assert "a/000.jpg" not in items.index
    assert items.loc["a/001.jpg", "label"] == "b"
    (tmp_path / "out.csv").write_text("path\nc/000.jpg\n")
    with pytest.raises(DataError, match=r"c/000\.jpg is not among the photos"):
        data.load(section, tmp_path / "cache")


def test_copies_of_test_photos_are_not_trained_on(folder_of, photo, tmp_path):
    root = folder_of({"train/a": 5, "train/b": 5, "val/a": 2, "val/b": 2, "test/a": 2, "test/b": 2})
    photo(root / "train" / "a" / "tested.jpg", seed=15)  # test/a/000.jpg once more
    photo(root / "val" / "b" / "tested.jpg", seed=17)  # test/b/000.jpg once more
    photo(root / "train" / "a" / "validated.jpg", seed=11)  # val/a/000.jpg once more
    photos = data.load(Data(path=root, splitter="folders"), tmp_path / "cache")
    assert photos.skipped.to_dict("records") == [
        {"path": path, "label": path.split("/")[1], "reason": f"its picture is in the {part} part too"}
        for path, part in (
            ("train/a/tested.jpg", "test"),
            ("train/a/validated.jpg", "valid"),
            ("val/b/tested.jpg", "test"),
        )
    ]
    assert photos.facts()["parts"] == {"train": 10, "valid": 4, "test": 4}
    kept = data.load(Data(path=root, splitter="folders", duplicates="keep"), tmp_path / "cache")
    assert kept.facts()["parts"] == {"train": 12, "valid": 5, "test": 4}


def test_a_class_that_only_copies_of_test_photos_would_train_is_refused(folder_of, photo, tmp_path):
    root = folder_of({"train/a": 5, "val/a": 2, "val/b": 2, "test/b": 2})
    for number in range(2):
        photo(root / "train" / "b" / f"{number}.jpg", seed=10 + number)  # those of test/b
    with pytest.raises(DataError, match="Every photo to train on of b shows a picture of the valid"):
        data.load(Data(path=root, splitter="folders"), tmp_path / "cache")


def test_notes_tell_of_the_folder_the_classes_the_split_and_what_was_left_out(folder_of, tmp_path):
    root = folder_of({"a": 12, "A": 3})
    (root / "a" / "list.txt").write_text("")
    for number in range(5):
        Image.effect_noise((15 - number % 4, 40), 60).save(root / "a" / f"tiny{number}.png")
    photos = data.load(Data(path=root, seed=5, valid_pct=0.1), tmp_path / "cache")
    flat = {"classes": 2, "photos": 20, "source": [("from_flat", {})], "parts": [], "aside": []}
    sizes = "12 x 40 pixels; 13 x 40 pixels; 14 x 40 pixels"
    assert photos.notes == (
        ("took", flat),
        ("found_others", {"count": 1, "ending": ".txt"}),
        ("noted_unscored", {"classes": "A"}),
        ("noted_left_out", {"count": 5, "classes": "a 5", "reasons": sizes}),
        ("found_alike", {"labels": "A, a"}),
        ("found_imbalance", {"most": "a", "max": 12, "fewest": "A", "min": 3}),
    )
    assert photos.root == root
    assert photos.on_unreadable == "error"
    skipping = data.load(Data(path=root, policy={"unreadable": "skip"}), tmp_path / "cache")
    assert skipping.on_unreadable == "skip"


def test_a_class_that_loses_all_but_one_photo_is_refused(folder_of, tmp_path):
    root = folder_of({"a": 5, "b": 3})
    for name in ("000", "002"):
        (root / "b" / f"{name}.jpg").write_bytes(b"")
    with pytest.raises(DataError, match=f"^{root}: only one photo of: b"):
        data.load(Data(path=root, policy={"unreadable": "skip"}), tmp_path / "cache")
    (root / "b" / "001.jpg").write_bytes(b"")
    skipping = Data(path=root, policy={"unreadable": "skip"})
    with pytest.raises(DataError, match="No photo of b: all 3 photos were left out: is empty"):
        data.load(skipping, tmp_path / "cache")
    with pytest.raises(DataError, match="holds photos of a alone"):
        data.load(skipping.model_copy(update={"missing_class": "drop"}), tmp_path / "cache")


def test_a_folder_of_which_all_is_excluded_is_refused(folder_of, tmp_path):
    root = folder_of({"a": 1, "b": 1})
    (tmp_path / "out.csv").write_text("path\na/000.jpg\nb/000.jpg\n")
    section = Data(path=root, exclude=tmp_path / "out.csv")
    with pytest.raises(DataError, match=r"out\.csv takes every photo of a, b out"):
        data.load(section, tmp_path / "cache")
    with pytest.raises(DataError, match="holds photos of no class: a classifier needs two"):
        data.load(section.model_copy(update={"missing_class": "drop"}), tmp_path / "cache")


def test_classes_of_one_photo_are_all_named(folder_of, tmp_path):
    with pytest.raises(DataError, match=r"only one photo of: b, c\. A class needs two or more"):
        data.load(Data(path=folder_of({"a": 5, "c": 1, "b": 1})), tmp_path)


def test_a_share_of_the_training_photos_is_taken(folder_of, tmp_path):
    section = Data(path=folder_of({"a": 20, "b": 20}), splitter="stratified", train_share=0.5)
    assert data.load(section, tmp_path / "cache").facts()["parts"] == {"train": 16, "valid": 8}


def test_drawn_photos_are_those_of_their_setting(folder_of, tmp_path, monkeypatch):
    drawn = []

    def draw(sample, folder):
        drawn.append((sample.seed, folder))
        return folder_of({"a": 5, "b": 5}, folder)

    monkeypatch.setattr("kimchi_vision.data.sample.draw", draw)
    for seed in (1, 1, 2):
        photos = data.load(Data(sample={"per_class": 5, "seed": seed}), tmp_path / "cache")
        assert photos.root == drawn[-1][1]
    assert [seed for seed, _ in drawn] == [1, 1, 2]
    first, again, other = (folder for _, folder in drawn)
    assert first == again != other
    assert first.parent == tmp_path / "cache" / "samples"
    assert first.name.startswith("sample-kimchi-")


def test_what_is_remembered_lies_below_the_cache_and_never_among_the_photos(folder_of, tmp_path, monkeypatch):
    root = folder_of({"a": 5, "b": 5})
    before = sorted(root.rglob("*"))
    monkeypatch.chdir(tmp_path)
    data.load(Data(path=root), tmp_path / "cache")
    assert [file.suffix for file in (tmp_path / "cache" / "scans").iterdir()] == [".sqlite"]
    assert not (tmp_path / "data").exists()
    monkeypatch.setenv("KIMCHI_CACHE", str(tmp_path / "user"))
    data.load(Data(path=root))
    audit(root)
    assert [file.suffix for file in (tmp_path / "user" / "scans").iterdir()] == [".sqlite"]
    assert not (tmp_path / "data").exists()
    assert sorted(root.rglob("*")) == before


def test_a_scan_needs_no_place_to_write(folder_of, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert len(data.load(Data(path=folder_of({"a": 5, "b": 5})), blocked).items) == 10


def test_a_decompression_bomb_is_not_unpacked(folder_of, tmp_path):
    root = folder_of({"a": 5, "b": 5})
    Image.new("1", (9500, 9500)).save(root / "a" / "bomb.png")
    with pytest.raises(DataError, match=r"bomb\.png .*9500 x 9500 pixels, above the limit"):
        data.load(Data(path=root), tmp_path / "cache")
