import errno
from pathlib import Path

import pytest
import torch

from kimchi_vision.base.errors import RunError
from kimchi_vision.base.files import explained, replacing, write_text


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "no room left on the disk of exports/a. Make room and give the same command"),
        (errno.EDQUOT, "no room left"),
        (errno.EROFS, "exports/a/history.csv cannot be written. Allow it and give the same command"),
        (errno.EACCES, "cannot be written"),
    ],
)
def test_a_disk_that_cannot_be_written_is_a_sentence(number, sentence):
    with pytest.raises(RunError, match=sentence), explained(Path("exports/a")):
        raise OSError(number, "as the system says", "exports/a/history.csv")


def test_other_errors_stay_what_they_are():
    with pytest.raises(FileNotFoundError), explained(Path("exports/a")):
        raise FileNotFoundError(errno.ENOENT, "no such file", "photo.jpg")


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
