"""Finished runs with one file damaged: commands answer or name it; benchmarks/run_folders.py does more."""

import random
import shutil

import pytest

from benchmarks.run_folders import TEXTS, commands, damaged
from kimchi_vision import data
from kimchi_vision.base.errors import KimchiError
from kimchi_vision.config.sections import Data
from kimchi_vision.jobs import run_lock
from tests.fake_runs import fake_run


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    from conftest import noise

    place = tmp_path_factory.mktemp("whole")
    for seed in range(20):
        noise(place / "photos" / "ab"[seed % 2] / f"{seed}.jpg", seed)
    run = fake_run(
        place / "run", data.load(Data(path=place / "photos", splitter="stratified"), place / "cache")
    )
    run_lock.finish(run.files, run.experiment)
    return run.path


def said_by(command) -> str:
    try:
        command()
    except KimchiError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
def test_a_damaged_file_is_said_or_does_not_matter(whole, tmp_path, seed):
    draw, refused = random.Random(seed), 0
    names = sorted(file.name for file in whole.iterdir() if file.suffix in TEXTS)
    for number in range(8):
        run = shutil.copytree(whole, tmp_path / str(number) / "run")
        file = damaged(run, names, draw)
        for name in ("report", "compare", "evaluate"):
            said = said_by(commands(run, whole)[name])
            # finished.json lists the others: damaged, it can name one of them.
            assert not said or file.name in said or file.name in ("experiment.yaml", "finished.json")
            refused += bool(said)
    assert refused > 5
