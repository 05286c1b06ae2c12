"""Tables as Excel and people save them, and back: what this program writes, Excel reads."""

import io
import unicodedata

import pandas as pd
import pytest

from kimchi_vision import data
from kimchi_vision.base.errors import DataError
from kimchi_vision.base.files import write_table
from kimchi_vision.cli import ship
from kimchi_vision.config.sections import Data
from kimchi_vision.data.layout import read
from kimchi_vision.data.select import corrected
from kimchi_vision.data.splitters import write_split
from kimchi_vision.data.tables import matched, read_csv
from kimchi_vision.deploy.predictor import Prediction
from kimchi_vision.results.run import Run

ROWS = [("path", "suggested"), ("비빔밥/000.jpg", "바클라바"), ("비빔밥/001.jpg", "바클라바")]


def lines(separator=",", rows=ROWS):
    return "".join(separator.join(row) + "\r\n" for row in rows)


def changed(old, new):
    return lines().replace(old, new)


FORMS = {
    "utf-8": lines().encode(),
    "with a mark": lines().encode("utf-8-sig"),
    "cp949": lines().encode("cp949"),
    "unicode text of Excel": lines("\t").encode("utf-16"),
    "utf-16 from another machine": b"\xfe\xff" + lines().encode("utf-16-be"),
    "utf-16 without a mark": lines("\t").encode("utf-16-le"),
    "semicolons": lines(";").encode("utf-8-sig"),
    "semicolons in cp949": lines(";").encode("cp949"),
    "stated separator": ("sep=;\r\n" + lines(";")).encode("utf-8-sig"),
    "tabs": lines("\t").encode(),
    "backslashes": changed("밥/", "밥\\").encode("utf-8-sig"),
    "spaces around": changed("바\r", "바 \r").replace("path,", " Path , ").encode(),
    "nfd": unicodedata.normalize("NFD", lines()).encode(),
    "headers in capitals": changed("path,suggested", "PATH,Suggested").encode("cp949"),
    "empty rows and columns": (lines().replace("\r\n", ",,\r\n") + ",,,\r\n\r\n").encode(),
    "other columns": lines(rows=[(*row, "x") for row in ROWS]).encode(),
    "old line ends": lines().replace("\r\n", "\n").encode(),
    "quotes": changed("바클라바", '"바클라바"').encode(),
    "a leading dot": changed("비빔밥/", "./비빔밥/").encode(),
}  # fmt: skip


@pytest.fixture
def root(folder_of):
    return folder_of({"비빔밥": 4, "바클라바": 4})


@pytest.fixture
def relabelled(root, tmp_path):
    """The classes of photos by path, after relabelling by a file of this content."""

    def load(content, **keys):
        (tmp_path / "better.csv").write_bytes(content)
        photos = corrected(read(root).photos, Data(path=root, relabel=tmp_path / "better.csv", **keys))
        return dict(zip(photos["path"], photos["label"], strict=True))

    return load


@pytest.mark.parametrize("form", FORMS)
def test_a_table_is_read_as_it_is_meant(relabelled, form):
    found = relabelled(FORMS[form])
    assert [found[f"비빔밥/00{k}.jpg"] for k in range(3)] == ["바클라바", "바클라바", "비빔밥"]
    assert set(found.values()) == {"비빔밥", "바클라바"}


def test_photos_with_names_from_a_mac_are_found(folder_of, tmp_path):
    root = folder_of({unicodedata.normalize("NFD", "비빔밥"): 2, "바클라바": 2})
    (tmp_path / "out.csv").write_bytes("path\n비빔밥\\000.jpg\n".encode("cp949"))
    photos = corrected(read(root).photos, Data(path=root, exclude=tmp_path / "out.csv"))
    assert len(photos) == 3


