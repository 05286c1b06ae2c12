"""Run folders with exported files, without a training: random weights of a very small network."""

import shutil
from pathlib import Path

from kimchi_vision import data
from kimchi_vision.base.files import write_json, write_table, write_text
from kimchi_vision.config import Experiment, dump
from kimchi_vision.config.sections import Export
from kimchi_vision.deploy import export
from kimchi_vision.learning import augment, loader, model, predict, train
from kimchi_vision.results import evaluate
from kimchi_vision.results.run import Run

NO_FILES = {"pkl": False, "weights": False, "onnx": False, "safetensors": False}


def exported_run(
    folder: Path,
    photos: Path,
    augments: dict | None = None,
    network: dict | None = None,
    **files: bool,
):
    """A run folder over photos, and its learner. files: what to export besides nothing, such as onnx=True."""
    plain = {
        "name": folder.name,
        "data": {"path": photos},
        "augment": {"resize": 80, "size": 64, **(augments or {})},
        "loader": {"batch_size": 8, "workers": 0},
        "model": {"backbone": "test_efficientnet", "weights": "none", **(network or {})},
        "train": [{"fit": {"epochs": 1}}],
    }
    experiment = Experiment.model_validate(plain)
    run = Run(folder)
    train.seed(experiment.train)
    found = data.load(experiment.data)
    backbone = model.find(experiment.model, experiment.augment.size)
    dls = loader.build(experiment.loader, found, augment.transforms(experiment.augment, backbone.stats))
    learn = model.learner(experiment.model, backbone, dls, folder)
    predictions = predict.predictions(learn, found)
    write_text(run.files.experiment, dump(experiment.resolved()))
    write_json(run.files.labels, list(found.vocab))
    write_json(run.files.data, found.facts())
    write_table(run.files.items, found.items)
    predictions.write(run.files.predictions)
    write_json(run.files.metrics, evaluate.metrics(predictions.part("valid"), experiment.evaluate))
    export.write(Export(**{**NO_FILES, **files}), learn, found, predictions, run.files)
    return run, learn


def copied(run: Run, to: Path) -> Run:
    """A copy of a run folder in a folder, without its pickle."""
    copy = Run(shutil.copytree(run.path, to / run.path.name))
    copy.files.pkl.unlink()
    return copy
