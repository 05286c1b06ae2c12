"""Archives that come into one folder one after another, and parts and classes within one."""

import io
import unicodedata
import zipfile

import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

from kimchi_vision.base.errors import DataError
from kimchi_vision.cli.main import app
from kimchi_vision.data import layout
from kimchi_vision.data.importing import import_photos


def picture(shade):
    file = io.BytesIO()
    Image.new("RGB", (64, 48), (shade, 80, 120)).save(file, "JPEG")
    return file.getvalue()


def archive(path, files):
    """A zip of photos, each of one shade, or of other contents."""
    with zipfile.ZipFile(path, "w") as file:
        for name, content in files:
            file.writestr(name, picture(content) if isinstance(content, int) else content)
    return path


def files_of(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_a_second_archive_adds(tmp_path):
    first = archive(tmp_path / "1.zip", [("a/0.jpg", 0), ("a/1.jpg", 1)])
    second = archive(tmp_path / "2.zip", [("a/0.jpg", 9), ("a/1.jpg", 1), ("b/0.jpg", 3)])
    out = tmp_path / "out"
    import_photos(first, out)
    done = import_photos(second, out)
    assert (done.written, done.there, done.numbered) == (2, 1, 1)
    wanted = {"a/0.jpg": 0, "a/1.jpg": 1, "a/0-2.jpg": 9, "b/0.jpg": 3}
    assert files_of(out) == {name: picture(shade) for name, shade in wanted.items()}
    for source, count in ((first, 2), (second, 3)):
        again = import_photos(source, out)
        assert (again.written, again.there) == (0, count)
    assert len(files_of(out)) == 4


def test_what_is_printed_is_what_was_done(tmp_path, monkeypatch):
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    for name, shade in (("1.zip", 0), ("2.zip", 9)):
        path = archive(tmp_path / name, [("비빔밥/0.jpg", shade), ("pizza/0.jpg", 5)])
        said = CliRunner().invoke(app, ["data", "import", str(path), "--to", str(tmp_path / "out")]).stdout
    assert said.splitlines() == [
        "      1  pizza",
        "      1  비빔밥",
        "1 photo was there already, with the same content.",
        "1 photo got a number in their name, as another photo has it.",
        f"1 photo written to {tmp_path / 'out'}",
    ]


def test_names_that_become_one_stay_two_photos(tmp_path):
    forms = [unicodedata.normalize(form, "갓김치") for form in ("NFC", "NFD")]
    names = [f"{form}/0.jpg" for form in forms]
    path = archive(tmp_path / "a.zip", [(names[0], 0), (names[1], 0), ("갓김치/0-2.jpg", 2), ("b/0.jpg", 3)])
    for _ in range(2):
        assert import_photos(path, tmp_path / "out").classes == {"b": 1, "갓김치": 3}
        assert sorted(files_of(tmp_path / "out")) == [
            "b/0.jpg",
            "갓김치/0-2-2.jpg",
            "갓김치/0-2.jpg",
            "갓김치/0.jpg",
        ]


@pytest.mark.parametrize(
    ("train", "valid"),
    [
        ("1.Training/원천데이터", "2.Validation/원천데이터"), ("set/train", "set/val"), ("TRAIN", "TEST"),
        ("학습", "검증"), ("01_학습데이터", "02_검증데이터"),
    ],
)  # fmt: skip
def test_parts_of_an_archive_are_kept(tmp_path, train, valid):
    files = [(f"{train}/{name}/{k}.jpg", k) for name in ("비빔밥", "pizza") for k in range(3)]
    files += [(f"{valid}/{name}/0.jpg", 9) for name in ("비빔밥", "pizza")]
    done = import_photos(archive(tmp_path / "a.zip", files), tmp_path / "out")
    other = "test" if valid == "TEST" else "valid"
    assert done.classes == {
        "train/pizza": 3, "train/비빔밥": 3, f"{other}/pizza": 1, f"{other}/비빔밥": 1
    }  # fmt: skip
    assert done.notes == (("import_parts", {"parts": f"train, {other}"}),)
    assert (tmp_path / "out" / other / "비빔밥" / "0.jpg").read_bytes() == picture(9)


def test_parts_around_inner_zips_and_below_classes(tmp_path):
    inner = archive(tmp_path / "inner.zip", [("0.jpg", 0), ("1.jpg", 1)]).read_bytes()
    outer = [(f"{part}/{name}.zip", inner) for part in ("Training", "Validation") for name in "ab"]
    assert import_photos(archive(tmp_path / "zips.zip", outer), tmp_path / "out").classes == {
        "train/a": 2, "train/b": 2, "valid/a": 2, "valid/b": 2
    }  # fmt: skip
    below = archive(
        tmp_path / "b.zip", [(f"{name}/{part}/0.jpg", 1) for part in ("train", "test") for name in "ab"]
    )
    assert list(import_photos(below, tmp_path / "below").classes) == [
        "test/a",
        "test/b",
        "train/a",
        "train/b",
    ]


def test_photos_of_a_part_without_a_class_are_counted(tmp_path):
    path = archive(tmp_path / "a.zip", [("train/cat/0.jpg", 0), ("train/dog/0.jpg", 1), ("test/0.jpg", 2)])
    done = import_photos(path, tmp_path / "out")
    assert done.classes == {"train/cat": 1, "train/dog": 1}
    assert done.left_out["photos of a part without a class"] == 1


def test_parts_and_photos_without_one_do_not_come_together(tmp_path):
    parts = archive(tmp_path / "a.zip", [("train/cat/0.jpg", 0), ("val/cat/0.jpg", 1)])
    flat = archive(tmp_path / "b.zip", [("cat/0.jpg", 0), ("dog/0.jpg", 1)])
    mixed = archive(tmp_path / "c.zip", [("train/cat/0.jpg", 0), ("more/cat/0.jpg", 1)])
    with pytest.raises(DataError, match=r"1 photo lies in folders of parts \(train\), 1 in none"):
        import_photos(mixed, tmp_path / "out")
    import_photos(flat, tmp_path / "out")
    with pytest.raises(DataError, match="out holds class folders, and this archive parts: give another --to"):
        import_photos(parts, tmp_path / "out")
    import_photos(parts, tmp_path / "parts")
    with pytest.raises(DataError, match="parts holds parts, and this archive class folders"):
        import_photos(flat, tmp_path / "parts")


def test_folders_above_classes_of_one_name_are_kept(tmp_path):
    ripe = archive(tmp_path / "a.zip", [("set/apple/ripe/0.jpg", 0), ("set/tomato/ripe/0.jpg", 1)])
    done = import_photos(ripe, tmp_path / "out")
    assert done.classes == {"apple/ripe": 1, "tomato/ripe": 1}
    assert done.notes[0][0] == "import_nested"
    days = archive(
        tmp_path / "b.zip", [("bibimbap/day1/0.jpg", 0), ("bibimbap/day2/0.jpg", 1), ("pizza/0.jpg", 2)]
    )
    assert list(import_photos(days, tmp_path / "days").classes) == ["bibimbap/day1", "bibimbap/day2", "pizza"]
    digits = archive(tmp_path / "c.zip", [(f"digits/{digit}/0.jpg", digit) for digit in range(4)])
    assert list(import_photos(digits, tmp_path / "digits").classes) == ["0", "1", "2", "3"]


def test_boxes_of_a_second_archive_are_added(tmp_path):
    for name, shade, box in (("1.zip", 0, "1,2,8,9"), ("2.zip", 9, "4,4,10,10")):
        files = [("a/0.jpg", shade), ("a/crop_area.properties", f"0={box}\n"), ("b/0.jpg", 3)]
        for _ in range(2):
            import_photos(archive(tmp_path / name, files), tmp_path / "out")
            import_photos(tmp_path / name, tmp_path / "cut", crop=True)
    boxes = pd.read_csv(tmp_path / "out" / "boxes.csv").set_index("path")
    assert boxes.loc["a/0.jpg"].tolist() == [1, 2, 9, 11]
    assert boxes.loc["a/0-2.jpg"].tolist() == [4, 4, 14, 14]
    assert sorted(files_of(tmp_path / "cut")) == ["a/0-2.jpg", "a/0.jpg", "b/0.jpg"]


def test_an_archive_is_read_as_a_folder_is(tmp_path):
    """Photos beside a folder of more of them stay; a sample of the set in the set does not come twice."""
    phone = [("bibimbap/0.jpg", 0), ("bibimbap/phone/0.jpg", 1), ("pizza/0.jpg", 2)]
    done = import_photos(archive(tmp_path / "a.zip", phone), tmp_path / "a")
    assert done.classes == {"bibimbap": 1, "bibimbap/phone": 1, "pizza": 1}
    assert layout.read(tmp_path / "a").photos["label"].value_counts().to_dict() == {"bibimbap": 2, "pizza": 1}
    parts = [(f"{part}/{name}/0.jpg", 3) for part in ("train", "valid") for name in ("cat", "dog")]
    twice = [*parts, *((f"sample/{name}", shade) for name, shade in parts)]
    assert sum(import_photos(archive(tmp_path / "b.zip", twice), tmp_path / "b").classes.values()) == 4


def test_the_part_of_an_archive_alone_is_kept(tmp_path):
    for part in ("Training", "Validation"):
        files = [(f"set/{part}/{name}/0.jpg", 0) for name in ("cat", "dog")]
        import_photos(archive(tmp_path / f"{part}.zip", files), tmp_path / "out")
    assert sorted(files_of(tmp_path / "out")) == [
        "train/cat/0.jpg", "train/dog/0.jpg", "valid/cat/0.jpg", "valid/dog/0.jpg"
    ]  # fmt: skip
