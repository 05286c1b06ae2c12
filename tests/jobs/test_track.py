"""Trackers, told of a run that never trained."""

import threading
from unittest.mock import Mock

import numpy as np
import pytest
from PIL import Image

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.files import write_json, write_text
from kimchi_vision.config.sections import Track
from kimchi_vision.jobs import track
from kimchi_vision.jobs.track import TRACKERS
from kimchi_vision.results.run import Run

EXPERIMENT = {
    "name": "exp1",
    "model": {"backbone": "resnet18"},
    "train": {"stages": [{"fit": {}}]},
}


@pytest.fixture
def folder(tmp_path):
    """A run folder with scores, a figure and a model file."""
    run = Run(tmp_path / "exports" / "exp1")
    write_json(run.files.metrics, {"accuracy": 0.75, "photos": 4})
    write_text(run.files.onnx, "a model")
    run.files.figures.mkdir()
    Image.fromarray(np.zeros((8, 9, 3), np.uint8)).save(run.files.figure("losses"))
    return run


def tell(section: Track, folder: Run) -> None:
    with track.begun(section, EXPERIMENT, folder.files) as tracking:
        for step in range(1, 5):
            tracking.scalars({"batch_loss": 1 / step, "lr": 1e-3}, step)
        tracking.scalars({"epoch": 1, "accuracy": 0.5}, 4)
        tracking.results()


def test_tensorboard_has_scalars_by_global_step_figures_and_the_experiment(folder):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    tell(Track(to=["tensorboard"]), folder)
    events = EventAccumulator(str(folder.files.tracked("tensorboard"))).Reload()
    assert [event.step for event in events.Scalars("batch_loss")] == [1, 2, 3, 4]
    assert events.Scalars("accuracy")[0].value == 0.5
    assert events.Scalars("results/accuracy")[0].value == 0.75
    assert (events.Images("losses")[0].height, events.Images("losses")[0].width) == (8, 9)
    (text,) = events.Tensors("experiment/text_summary")
    assert b"backbone: resnet18" in text.tensor_proto.string_val[0]


def test_what_a_dead_run_wrote_after_its_checkpoint_is_written_over(folder):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for begins, value in ((1, 0.25), (3, 0.5)):
        with track.begun(Track(to=["tensorboard"]), EXPERIMENT, folder.files) as tracking:
            for step in range(begins, 5):
                tracking.scalars({"batch_loss": value}, step)
    events = EventAccumulator(str(folder.files.tracked("tensorboard"))).Reload().Scalars("batch_loss")
    assert [(event.step, event.value) for event in events] == [(1, 0.25), (2, 0.25), (3, 0.5), (4, 0.5)]


@pytest.mark.filterwarnings("ignore")
def test_wandb_works_offline_without_an_account(folder, monkeypatch):
    pytest.importorskip("wandb", reason="the extra wandb is not installed")
    for name in ("WANDB_MODE", "WANDB_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    tell(Track(to=["wandb"]), folder)
    (kept,) = folder.files.tracked("wandb").glob("offline-run-*/*.wandb")
    assert b"resnet18" in kept.read_bytes()


def test_wandb_is_told_each_batch_at_its_step_and_scores_at_the_end():
    told = TRACKERS["wandb"].__new__(TRACKERS["wandb"])
    told.run = Mock()
    told.scalars({"batch_loss": 0.5}, 7)
    told.summary({"accuracy": 0.75})
    told.run.log.assert_called_once_with({"batch_loss": 0.5}, step=7)
    told.run.summary.update.assert_called_once_with({"results/accuracy": 0.75})


@pytest.mark.filterwarnings("ignore")
def test_mlflow_keeps_a_database_beside_the_run(folder, monkeypatch):
    pytest.importorskip("mlflow", reason="the extra mlflow is not installed")
    from mlflow.tracking import MlflowClient

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    tell(Track(to=["mlflow"], project="kimchi"), folder)
    client = MlflowClient(f"sqlite:///{folder.path.parent}/mlflow.db")
    (run,) = client.search_runs([client.get_experiment_by_name("kimchi").experiment_id])
    assert run.data.params["model.backbone"] == "resnet18"
    assert [metric.step for metric in client.get_metric_history(run.info.run_id, "batch_loss")] == [
        1,
        2,
        3,
        4,
    ]
    kept = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert kept == {"model.onnx", "experiment.yaml", "figures"}


class Notes:
    """Writes down what it is told."""

    def __init__(self, told: list) -> None:
        self.told = told

    def __call__(self, *begun):
        self.told.append(("begun", *begun))
        return self

    def __getattr__(self, what):
        return lambda *arguments: self.told.append((what, *arguments))


def fail_at_the_end(section: Track, folder: Run) -> None:
    with track.begun(section, EXPERIMENT, folder.files) as tracking:
        tracking.scalars({"lr": 0.1}, 3)
        tracking.results()
        raise KeyError


@pytest.mark.parametrize("files", [["onnx", "pkl"], ["pkl"], []])
def test_the_end_is_scores_figures_and_one_model_even_after_an_error(folder, monkeypatch, files):
    told = []
    monkeypatch.setitem(track.TRACKERS, "wandb", Notes(told))
    folder.files.onnx.unlink()
    for name in files:
        write_text(getattr(folder.files, name), "a model")
    with pytest.raises(KeyError):
        fail_at_the_end(Track(to=["wandb"], project="mine"), folder)
    models = [("model", getattr(folder.files, name)) for name in files[:1]]
    assert told == [
        ("begun", "mine", EXPERIMENT, folder.files),
        ("scalars", {"lr": 0.1}, 3),
        ("summary", {"accuracy": 0.75}),
        ("figure", folder.files.figure("losses")),
        *models,
        ("close",),
    ]


class Fails:
    def __init__(self, *arguments) -> None:
        pass

    def scalars(self, values, step) -> None:
        raise ConnectionError("the server is gone")


class Hangs(Fails):
    def scalars(self, values, step) -> None:
        threading.Event().wait(30)


@pytest.mark.parametrize(("tracker", "said"), [(Fails, "the server is gone"), (Hangs, "does not answer")])
def test_a_tracker_that_fails_or_hangs_stops_nothing(folder, monkeypatch, caplog, tracker, said):
    monkeypatch.setitem(track.TRACKERS, "tensorboard", tracker)
    monkeypatch.setattr(track, "PATIENCE", 0.2)
    tell(Track(to=["tensorboard"]), folder)
    assert said in caplog.text


def test_a_missing_package_is_said_before_anything_starts(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"wandb is not installed: pip install .*\[wandb\]"):
        track.check(Track(to=["wandb"]))
