import errno
import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from kimchi_vision.base.errors import RunError
from kimchi_vision.base.files import explained, replacing, write_json, write_table, write_text


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "no room left on the disk of exports/a. Make room and give the same command"),
        (errno.EDQUOT, "no room left"),
        (errno.EROFS, "exports/a/history.csv cannot be written. Allow it and give the same command"),
        (errno.EACCES, "cannot be written"),
        (errno.EPERM, "cannot be written"),
    ],
)
def test_a_disk_that_cannot_be_written_is_a_sentence(number, sentence):
    with pytest.raises(RunError, match=sentence), explained(Path("exports/a")):
        raise OSError(number, "as the system says", "exports/a/history.csv")


def test_other_errors_stay_what_they_are():
    with pytest.raises(FileNotFoundError), explained(Path("exports/a")):
        raise FileNotFoundError(errno.ENOENT, "no such file", "photo.jpg")


def test_an_error_without_a_file_is_about_the_run():
    with pytest.raises(RunError, match="exports/a cannot be written"), explained(Path("exports/a")):
        raise OSError(errno.EROFS, "as the system says")
    with pytest.raises(RuntimeError, match="of shapes"), explained(Path("exports/a")):
        raise RuntimeError("of shapes")


TENSORS = {str(k): torch.zeros(100, 100) for k in range(10)}
FULL = Path("/dev/full")
has_full = pytest.mark.skipif(not FULL.exists(), reason="the system has no /dev/full")


@has_full
def test_torch_on_a_full_disk_is_a_sentence():
    with pytest.raises(RunError, match="Make room"), explained(Path("exports/a")):
        torch.save(TENSORS, FULL)


@has_full
def test_torch_and_an_open_file_on_a_full_disk_is_a_sentence():
    place = Path("exports/a")
    with pytest.raises(RunError, match="no room left"), explained(place), FULL.open("wb", 0) as file:
        torch.save(TENSORS, file)


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    write_text(tmp_path / "a.txt", "old")
    with pytest.raises(TypeError), replacing(tmp_path / "a.txt") as temporary:
        temporary.write_text(0)
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("a.txt", "old")]


def test_what_is_no_number_is_never_written(tmp_path):
    write_json(tmp_path / "a.json", {"accuracy": 0.5})
    for value in (math.nan, math.inf):
        with pytest.raises(ValueError, match="not JSON compliant"):
            write_json(tmp_path / "a.json", {"accuracy": value})
    assert json.loads((tmp_path / "a.json").read_text()) == {"accuracy": 0.5}


def test_json_is_for_people_and_tables_keep_every_digit(tmp_path):
    write_json(tmp_path / "a.json", {"이름": ["갓김치"]})
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == '{\n  "이름": [\n    "갓김치"\n  ]\n}\n'
    table = pd.DataFrame({"p": np.float64([1 / 3, 2 / 3]), "q": np.float32([1 / 3, 2 / 3])})
    write_table(tmp_path / "a.csv", table)
    read = pd.read_csv(tmp_path / "a.csv", dtype=table.dtypes.to_dict())
    pd.testing.assert_frame_equal(read, table, check_exact=True)


def test_others_may_read_what_is_written_into_new_folders(tmp_path):
    write_text(tmp_path / "new" / "folder" / "a.txt", "text")
    assert (tmp_path / "new" / "folder" / "a.txt").stat().st_mode & 0o777 == 0o644
