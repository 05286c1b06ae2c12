"""What a run folder keeps, and how it is read back."""

from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.files import write_json, write_table
from kimchi_vision.base.run_files import File, RunFiles
from kimchi_vision.data.photo import Photo
from kimchi_vision.results.run import Run

FILES = [name for name, value in vars(RunFiles).items() if isinstance(value, File)]


@pytest.fixture
def run(tmp_path) -> Run:
    return Run(tmp_path / "a")


def test_every_file_has_a_name_of_its_own():
    files = RunFiles(Path("exports/a"))
    found = [getattr(files, name) for name in FILES]
    found += [
        files.figure("x"),
        files.overlay("0" * 64),
        files.checkpoint(1),
        files.tracked("x"),
        files.smaller("int8"),
    ]
    assert len(set(found)) == len(found) > 30
    assert all(files.path in file.parents for file in found)


def test_every_file_says_what_is_in_it():
    said = [value.__doc__ for value in vars(RunFiles).values() if isinstance(value, File)]
    assert all(sentence.endswith(".") for sentence in said)
    assert len(set(said)) == len(said)


def test_all_that_a_run_found_is_sealed(run):
    """But for what is written when it is asked for, and tells of other photos or of when that was."""
    tables = [
        file for file in map(partial(getattr, run.files), FILES) if file.suffix in (".csv", ".json", ".npz")
    ]
    run.path.mkdir()
    for file in tables:
        file.touch()
    asked = {
        "background.csv",
        "drift.json",
        "finished.json",
        "test_openings.csv",
        "unknown.csv",
        "unknown.json",
    }
    assert {file.name for file in set(tables) - set(run.files.sealed())} == asked


def test_class_names_are_text_whatever_they_look_like(run):
    names = ["001", "1.0", "NA", "nan", "true", "갓김치"]
    table = pd.DataFrame({"path": names, "label": names, "split": "train", "sha256": "12"})
    write_table(run.files.items, table)
    pd.testing.assert_frame_equal(run.table(run.files.items), table)
    assert run.files.items.read_bytes().startswith(b"\xef\xbb\xbf")  # else Excel takes Hangul for cp949
    predictions = pd.DataFrame({"truth": names, "predicted": names, "stage": "1", "loss": [0.5, None] * 3})
    write_table(run.files.predictions, predictions)
    pd.testing.assert_frame_equal(run.table(run.files.predictions), predictions)


def test_a_file_that_is_missing_or_damaged_is_named(run):
    for read in (run.json, run.table):
        with pytest.raises(InputError, match=r"a/labels.json is missing. Is .*/a a finished run folder\?"):
            read(run.files.labels)
    write_json(run.files.labels, ["a"])
    assert run.json(run.files.labels) == ["a"]
    run.files.labels.write_text("[half")
    with pytest.raises(InputError, match=r"labels.json is damaged: .*again with --force"):
        run.json(run.files.labels)


def test_each_opening_of_the_test_part_is_counted(run):
    assert run.times_opened() == 0
    run.open_test("evaluate")
    run.open_test("compare")
    assert run.times_opened() == 2
    openings = run.table(run.files.test_openings)
    assert openings["command"].tolist() == ["evaluate", "compare"]
    assert (pd.Timestamp.now("UTC") - pd.to_datetime(openings["time"])).max() < pd.Timedelta(minutes=1)


def test_figures_and_checkpoints_are_listed_in_order_without_halves(run):
    for name in ("results", ".batch.half", "losses"):
        run.files.figures.mkdir(parents=True, exist_ok=True)
        run.files.figure(name).touch()
    assert [file.stem for file in run.files.drawn()] == ["losses", "results"]
    run.files.checkpoints.mkdir()
    for epoch in (12, 3):
        run.files.checkpoint(epoch).touch()
    run.files.last.touch()
    assert run.files.epoch_checkpoints() == [run.files.checkpoint(3), run.files.checkpoint(12)]


def test_two_boxes_of_one_photo_have_pictures_of_their_own(run):
    sha = "0123456789abcdef" * 4
    boxes = (None, (0, 0, 9, 9), (0, 0, 9, 8))
    names = {run.files.overlay(Photo(Path("1.jpg"), box, sha).content).name for box in boxes}
    assert names == {"0123456789ab.jpg", "0123456789ab#box=0,0,9,9.jpg", "0123456789ab#box=0,0,9,8.jpg"}
