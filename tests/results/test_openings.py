"""How often test photos were scored follows the photos, not the run folder."""

import pandas as pd
import pytest

from kimchi_vision.base import cache
from kimchi_vision.base.files import write_table
from kimchi_vision.results.run import Run


def run_of(folder, photos, split="test"):
    run = Run(folder)
    write_table(run.files.items, pd.DataFrame({"path": photos, "sha256": photos, "split": split}))
    return run


def test_another_run_and_a_copy_of_the_folder_know_of_an_opening(tmp_path):
    first, other = run_of(tmp_path / "a", ["x", "y"]), run_of(tmp_path / "b", ["y", "z"])
    apart, trained = run_of(tmp_path / "c", ["z"]), run_of(tmp_path / "d", ["x"], "train")
    first.open_test("evaluate --test")
    assert [run.times_opened() for run in (first, other, apart, trained)] == [1, 1, 0, 0]
    other.open_test("compare --test")
    assert [run.times_opened() for run in (first, other, apart, trained)] == [2, 2, 1, 0]
    assert Run((tmp_path / "a").rename(tmp_path / "renamed")).times_opened() == 2


def test_clearing_the_cache_forgets_no_opening(tmp_path):
    run = run_of(tmp_path / "a", ["x"])
    run.open_test("evaluate --test")
    cache.clear()
    run.files.test_openings.unlink()
    assert run.times_opened() == 1


def test_a_cache_that_cannot_be_written_is_said_and_the_run_counts_itself(tmp_path, monkeypatch, caplog):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("KIMCHI_CACHE", str(tmp_path / "file"))
    run = run_of(tmp_path / "a", ["x"])
    run.open_test("evaluate --test")
    assert "cannot be noted" in caplog.text
    assert run.times_opened() == 1


@pytest.fixture(autouse=True)
def _in_english_logs(caplog):
    caplog.set_level("WARNING")
