"""When a finished run stands, what becomes of one that does not, and where an interrupted one goes on."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from kimchi_vision.base.environment import code_version
from kimchi_vision.base.errors import InputError
from kimchi_vision.base.files import write_json, write_text
from kimchi_vision.base.run_files import RunFiles
from kimchi_vision.config import Experiment, dump, load
from kimchi_vision.data.photo import Photos
from kimchi_vision.jobs import run_lock
from kimchi_vision.results.run import Run

NOT_BEGUN = (None, None)
EXPERIMENT = Experiment(name="a", data={"path": "photos"}, train=[{"fit": {"epochs": 4}}])


def photos(**changed: str) -> Photos:
    """Six photos. changed: what one column has for the first of them."""
    names = [f"{label}/{number}.jpg" for label in ("갓김치", "001") for number in range(3)]
    items = pd.DataFrame({"path": names, "label": ["갓김치"] * 3 + ["001"] * 3, "split": "train"})
    items["sha256"] = [hashlib.sha256(name.encode()).hexdigest() for name in names]
    items.loc[items.index % 3 == 2, "split"] = "valid"
    for column, value in changed.items():
        items.loc[0, column] = value
    skipped = pd.DataFrame({"path": ["001/x.jpg"], "label": ["001"], "reason": ["cannot be read"]})
    return Photos(Path("photos"), items, ("001", "갓김치"), (("noted_left_out", {"count": 1}),), skipped)


@pytest.fixture
def finished(tmp_path, caplog) -> Run:
    caplog.set_level("INFO", "kimchi_vision")
    run = Run(tmp_path / "exports" / "a")
    run_lock.take(run.files, EXPERIMENT, photos(), force=False)
    write_json(run.files.metrics, {"accuracy": 0.5})
    run_lock.finish(run.files, EXPERIMENT)
    return run


@pytest.fixture
def interrupted(finished) -> Run:
    """The same run as if it had died after an epoch."""
    finished.files.finished.unlink()
    write_text(finished.files.last, "state")
    return finished


OTHER = EXPERIMENT.model_copy(update={"question": "another?"})


def test_it_stands_while_photos_and_program_are_the_same(finished, caplog):
    noted = finished.json(finished.files.finished)
    assert (noted["digest"], noted["kimchi_vision"]) == (EXPERIMENT.digest, code_version())
    assert (
        set(noted["files"]) == {file.name for file in finished.files.sealed()} > {"metrics.json", "items.csv"}
    )
    assert run_lock.stands(finished.files, photos(), force=False)
    assert f"{finished.path} is finished already; --force runs it again." in caplog.text
    assert not run_lock.stands(finished.files, photos(), force=True)


@pytest.mark.parametrize("name", ["metrics", "items", "data", "labels", "versions", "skipped"])
def test_a_flipped_byte_in_a_finished_run_is_told_and_the_run_done_again(finished, name, caplog):
    file = getattr(finished.files, name)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    read = finished.table if file.suffix == ".csv" else finished.json
    with pytest.raises(InputError, match=rf"{file.name} is damaged, or was changed.*--force"):
        read(file)
    assert not run_lock.stands(finished.files, photos(), force=False)
    run_lock.take(finished.files, EXPERIMENT, photos(), force=False)
    assert f"{file.name} of it is damaged" in caplog.text
    assert RunFiles(finished.path.with_name("a.before-1")).metrics.is_file()


def test_an_exported_file_may_be_deleted_but_not_be_another(finished):
    write_json(finished.files.export, {"model.onnx": {"sha256": "ab"}, "model.pkl": {"refused": "why"}})
    assert run_lock.stands(finished.files, photos(), force=False)
    finished.files.onnx.write_bytes(b"another")
    assert finished.damaged() == ["model.onnx"]
    assert not run_lock.stands(finished.files, photos(), force=False)


def test_an_unfinished_run_does_not_stand(interrupted):
    assert run_lock.stands(interrupted.files, photos(), force=False) is False


@pytest.mark.parametrize("changed", [{"sha256": "ab"}, {"label": "001"}, {"split": "valid"}], ids=str)
def test_a_change_of_photos_is_said_and_the_earlier_run_is_set_aside(finished, caplog, changed):
    now = photos(**changed)
    assert not run_lock.stands(finished.files, now, force=False)
    run_lock.take(finished.files, EXPERIMENT, now, force=False)
    how = {"sha256": "with other content", "label": "of another class", "split": "in another part"}
    change = f"split have changed: 1 {how[next(iter(changed))]} (갓김치/0.jpg)."
    assert f"{finished.path} is run again: its photos, their classes or their {change}" in caplog.text
    aside = Run(finished.path.with_name("a.before-1"))
    assert aside.json(aside.files.metrics) == {"accuracy": 0.5}
    assert f"The earlier run is kept in {aside.path}." in caplog.text
    assert not finished.files.metrics.exists()


def test_every_earlier_run_is_kept(finished):
    for _ in range(3):
        run_lock.finish(finished.files, EXPERIMENT)
        run_lock.take(finished.files, EXPERIMENT, photos(), force=False)
    kept = [finished.path.with_name(f"a.before-{number}") for number in (1, 2, 3)]
    assert sorted(finished.path.parent.glob("a.before-*")) == kept
    assert [RunFiles(path).metrics.is_file() for path in kept] == [True, False, False]


def test_all_that_is_damaged_is_named(finished, caplog):
    write_text(finished.files.last, "state")
    for file in (finished.files.metrics, finished.files.items):
        file.write_bytes(b"x" + file.read_bytes())
    assert not run_lock.stands(finished.files, photos(), force=False)
    run_lock.take(finished.files, EXPERIMENT, photos(), force=False)
    assert "run again: items.csv, metrics.json of it is damaged, or was changed. The earlier" in caplog.text
    assert "undo the change" not in caplog.text  # it was finished: there is nothing to go on from


def test_own_parts_that_differ_are_named(tmp_path, caplog):
    caplog.set_level("INFO", "kimchi_vision")
    files = RunFiles(tmp_path / "exports" / "a")
    had = {"callbacks": [{"name": "Mine", "source": "1"}, {"name": "Yours", "source": "2"}]}
    run_lock.take(files, EXPERIMENT, photos(), force=False, own=had)
    run_lock.finish(files, EXPERIMENT)
    assert run_lock.stands(files, photos(), force=False, own=had)
    run_lock.take(files, EXPERIMENT, photos(), force=False)
    assert "own parts given from Python differ: it had Mine, Yours, and here are none." in caplog.text


def test_an_interrupted_run_keeps_the_threads_that_its_bits_hang_on(interrupted):
    begun_with = interrupted.json(interrupted.files.versions)["threads"]
    assert run_lock.begun(EXPERIMENT, photos(), interrupted.files)[1] == begun_with > 0
    assert run_lock.begun(EXPERIMENT, photos(sha256="ab"), interrupted.files) == NOT_BEGUN


def test_another_version_of_the_program_is_said(finished, monkeypatch, caplog):
    monkeypatch.setattr(run_lock, "code_version", lambda: "9.9")
    assert not run_lock.stands(finished.files, photos(), force=False)
    run_lock.take(finished.files, EXPERIMENT, photos(), force=False)
    assert f"it is of version {code_version()} of this program, and this is 9.9." in caplog.text


def test_force_too_sets_aside_what_holds_any_work(finished):
    run_lock.take(finished.files, EXPERIMENT, photos(), force=True)
    run_lock.take(finished.files, EXPERIMENT, photos(), force=True)  # nothing was done since
    folders = sorted(folder.name for folder in finished.path.parent.iterdir() if folder.is_dir())
    assert folders == ["a", "a.before-1"]
    assert not finished.files.metrics.exists()


def test_what_is_no_run_is_set_aside_by_force_and_never_deleted(tmp_path):
    write_text(tmp_path / "a" / "holiday.jpg", "photo")
    run_lock.take(RunFiles(tmp_path / "a"), EXPERIMENT, photos(), force=True)
    assert (tmp_path / "a.before-1" / "holiday.jpg").is_file()


def test_a_run_begins_with_what_it_stands_on(finished):
    assert load(finished.files.experiment) == EXPERIMENT
    assert finished.json(finished.files.versions)["kimchi_vision"] == code_version()
    assert finished.json(finished.files.labels) == ["001", "갓김치"]
    assert finished.json(finished.files.data) == json.loads(json.dumps(photos().facts()))
    pd.testing.assert_frame_equal(finished.table(finished.files.items), photos().items)
    pd.testing.assert_frame_equal(finished.table(finished.files.skipped), photos().skipped)


def test_an_interrupted_run_goes_on_and_halves_of_files_are_swept_away(interrupted, caplog):
    run = interrupted
    halves = [
        run.path / ".metrics.abc.json",
        run.files.figures / ".batch.abc.png",
        run.path / ".cache" / "kept",
    ]
    for half in halves:
        write_text(half, "half")
    assert run_lock.begun(EXPERIMENT, photos(), run.files)[0] == EXPERIMENT
    run_lock.take(run.files, EXPERIMENT, photos(), force=False)
    assert f"{run.path} was interrupted; it goes on after its last checkpoint." in caplog.text
    assert [half.exists() for half in halves] == [False, False, True]
    assert (run.files.last.read_text(), run.files.metrics.is_file()) == ("state", True)


@pytest.mark.parametrize("changed", [{"sha256": "ab"}, {"label": "001"}, {"split": "valid"}], ids=str)
def test_an_interrupted_run_never_goes_on_with_other_photos(interrupted, changed, caplog):
    now = photos(**changed)
    assert run_lock.begun(EXPERIMENT, now, interrupted.files) == NOT_BEGUN
    run_lock.take(interrupted.files, EXPERIMENT, now, force=False)
    assert not interrupted.files.last.exists()
    pd.testing.assert_frame_equal(interrupted.table(interrupted.files.items), now.items)
    aside = RunFiles(interrupted.path.with_name("a.before-1"))
    assert aside.last.read_text() == "state"
    assert f"(갓김치/0.jpg). The earlier run is kept in {aside.path}." in caplog.text
    assert "to go on from there, undo the change and rename the folder back" in caplog.text


def test_photos_that_came_and_went_are_named(interrupted, caplog):
    now = photos(path="갓김치/new.jpg")
    run_lock.take(interrupted.files, EXPERIMENT, now, force=False)
    assert "1 gone (갓김치/0.jpg), 1 new (갓김치/new.jpg)" in caplog.text


def test_a_byte_of_the_table_of_photos_that_is_no_text_sets_the_run_aside(interrupted):
    content = bytearray(interrupted.files.items.read_bytes())
    content[-3] = 0xFF
    interrupted.files.items.write_bytes(content)
    run_lock.take(interrupted.files, EXPERIMENT, photos(), force=False)
    assert RunFiles(interrupted.path.with_name("a.before-1")).last.is_file()


@pytest.mark.parametrize("missing", ["items", "last", "experiment"])
def test_what_an_interrupted_run_needs_to_go_on(interrupted, missing):
    getattr(interrupted.files, missing).unlink()
    assert run_lock.begun(EXPERIMENT, photos(), interrupted.files) == NOT_BEGUN
    run_lock.take(interrupted.files, EXPERIMENT, photos(), force=False)
    assert interrupted.files.items.is_file()
    assert not interrupted.files.last.exists()


def test_force_begins_an_interrupted_run_anew(interrupted):
    run_lock.take(interrupted.files, EXPERIMENT, photos(), force=True)
    assert not interrupted.files.last.exists()


def test_a_finished_run_is_not_taken_for_an_interrupted_one(interrupted):
    run_lock.finish(interrupted.files, EXPERIMENT)
    assert run_lock.begun(EXPERIMENT, photos(), interrupted.files) == NOT_BEGUN


def test_another_experiment_is_refused_unless_forced(interrupted):
    exports = interrupted.path.parent
    assert run_lock.check(EXPERIMENT, exports, force=False) == interrupted.files
    told = (
        r"exports/a holds something else .*: question was '' and is 'another\?'.*`name`.*--force.*a.before-1"
    )
    with pytest.raises(InputError, match=told):
        run_lock.check(OTHER, exports, force=False)
    assert run_lock.check(OTHER, exports, force=True) == interrupted.files
    assert run_lock.begun(OTHER, photos(), interrupted.files) == NOT_BEGUN


def test_a_folder_that_is_no_run_is_refused_unless_it_is_empty(tmp_path):
    place = tmp_path / "a"
    assert run_lock.check(EXPERIMENT, tmp_path, force=False) == RunFiles(place)
    place.mkdir()
    assert run_lock.check(EXPERIMENT, tmp_path, force=False) == RunFiles(place)
    (place / "holiday.jpg").touch()
    with pytest.raises(InputError, match="holds something else"):
        run_lock.check(EXPERIMENT, tmp_path, force=False)


def test_a_recipe_goes_on_with_what_it_chose_then(interrupted):
    asked = Experiment(name="a", data={"path": "photos"}, recipe="best")
    chosen = asked.on_top_of({"loader": {"batch_size": 5}, "train": {"stages": ["unfreeze"]}})
    write_text(interrupted.files.experiment, dump(chosen.resolved()))
    assert run_lock.begun(asked, photos(), interrupted.files)[0] == chosen
    wants_more = Experiment(name="a", data={"path": "photos"}, recipe="best", train={"seed": 3})
    assert run_lock.begun(wants_more, photos(), interrupted.files) == NOT_BEGUN
    write_text(interrupted.files.experiment, "rows: {a: {data: {path: photos}, recipe: best}}")
    assert run_lock.begun(asked, photos(), interrupted.files) == NOT_BEGUN


KILLED = """
import os, sys, time
from pathlib import Path
from kimchi_vision.base.run_files import RunFiles
from kimchi_vision.jobs import run_lock
with run_lock.locked(RunFiles(Path(sys.argv[1]))):
    if not os.fork():
        time.sleep(1)
        os._exit(0)
    os.kill(os.getpid(), 9)
"""


def test_a_killed_run_lets_go_when_its_last_process_ends(tmp_path):
    folder = Run(tmp_path / "run")
    killed = subprocess.run([sys.executable, "-c", KILLED, str(folder.path)], check=False)
    assert killed.returncode == -9
    with run_lock.locked(folder.files):
        pass


def test_a_second_process_is_refused_until_the_first_one_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(run_lock, "LINGER", 0.1)
    folder, beside = (Run(tmp_path / "exports" / name) for name in ("run", "beside"))
    refused = pytest.raises(InputError, match=r"exports/run is being written by another process")
    with run_lock.locked(folder.files), run_lock.locked(beside.files), refused, run_lock.locked(folder.files):
        pass
    assert sorted(path.name for path in folder.path.parent.iterdir()) == [".beside.lock", ".run.lock"]
    with pytest.raises(KeyError), run_lock.locked(folder.files):
        raise KeyError
    with run_lock.locked(folder.files):
        pass
