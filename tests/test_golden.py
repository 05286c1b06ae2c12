"""The golden comparison notices each number that changes, and no time."""

import io
import json
from base64 import b64encode

import numpy as np
import pytest
from PIL import Image

from benchmarks.golden import differences

PICTURE = np.zeros((4, 5, 3), np.uint8)
FILES = {
    "run/metrics.json": json.dumps(
        {"accuracy": 0.75, "train": {"epochs": 2, "seconds": 1.5}, "low": [0.5, 0.9]}
    ),
    "run/experiment.yaml": "data:\n  seed: 42\n",
    "run/labels.json": '["001", "김치"]',
    "run/predictions.csv": "path,predicted,p:001,p:김치\na.jpg,001,0.75,0.25\nb.jpg,김치,0.25,0.75\n",
    "run/history.csv": "epoch,valid_loss,seconds\n1,0.5,2.25\n",
    "run/log.txt": "2026-11-27 03:05:03  Floor: 15 of 16 photos right, 2 s.\nDone\n",
    "console/three.txt": "accuracy  0.7500\nTraining, minutes   │ 0.01\nexit code 0\n",
}


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def page(picture, accuracy="75.0 %", seconds="1.5"):
    cells = f"<tr><th>epoch</th><th>Accuracy</th><th>Seconds</th></tr><tr><td>1</td><td>{accuracy}</td>"
    source = f"data:image/png;base64,{b64encode(png(picture)).decode()}"
    return f'<table>{cells}<td>{seconds}</td></tr></table><img alt="확인" src="{source}">'


@pytest.fixture
def sides(tmp_path):
    """Two folders with the same files."""
    for side in ("old", "new"):
        for name, text in {**FILES, "run/report.html": page(PICTURE)}.items():
            file = tmp_path / side / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        (tmp_path / side / "run/confusion.png").write_bytes(png(PICTURE))
    return tmp_path / "old", tmp_path / "new"


def told(sides, tolerance=0.0):
    return [(each.file, each.place, each.old, each.new) for each in differences.folders(*sides, tolerance)]


def replace(sides, name, old, new):
    file = sides[1] / name
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_equal_folders_do_not_differ(sides):
    assert told(sides) == []


@pytest.mark.parametrize(
    ("name", "old", "new", "place"),
    [
        ("run/metrics.json", "0.75", "0.7500000001", "accuracy"),
        ("run/metrics.json", "0.9", "0.8", "low[1]"),
        ("run/experiment.yaml", "42", "43", "data.seed"),
        ("run/predictions.csv", "b.jpg,김치,0.25", "b.jpg,김치,0.26", "row 2, p:001"),
        ("run/predictions.csv", "a.jpg,001", "a.jpg,1", "row 1, predicted"),
        ("run/log.txt", "15 of 16", "14 of 16", "line 1"),
        ("console/three.txt", "code 0", "code 1", "line 3"),
        ("run/report.html", "75.0", "74.0", "table 1, row 2 (1), Accuracy"),
    ],
)
def test_a_changed_number_is_listed_with_file_and_place(sides, name, old, new, place):
    replace(sides, name, old, new)
    assert [found[:2] for found in told(sides)] == [(name, place)]


def test_old_and_new_value_are_shown(sides):
    replace(sides, "run/metrics.json", "0.75", "0.8")
    assert differences.listing(differences.folders(*sides)).splitlines() == [
        "run/metrics.json: 1 difference",
        "  accuracy: 0.75 -> 0.8",
    ]


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("run/metrics.json", '"seconds": 1.5', '"seconds": 9.5'),
        ("run/history.csv", "2.25", "3.25"),
        ("run/log.txt", "03:05:03", "04:06:04"),
        ("run/log.txt", "2 s.", "13 s."),
        ("run/report.html", "1.5", "2.5"),
        ("console/three.txt", "│ 0.01", "│ 10.02"),
    ],
)
def test_times_are_no_difference(sides, name, old, new):
    replace(sides, name, old, new)
    assert told(sides) == []


def test_the_moment_of_ctrl_c_is_no_difference(sides):
    replace(sides, "run/log.txt", "Done", "Stopping after this batch, with a checkpoint.\nDone")
    assert told(sides) == []


def test_the_place_of_a_side_is_no_difference(sides):
    for side in sides:
        (side / "data.json").write_text(json.dumps({"folder": f"{side}/photos"}), encoding="utf-8")
    assert told(sides) == []


def test_a_file_of_one_side_alone_is_listed(sides):
    (sides[1] / "run/labels.json").unlink()
    (sides[1] / "run/more.csv").touch()
    assert told(sides) == [
        ("run/labels.json", "the file", "only in old", "not there"),
        ("run/more.csv", "the file", "not there", "only in new"),
    ]


def test_another_order_of_classes_is_listed(sides):
    replace(sides, "run/labels.json", '["001", "김치"]', '["김치", "001"]')
    assert [found[1:] for found in told(sides)] == [("[0]", "'001'", "'김치'"), ("[1]", "'김치'", "'001'")]


def test_columns_in_another_order_are_listed(sides):
    file = sides[1] / "run/predictions.csv"
    file.write_text(
        "path,predicted,p:김치,p:001\na.jpg,001,0.25,0.75\nb.jpg,김치,0.75,0.25\n", encoding="utf-8"
    )
    assert [found[1:] for found in told(sides)] == [("order", "row 1, p:001", "row 1, p:김치")]


def test_a_renamed_column_is_in_one_side_alone(sides):
    replace(sides, "run/history.csv", "valid_loss", "loss")
    assert [found[1:] for found in told(sides)] == [
        ("row 1, valid_loss", "0.5", "only in old"),
        ("row 1, loss", "only in new", "0.5"),
    ]


def test_pixels_that_differ_are_counted_in_files_and_pages(sides):
    other = PICTURE.copy()
    other[1, 2] = other[3, 3] = 9
    (sides[1] / "run/confusion.png").write_bytes(png(other))
    (sides[1] / "run/report.html").write_text(page(other), encoding="utf-8")
    assert told(sides) == [
        ("run/confusion.png", "picture", "5 x 4 pixels", "2 pixels differ"),
        ("run/report.html", "picture 1 (확인)", "5 x 4 pixels", "2 pixels differ"),
    ]


def test_a_picture_packed_otherwise_is_no_difference(sides):
    Image.fromarray(PICTURE).save(sides[1] / "run/confusion.png", compress_level=0)
    assert told(sides) == []


def test_numbers_within_the_tolerance_are_no_difference(sides):
    replace(sides, "run/metrics.json", "0.75", "0.7500001")
    replace(sides, "console/three.txt", "0.7500", "0.7501")
    replace(sides, "run/experiment.yaml", "42", "43")
    assert [found[0] for found in told(sides, 1e-3)] == ["run/experiment.yaml"]


def test_an_inserted_line_is_one_difference(sides):
    replace(sides, "run/log.txt", "Done", "Warned\nDone")
    assert [found[1:] for found in told(sides)] == [("line 2", "''", "'Warned'")]


def test_a_changed_weight_is_counted(sides):
    from safetensors.numpy import save_file

    weights = np.arange(6, dtype=np.float32)
    for side, last in zip(sides, (5, 5.5), strict=True):
        weights[5] = last
        save_file({"head": weights}, side / "run/model.safetensors")
    assert told(sides) == [("run/model.safetensors", "head", "6 numbers", "1 differ, by 0.5 at most")]
