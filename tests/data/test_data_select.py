"""Which photos are used: corrections by hand, the first of each class, and what a policy leaves out."""

import unicodedata

import pandas as pd
import pytest
from PIL import Image

from kimchi_vision import data
from kimchi_vision.base.errors import DataError
from kimchi_vision.config.sections import Data, Policy
from kimchi_vision.data import select
from kimchi_vision.data.formats import RAW, SUFFIXES
from kimchi_vision.data.splitters import write_split
from kimchi_vision.data.tables import read_csv

SOUND = {
    "label": "a", "problem": "", "width": 640, "height": 480, "format": "JPEG", "mode": "RGB",
    "orientation": 1, "animated": 0,
}  # fmt: skip


def scanned(*rows):
    """Rows of a scan: a sound photo but for what is given."""
    return pd.DataFrame([{"path": f"a/{number}.jpg", **SOUND, **row} for number, row in enumerate(rows)])


def kinds(found):
    return dict(zip(found["path"], zip(found["kind"], found["reason"], strict=True), strict=True))


def test_what_is_wrong_with_a_photo_is_said_at_the_very_border():
    photos = scanned(
        {"width": 16, "height": 16},
        {"width": 15, "height": 100},
        {"width": 100, "height": 15},
        {"width": 160, "height": 20},
        {"width": 161, "height": 20},
        {"width": 20, "height": 161},
        {"width": 15, "height": 900},
        {"problem": "is empty", "width": 0, "height": 0},
    )
    assert kinds(select.problems(photos)) == {
        "a/1.jpg": ("tiny", "15 x 100 pixels"),
        "a/2.jpg": ("tiny", "100 x 15 pixels"),
        "a/4.jpg": ("elongated", "161 x 20 pixels"),
        "a/5.jpg": ("elongated", "20 x 161 pixels"),
        "a/6.jpg": ("tiny", "15 x 900 pixels"),
        "a/7.jpg": ("unreadable", "is empty"),
    }
    assert select.problems(photos).columns.tolist() == ["path", "label", "kind", "reason"]


def test_what_other_programs_read_wrongly_is_told_by_kind():
    photos = scanned(
        {},
        {"mode": "L"},
        {"orientation": 2},
        {"mode": "CMYK"},
        {"path": "a/4.GIF", "format": "GIF", "animated": 1},
        {"path": "a/5.PNG", "format": "JPEG"},
        {"format": "?", "mode": "", "orientation": 6, "animated": 1, "problem": "is empty"},
    )
    assert kinds(select.read_specially(photos)) == {
        "a/2.jpg": ("rotated", "EXIF orientation 2"),
        "a/3.jpg": ("mode", "colour mode CMYK"),
        "a/4.GIF": ("animated", "GIF with several frames"),
        "a/5.PNG": ("ending", "is JPEG, whatever its ending says"),
    }