WRONG = {
    "an empty cell": (changed("바클라바\r\n비", "\r\n비"), r"line 2: `suggested` is empty\. Fill it in"),
    "only spaces": (changed("바클라바\r\n비", " \r\n비"), "line 2: `suggested` is empty"),
    "a row that ends early": (changed("001.jpg,바클라바", "001.jpg"), "line 3: `suggested` is empty"),
    "an empty path": (changed("비빔밥/001.jpg", ""), "line 3: `path` is empty"),
    "a slip": (changed("바클라바\r\n비", "바크라바\r\n비"), r"line 2: .*바크라바\. Did you mean 바클라바\?"),
    "a space": (changed("바클라바", "비 빔밥"), "Did you mean 비빔밥"),
    "a new class": (changed("바클라바", "피자"), r"There are 바클라바, 비빔밥\..*new_classes: \[피자\]"),
    "two classes": (lines() + "비빔밥\\001.jpg,비빔밥", "lines 3, 4: 비빔밥/001.jpg is to be both"),
    "a comma too many": (changed("001.jpg", "0,01.jpg"), "line 3 has 3 cells and the header 2"),
    "no such photo": (changed("001", "901"), r"line 3: 비빔밥/901\.jpg is not among the photos"),
    "a wrong guess": (
        "path,suggested\r\n饺子/0.jpg,麻婆豆腐\r\n".encode("gbk"),
        "It was read as gbk, which may",
    ),
    "a workbook": (b"PK\x03\x04\x00", "is a workbook of Excel"),
    "no text": (b"path,suggested\n\x00\x01", "is not a CSV file"),
    "no line": (b"", "is not a CSV file: no columns"),
    "two of one column": (b"path,suggested,Path\na,b,c\n", "has two columns path"),
    "half of it in another encoding": (
        b"\xef\xbb\xbfpath,suggested\n\xb1\xe8,a\n",
        r"utf-8-sig throughout: invalid",
    ),
    "a cell without an end": (b'path,suggested\n"' + b"x" * 200_000, "line 2: field larger than field limit"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_table_that_is_wrong_is_refused_with_its_line(relabelled, case):
    content, said = WRONG[case]
    with pytest.raises(DataError, match=said):
        relabelled(content.encode() if isinstance(content, str) else content)


def test_a_path_that_may_be_two_photos_is_asked_about(tmp_path):
    two = [unicodedata.normalize(form, "밥/0.jpg") for form in ("NFC", "NFD")]
    paths = pd.Series(["밥\\0.jpg"])
    with pytest.raises(DataError, match=r"밥\\0\.jpg may be '밥/0.jpg' or '.*/0.jpg'; write it as it is\."):
        matched(paths, two, tmp_path / "out.csv")
    assert matched(pd.Series(two), two, tmp_path / "out.csv").tolist() == two


def test_a_table_larger_than_any_of_photos_is_refused(tmp_path):
    with (tmp_path / "out.csv").open("wb") as file:
        file.truncate((1 << 29) + 1)
    with pytest.raises(DataError, match=r"out\.csv is larger than 537 MB, which no table of photos is"):
        read_csv(tmp_path / "out.csv", ["path"], "")


def test_a_new_class_that_is_meant(relabelled):
    assert relabelled(changed("바클라바", "피자").encode(), new_classes=["피자"])["비빔밥/000.jpg"] == "피자"


def test_a_relabelled_photo_is_no_folder_in_two_unicode_forms(root, tmp_path):
    (tmp_path / "better.csv").write_bytes(FORMS["utf-8"])
    photos = data.load(
        Data(path=root, relabel=tmp_path / "better.csv", splitter="stratified"), tmp_path / "c"
    )
    assert "found_two_forms" not in [says for says, _ in photos.notes]


def test_a_split_and_boxes_that_went_through_excel(root, tmp_path):
    section = Data(path=root, splitter="stratified")
    photos = data.load(section, tmp_path / "cache")
    write_split(photos, tmp_path / "split.csv")
    text = (
        (tmp_path / "split.csv").read_text(encoding="utf-8-sig").replace(",", ";").replace("valid", "Valid ")
    )
    (tmp_path / "split.csv").write_text(text, encoding="cp949")
    again = data.load(Data(path=root, split=tmp_path / "split.csv"), tmp_path / "cache")
    assert again.digest == photos.digest
    (root / "boxes.csv").write_bytes(
        "path;left;top;right;bottom\r\n비빔밥\\000.jpg;1;2;9;9\r\n".encode("cp949")
    )
    boxed = data.load(Data(path=root, crop="box", splitter="stratified"), tmp_path / "cache").items
    assert boxed.set_index("path").loc["비빔밥/000.jpg", "crop"] == "1,2,9,9"


def test_what_is_written_opens_in_excel_and_reads_back(tmp_path):
    run, table = Run(tmp_path), pd.DataFrame({"path": ["비빔밥/0.jpg"], "label": ["001"]})
    file = run.files.items
    write_table(file, table)
    assert file.read_bytes().startswith(b"\xef\xbb\xbfpath,label")
    for encoding in ("utf-8-sig", "utf-8"):
        table.to_csv(file, index=False, encoding=encoding)
        pd.testing.assert_frame_equal(run.table(file), table, check_dtype=False)
        assert read_csv(file, ["path"], "").to_dict("records") == table.to_dict("records")


def test_answers_that_are_kept_open_in_excel_and_those_in_a_pipe_have_no_mark(tmp_path, monkeypatch):
    answer = Prediction("비빔밥.jpg", (("비빔밥", 0.9),))
    for stream, mark in ((io.StringIO(), ""), ((tmp_path / "a.csv").open("w+", encoding="utf-8"), "\ufeff")):
        with stream, monkeypatch.context() as patch:
            patch.setattr("sys.stdout", stream)
            assert list(ship._print_csv([answer])) == [answer]
            stream.seek(0)
            assert (
                stream.read() == f"{mark}photo,rank,label,probability,known\n비빔밥.jpg,1,비빔밥,0.9,True\n"
            )


def test_openings_of_the_test_part_are_added_to_old_and_new_files(tmp_path):
    run = Run(tmp_path)
    run.files.test_openings.write_text("time,command\n2024-01-01T00:00:00+00:00,evaluate --part test\n")
    run.open_test("evaluate, again")
    assert run.times_opened() == 2
    assert run.table(run.files.test_openings)["command"].tolist() == [
        "evaluate --part test",
        "evaluate, again",
    ]
    assert run.files.test_openings.read_bytes()[:3] == b"\xef\xbb\xbf"
