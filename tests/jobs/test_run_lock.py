"""When a finished run stands, and what becomes of one that does not."""

import subprocess
import sys

import pytest

from kimchi_vision import data
from kimchi_vision.base.errors import InputError
from kimchi_vision.base.run_files import RunDir
from kimchi_vision.config import load
from kimchi_vision.config.sections import Data
from kimchi_vision.jobs import run_lock
from tests.fake_runs import fake_run


@pytest.fixture
def finished(folder_of, tmp_path, caplog):
    """A finished run, its experiment, and a way to read its photos again."""
    caplog.set_level("INFO", "kimchi_vision")
    root = folder_of({"갓김치": 10, "백김치": 10})

    def photos():
        return data.load(Data(path=root, splitter="stratified"), tmp_path)

    run = fake_run(tmp_path / "exports" / "a", photos())
    experiment = load(run.experiment)
    run_lock.finish(run, experiment)
    return run, experiment, photos


def test_it_stands_while_photos_and_program_are_the_same(finished, caplog):
    run, _, photos = finished
    assert run_lock.stands(run, photos(), force=False)
    assert "is finished already" in caplog.text
    assert not run_lock.stands(run, photos(), force=True)


def test_a_changed_photo_is_said_and_the_earlier_run_is_set_aside(finished, photo, caplog):
    run, experiment, photos = finished
    photo(photos().root / "갓김치" / "000.jpg", seed=99)
    assert not run_lock.stands(run, photos(), force=False)
    assert "is run again: its photos, their classes or their split have changed" in caplog.text
    before = run.metrics.read_bytes()
    run_lock.take(run, experiment, photos(), force=False)
    aside = run.path.with_name("a.before-1")
    assert (aside / "metrics.json").read_bytes() == before
    assert "The earlier run is kept in" in caplog.text
    assert not run.metrics.exists()


def test_another_version_of_the_program_is_said(finished, monkeypatch, caplog):
    run, _, photos = finished
    monkeypatch.setattr(run_lock, "code_version", lambda: "9.9")
    assert not run_lock.stands(run, photos(), force=False)
    assert "is run again: it is of version" in caplog.text
    assert "and this is 9.9" in caplog.text


def test_force_leaves_nothing_aside(finished):
    run, experiment, photos = finished
    run_lock.take(run, experiment, photos(), force=True)
    assert [folder.name for folder in run.path.parent.iterdir() if folder.is_dir()] == ["a"]


def test_what_a_killed_process_was_writing_is_swept_away(finished):
    run, experiment, photos = finished
    run.finished.unlink()
    for half in (run.path / ".metrics.abc.json", run.figures / ".batch.abc.png", run.last):
        half.parent.mkdir(exist_ok=True)
        half.write_bytes(b"half")
    run_lock.take(run, experiment, photos(), force=False)
    assert not list(run.path.rglob(".*"))
    assert run.last.is_file()


KILLED = """
import os, sys, time
from pathlib import Path
from kimchi_vision.base.run_files import RunDir
from kimchi_vision.jobs import run_lock
with run_lock.locked(RunDir(Path(sys.argv[1]))):
    if not os.fork():
        time.sleep(1)
        os._exit(0)
    os.kill(os.getpid(), 9)
"""


def test_a_killed_run_lets_go_when_its_last_process_ends(tmp_path):
    folder = RunDir(tmp_path / "run")
    killed = subprocess.run([sys.executable, "-c", KILLED, str(folder.path)], check=False)
    assert killed.returncode == -9
    with run_lock.locked(folder):
        pass


def test_a_second_process_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(run_lock, "LINGER", 0.1)
    folder = RunDir(tmp_path / "run")
    refused = pytest.raises(InputError, match="written by another process")
    with run_lock.locked(folder), refused, run_lock.locked(folder):
        pass