@pytest.mark.parametrize("ending", sorted(SUFFIXES - RAW))
def test_an_ending_means_the_format_that_pillow_writes_for_it(ending):
    own = {".avif": "AVIF"}.get(ending) or Image.registered_extensions()[ending]
    formats = ["JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "AVIF"]
    photos = scanned(*({"path": f"a/{kind}{ending}", "format": kind} for kind in formats))
    wrong = select.read_specially(photos)
    assert set(wrong["path"]) == {f"a/{kind}{ending}" for kind in formats if kind != own}


def test_phones_photos_with_a_preview_are_jpegs():
    photos = scanned(*({"path": f"a/0{ending}", "format": "MPO"} for ending in (".jpg", ".jpeg", ".png")))
    assert select.read_specially(photos)["path"].tolist() == ["a/0.png"]


def test_a_picture_in_several_classes_names_them_all_once():
    rows = [("b", 1), ("a", 1), ("b", 1), ("c", 2), ("c", 2), ("b", 3), ("c", 3), ("a", 3)]
    photos = pd.DataFrame(rows, columns=["label", "group"]).assign(path=[f"{n}.jpg" for n in range(8)])
    found = select.conflicts(photos)
    assert kinds(found) == {
        **{f"{n}.jpg": ("conflict", "the same picture lies in a and b") for n in (0, 1, 2)},
        **{f"{n}.jpg": ("conflict", "the same picture lies in a and b and c") for n in (5, 6, 7)},
    }
    assert found["label"].tolist() == ["b", "a", "b", "b", "c", "a"]


def test_an_error_shows_ten_photos_and_every_key(tmp_path):
    found = pd.DataFrame({"path": [f"a/{n}.jpg" for n in range(12)], "label": "a", "reason": "is odd"})
    found["kind"] = ["rotated", "mode"] + ["unreadable"] * 10
    policy = Policy(rotated="error", mode="skip")
    with pytest.raises(DataError) as caught:
        select.apply(policy, found, tmp_path)
    shown = "\n".join(f"  {tmp_path}/a/{n}.jpg is odd" for n in (0, *range(2, 11)))
    assert str(caught.value) == (
        f"11 photos cannot be used (a 11):\n{shown}\n  and 1 more\nReplace or remove them, or leave them out "
        "with `data.policy.rotated: skip` and `data.policy.unreadable: skip`."
    )
    with pytest.raises(DataError, match=r"a/11\.jpg is odd\nReplace"):
        select.apply(policy, found.drop(index=0), tmp_path)


def test_a_photo_with_two_problems_is_left_out_once(tmp_path):
    found = pd.DataFrame(
        [
            ("a/0.jpg", "a", "rotated", "first"),
            ("a/0.jpg", "a", "mode", "second"),
            ("a/1.jpg", "a", "tiny", "x"),
        ],
        columns=["path", "label", "kind", "reason"],
    )
    left_out = select.apply(Policy(rotated="skip", mode="skip", tiny="keep"), found, tmp_path)
    assert left_out.to_dict("records") == [{"path": "a/0.jpg", "label": "a", "reason": "first"}]


@pytest.mark.parametrize("kind", ["tiny", "elongated"])
def test_odd_sizes_are_left_out_kept_or_refused(folder_of, tmp_path, kind):
    root = folder_of({"a": 5, "b": 5})
    Image.effect_noise({"tiny": (15, 30), "elongated": (330, 40)}[kind], 60).save(root / "a" / "odd.png")

    def load(**policy):
        return data.load(Data(path=root, policy=policy), tmp_path / "cache")

    assert load().skipped["path"].tolist() == ["a/odd.png"]
    assert "a/odd.png" in set(load(**{kind: "keep"}).items["path"])
    with pytest.raises(DataError, match=rf"a/odd\.png .*\n.*`data\.policy\.{kind}: skip`"):
        load(**{kind: "error"})


def test_a_label_conflict_is_left_out_kept_or_refused(folder_of, photo, tmp_path):
    root = folder_of({"a": 6, "b": 6})
    photo(root / "a" / "conflict.jpg", seed=12)  # b/005.jpg once more

    def load(**policy):
        return data.load(Data(path=root, policy=policy), tmp_path / "cache")

    assert load().skipped["path"].tolist() == ["a/conflict.jpg", "b/005.jpg"]
    assert load(conflict="keep").skipped.empty
    with pytest.raises(DataError, match=r"^2 photos .*\n.*conflict\.jpg the same picture lies in a and b\n"):
        load(conflict="error")


def test_a_class_whose_every_picture_lies_in_another_is_no_silent_loss(folder_of, photo, tmp_path):
    root = folder_of({"a": 6, "b": 6})
    for number in range(3):
        photo(root / "twin" / f"{number}.jpg", seed=10 + number)  # b's first photos once more
    with pytest.raises(DataError, match=r"No photo of twin: all 3 photos .* lies in b and twin"):
        data.load(Data(path=root), tmp_path / "cache")
    dropped = data.load(Data(path=root, missing_class="drop"), tmp_path / "cache")
    assert dict(dropped.notes)["found_missing"]["label"] == "twin"


def test_corrections_come_before_counting_the_first_of_each_class(folder_of, tmp_path):
    root = folder_of({"a": 8, "b": 8})
    (tmp_path / "out.csv").write_text("path\na/000.jpg\n")
    (tmp_path / "better.csv").write_text("path,suggested\na/001.jpg,b\n")
    section = Data(path=root, per_class=3, exclude=tmp_path / "out.csv", relabel=tmp_path / "better.csv")
    photos = data.load(section, tmp_path / "cache")
    found = dict(zip(photos.items["path"], photos.items["label"], strict=True))
    assert found == {
        **{f"a/00{n}.jpg": "a" for n in (2, 3, 4)},
        "a/001.jpg": "b",
        "b/000.jpg": "b",
        "b/001.jpg": "b",
    }


def test_the_first_of_each_class_are_counted_in_each_part_where_folders_name_it(folder_of, tmp_path):
    root = folder_of({"train/a": 4, "train/b": 4, "valid/a": 3, "valid/b": 3})
    photos = data.load(Data(path=root, splitter="folders", per_class=2), tmp_path / "cache")
    assert pd.crosstab(photos.items["label"], photos.items["split"]).to_numpy().tolist() == [[2, 2], [2, 2]]
    photos = data.load(Data(path=root, splitter="stratified", parts="pool", per_class=2), tmp_path / "cache")
    assert photos.items["path"].str.startswith("train/").all()


def test_classes_that_look_like_numbers_stay_texts_in_every_file(folder_of, tmp_path):
    root = folder_of({"001": 6, "NA": 6, "1e3": 6})
    photos = data.load(Data(path=root, splitter="stratified"), tmp_path / "cache")
    write_split(photos, tmp_path / "split.csv")
    (tmp_path / "better.csv").write_text("path,suggested\nNA/000.jpg,001\n001/000.jpg,NA\n")
    section = Data(path=root, split=tmp_path / "split.csv", relabel=tmp_path / "better.csv")
    again = data.load(section, tmp_path / "cache")
    assert photos.vocab == again.vocab == ("001", "1e3", "NA")
    labels = again.items.set_index("path")["label"]
    assert labels[["NA/000.jpg", "001/000.jpg", "001/001.jpg"]].tolist() == ["001", "NA", "001"]
    assert again.items["split"].tolist() == photos.items["split"].tolist()


def test_every_cell_of_a_list_is_text_as_it_stands(tmp_path):
    (tmp_path / "list.csv").write_text("path,suggested\n001,1e3\n002,007\n")
    table = read_csv(tmp_path / "list.csv", ["path"], "It writes one.")
    assert table.to_numpy().tolist() == [["001", "1e3"], ["002", "007"]]
    (tmp_path / "list.csv").write_text("path,suggested\nNA,null\n-,nan\n")
    table = read_csv(tmp_path / "list.csv", ["path"], "It writes one.")
    assert table.to_numpy().tolist() == [["NA", "null"], ["-", "nan"]]


def test_a_suggested_class_is_the_same_in_both_unicode_forms(folder_of, tmp_path):
    root = folder_of({"갓김치": 6, "깍두기": 6})
    suggested = unicodedata.normalize("NFD", "깍두기")
    (tmp_path / "better.csv").write_text(f"path,suggested\n갓김치/000.jpg,{suggested}\n", encoding="utf-8")
    photos = data.load(Data(path=root, relabel=tmp_path / "better.csv"), tmp_path / "cache")
    assert photos.vocab == ("갓김치", "깍두기")
    assert photos.facts()["classes"] == {"갓김치": 5, "깍두기": 7}


@pytest.mark.parametrize(
    ("key", "content", "said"),
    [
        ("exclude", None, r"list\.csv: there is no such file. `data suspects RUN` writes one\."),
        (
            "exclude",
            "file\n1\n",
            r"list\.csv has no column path; it has file\. `data suspects",
        ),
        ("relabel", "path\na/000.jpg\n", r"has no column suggested; it has path\."),
        ("relabel", "a,b\n1,2\n", r"has no column path or suggested; it has a, b\."),
        ("exclude", "path\na/000.jpg\nc/1.jpg\nc/2.jpg\n", r"c/1\.jpg is not among the photos\. Was it made"),
        ("exclude", "path\na/000.jpg\na/001.jpg\na/002.jpg\n", r"takes every photo of a out"),
        ("exclude", "", r"list\.csv is not a CSV file: no columns"),
    ],
)
def test_a_list_that_cannot_be_used_says_why(folder_of, tmp_path, key, content, said):
    if content is not None:
        (tmp_path / "list.csv").write_text(content)
    section = Data(path=folder_of({"a": 3, "b": 3}), **{key: tmp_path / "list.csv"})
    with pytest.raises(DataError, match=said):
        data.load(section, tmp_path / "cache")
