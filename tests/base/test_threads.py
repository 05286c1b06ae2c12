"""How many threads a training has: cores by affinity and quota, shared with the trainings beside it."""

import os
import subprocess
import sys

import pytest

from kimchi_vision.base import environment, threads


@pytest.fixture(autouse=True)
def _alone_on_eight_cores(monkeypatch, tmp_path):
    for name in (threads.SET, "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KIMCHI_CACHE", str(tmp_path))
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)))
    monkeypatch.setattr(threads, "_QUOTA", tmp_path / "cgroup")


def quota(folder, **files):
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


def test_a_container_has_the_cores_of_its_quota(tmp_path):
    assert threads.cores() == 8
    quota(tmp_path / "cgroup", cpu__max="250000 100000\n")
    assert threads.cores() == 3


def test_older_containers_say_it_in_two_files(tmp_path):
    quota(tmp_path / "cgroup" / "cpu", cpu__cfs_quota_us="200000\n", cpu__cfs_period_us="100000\n")
    assert threads.cores() == 2


def test_no_quota_leaves_all_cores(tmp_path):
    quota(tmp_path / "cgroup", cpu__max="max 100000\n")
    assert threads.cores() == 8


SECOND = """
from kimchi_vision.base import environment, threads

threads.cores = lambda: 8
with threads.training() as count:
    print(count)
"""


def test_a_second_training_shares_and_the_first_keeps_its_number():
    with threads.training() as first:
        second = subprocess.run([sys.executable, "-c", SECOND], capture_output=True, text=True, check=True)
        assert first == threads.share() == 8
    assert int(second.stdout) == 4


def test_what_the_environment_says_holds(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert threads.share() == 3
    monkeypatch.setenv(threads.SET, "5")
    with threads.training(wanted=2) as count:
        assert count == 5


def test_a_training_that_goes_on_has_the_threads_that_it_began_with():
    with threads.training(wanted=2) as count:
        assert count == threads.share() == environment.versions()["threads"] == 2
    with threads.training(wanted=20) as count:
        assert count == 8


def test_a_training_that_died_takes_no_part(tmp_path):
    with threads.training():
        place = next(tmp_path.rglob("*.lock"))
    place.parent.joinpath("999-0.lock").touch()
    with threads.training() as count:
        assert count == 8


def test_a_cache_that_cannot_be_written_is_no_reason_to_stop(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("KIMCHI_CACHE", str(tmp_path / "file"))
    with threads.training() as count:
        assert count == threads.share() >= 1
