"""One training by two processes: the same as by one."""

import threading
import time

import psutil
import pytest
import torch
from fastai.callback.core import Callback

from kimchi_vision.base.errors import InputError, RunError
from kimchi_vision.config import Experiment
from kimchi_vision.jobs.experiment import run
from kimchi_vision.jobs.prepared import OwnParts
from kimchi_vision.learning.train import distributed, processes


@pytest.fixture
def asked(folder_of):
    """Make an experiment without any chance: no dropout, 32 photos of two classes."""
    photos = folder_of({"갓김치": 20, "백김치": 20})

    def make(name: str, train: dict, **sections) -> Experiment:
        tree = {
            "name": name,
            "data": {"path": str(photos), "splitter": "stratified"},
            "augment": {"resize": 40, "size": 32},
            "loader": {"batch_size": 16, "workers": 0},
            "model": {"backbone": "test_efficientnet", "weights": "none", "head": "linear", "ps": 0},
            "features": {"floor": False},
            "explain": {"top_losses": False, "background": 0},
            "export": {"pkl": False, "onnx": False, "safetensors": False, "weights": True, "timings": False},
            "train": {"precision": "fp32", **train},
        }
        return Experiment.model_validate(tree | sections)

    return make


def weights(done) -> torch.Tensor:
    """All trained numbers of a run in a row."""
    return torch.cat([each.flatten().double() for each in torch.load(done.files.weights).values()])


@pytest.mark.slow
@pytest.mark.parametrize("batch", [32, 31], ids=["equal parts", "16 and 15 photos"])
def test_two_processes_find_the_gradients_that_one_finds(asked, tmp_path, batch):
    train = {"stages": [{"fit": {"epochs": 1, "lr": 1.0, "wd": 0.0}}], "opt_func": "sgd"}
    loader = {"batch_size": batch, "workers": 0}
    one = run(asked("one", train, loader=loader), tmp_path)
    two = run(asked("two", {**train, "devices": 2}, loader=loader), tmp_path)
    # One step of size 1: what the weights differ by is what the gradients differ by.
    assert (weights(one) - weights(two)).abs().max() < 1e-5
    assert one.history["train_loss"].tolist() == pytest.approx(two.history["train_loss"].tolist(), abs=1e-6)
    assert one.score["accuracy"] == two.score["accuracy"]


@pytest.mark.slow
def test_a_killed_process_ends_the_run_with_a_sentence_and_the_same_command_goes_on(asked, tmp_path):
    model = {"backbone": "test_efficientnet", "weights": "none", "ps": 0.5}
    experiment = asked("run", {"stages": [{"fit": {"epochs": 10}}], "devices": 2}, model=model)
    whole = run(experiment, tmp_path / "whole")

    def kill():
        last = tmp_path / "cut" / "run" / "checkpoints" / "last.pth"
        while not last.is_file():
            time.sleep(0.01)
        other = next(
            one for one in psutil.Process().children() if "kimchi_vision.base.child" in one.cmdline()
        )
        other.kill()

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(RunError, match=r"process 2 of 2 was killed by signal 9.*the same command goes on"):
        run(experiment, tmp_path / "cut")
    killer.join()
    assert torch.equal(weights(run(experiment, tmp_path / "cut")), weights(whole))


def test_more_devices_than_a_batch_has_photos_are_refused():
    with pytest.raises(InputError, match="40 are more than there are here: 16 of the kind cpu"):
        processes.chosen(40, 16)


def test_auto_is_one_device_without_a_gpu():
    assert processes.chosen("auto", 64) == 1


def test_each_photo_of_a_batch_is_one_devices(monkeypatch):
    monkeypatch.setattr(distributed, "count", lambda: 3)
    found = []
    for rank in range(3):
        monkeypatch.setattr(distributed, "rank", lambda rank=rank: rank)
        found += range(16)[distributed.rows(16)]
        assert distributed.rows(2) == slice(0, 2)  # fewer photos than devices: all compute them
    assert found == list(range(16))


def test_parts_given_from_python_stay_on_one_device(asked, tmp_path):
    experiment = asked("own", {"stages": [{"fit": {"epochs": 1}}], "devices": 2})
    with pytest.raises(InputError, match="own parts given from Python train on one device"):
        run(experiment, tmp_path, own=OwnParts(callbacks=[Callback()]))
