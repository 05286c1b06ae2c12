"""What the commands `data ...` print and write."""

import json
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

from kimchi_vision import data
from kimchi_vision.base.errors import ConfigError, DataError
from kimchi_vision.base.messages import say
from kimchi_vision.cli.data import app
from kimchi_vision.config.sections import Data


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(*words):
    shown = CliRunner().invoke(app, list(map(str, words)), catch_exceptions=False)
    assert shown.exit_code == 0, shown.output
    return shown.output.splitlines()


def test_check_lists_classes_and_three_photos_of_each_finding(folder_of, photo):
    root = folder_of({"b": 12, "a": 35, "c": 16})
    (root / "a" / "list.txt").write_text("")
    for number in range(5):
        photo(root / "a" / f"copy{number}.jpg", seed=1 + number)  # b/000.jpg and on once more
    for number in range(4):
        photo(root / "b" / f"same{number}.jpg", seed=13)  # a/000.jpg once more
    lines = said("check", "photos", "--lang", "en")
    assert lines[:3] == ["     40  a", "     16  b", "     16  c"]
    assert "left out: 1 .txt file is left out." in lines
    place = lines.index("conflict: 6 pictures lie in two or more classes: one of the labels is wrong.")
    assert lines[place + 1 : place + 5] == [
        "    a/000.jpg  =  b/same0.jpg  =  b/same1.jpg  =  b/same2.jpg",
        "    a/copy0.jpg  =  b/000.jpg",
        "    a/copy1.jpg  =  b/001.jpg",
        "    and 3 more",
    ]
    assert not any("more" in line for line in lines[place + 5 :])
    assert not any(line.startswith(("Page:", "Clean copy:")) for line in lines)


def test_check_writes_a_page_and_a_clean_copy_where_asked(folder_of):
    (folder_of({"a": 5, "b": 5}) / "a" / "empty.jpg").write_bytes(b"")
    lines = said("check", "photos", "--report", "page.html", "--fix-to", "clean", "--lang", "ko")
    assert "페이지: page.html" in lines
    assert "정리한 사본: clean, 제외한 사진 1장(left-out.csv)." in lines
    with open("page.html", encoding="utf-8") as page:
        assert '<html lang="ko">' in page.read()
    assert pd.read_csv("clean/left-out.csv").to_numpy().tolist() == [["a/empty.jpg", "a", "is empty"]]


def experiment(name, **keys):
    with open(name, "w") as file:
        json.dump({"data": {"path": "photos", **keys}, "train": ["lr_find"]}, file)
    return name


@pytest.mark.parametrize("splitter", ["random", "stratified"])
def test_split_writes_another_split_for_another_seed(folder_of, splitter):
    folder_of({"001": 20, "b": 20})
    experiment("e.yaml", splitter=splitter, test_pct=0.1)
    digests = {}
    for seed in (1, 2):
        lines = said("split", "e.yaml", "--to", f"{seed}.csv", "--set", f"data.seed={seed}")
        section = Data(path="photos", splitter=splitter, test_pct=0.1, seed=seed)
        digests[seed] = data.load(section).digest
        assert lines == [
            "     28  train", "      8  valid", "      4  test",
            "2 classes with 40 photos from class folders.",
            f"{seed}.csv: split {digests[seed]}. Use it with `data.split: {seed}.csv`.",
        ]  # fmt: skip
        assert data.load(Data(path="photos", split=f"{seed}.csv")).digest == digests[seed]
    assert digests[1] != digests[2]
    table = pd.read_csv("1.csv", dtype=str)
    assert table.columns.tolist() == ["path", "label", "sha256", "split"]
    assert set(table["label"]) == {"001", "b"}


def test_split_says_what_was_noted(folder_of, photo):
    root = folder_of({"a": 12, "b": 12})
    for name in ("000", "001"):
        photo(root / "c" / f"{name}.jpg", seed=99)  # one picture twice: nothing is left to score c with
    (root / "notes.txt").write_text("")
    experiment("e.yaml", splitter="stratified")
    lines = said("split", "e.yaml")
    assert "No photo to validate with of: c; their scores will say nothing." in lines
    assert "1 .txt file is left out." in lines
    said("split", "e.yaml", "--to", "other.csv")
    (root / "a" / "000.jpg").unlink()
    photo(root / "a" / "new.jpg", seed=100)
    lines = said("split", "e.yaml", "--set", "data.split=split.csv", "--to", "again.csv")
    assert "split.csv does not know 1 photo; it was shared out beside it." in lines
    assert "split.csv names 1 photo that is not in use here." in lines


def test_split_takes_a_table_whose_rows_share_their_data(folder_of):
    folder_of({"a": 10, "b": 10})
    rows = {"one": {"train": ["lr_find"]}, "two": {"train": ["lr_find"], "data": {"seed": 7}}}
    for name, data_of_two in (("same", {}), ("other", {"seed": 7})):
        rows["two"]["data"] = data_of_two
        with open(f"{name}.yaml", "w") as file:
            json.dump({"defaults": {"data": {"path": "photos"}}, "rows": rows}, file)
    assert said("split", "same.yaml", "--to", "same.csv")[-1].startswith("same.csv: split ")
    with pytest.raises(ConfigError, match=r"^other\.yaml: the rows differ in `data`"):
        said("split", "other.yaml")


def test_import_says_what_was_taken_and_left(folder_of):
    root = folder_of({"a": 3, "b": 2})
    (root / "a" / "notes.txt").write_text("")
    (root / "a" / ".hidden").write_text("")
    (root / "b" / "crop_area.properties").write_text("000=none\n001=1,2,30,20\n002=1,2,3,4\n")
    with zipfile.ZipFile("set.zip", "w") as archive:
        for file in root.rglob("*.*"):
            archive.write(file, file.relative_to(root))
    assert said("import", "set.zip", "--to", "new") == [
        "      3  a",
        "      2  b",
        "Left out: 1 box lines without sense",
        "Left out: 1 boxes without a photo",
        "Left out: 1 hidden files",
        "Left out: 2 other files",
        "5 photos written to new",
    ]
    assert said("import", "set.zip", "--to", "two", "--per-class", "2")[-1] == "4 photos written to two"
    assert said("import", "set.zip", "--to", "one", "--category", "b")[0] == "      2  b"
    said("import", "set.zip", "--to", "cut", "--crop")
    with Image.open("cut/b/001.jpg") as image:
        assert image.size == (30, 20)


def test_import_says_what_was_there_and_what_is_numbered(folder_of, photo):
    folder_of({"a": 3})
    said("import", "photos", "--to", "new")
    photo(Path("photos/a/deep/000.jpg"), 9).rename("photos/a/000.jpg")  # another photo of that name
    assert said("import", "photos", "--to", "new")[1:] == [
        say("import_there", count=2),
        say("import_numbered", count=1),
        say("import_written", count=1, folder="new"),
    ]


def test_fetch_prints_where_the_photos_are(monkeypatch):
    given = []
    monkeypatch.setattr("kimchi_vision.data.fetch.fetch", lambda *words: given.append(words) or words[1])
    assert said("fetch", "pets", "--to", "new", "--sha256", "12") == ["new"]
    assert [str(word) for word in given[0]] == ["pets", "new", "12"]


def test_a_missing_folder_is_named():
    with pytest.raises(DataError, match="nowhere does not exist"):
        said("check", "nowhere")
