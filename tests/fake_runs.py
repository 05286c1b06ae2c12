"""Run folders that look as `run` writes them, without a training."""

from pathlib import Path

import numpy as np
import pandas as pd

from kimchi_vision.base.files import write_json, write_table, write_text
from kimchi_vision.config import Experiment, dump
from kimchi_vision.data.photo import Photos
from kimchi_vision.results import evaluate
from kimchi_vision.results.predictions import Predictions
from kimchi_vision.results.run import Run

HISTORY = {
    "stage": ["fine_tune, frozen", "fine_tune", "fine_tune", "fit_one_cycle"],
    "epoch": [1, 2, 3, 4],
    "lr": [2e-3, 1e-3, 1e-3, 1e-4],
    "train_loss": [1.9, 1.1, 0.7, 0.5],
    "valid_loss": [1.4, 0.8, 0.85, 0.9],
    "accuracy": [0.6, 0.8, 0.79, 0.78],
    "seconds": [8.1, 12.0, 11.9, 12.2],
    "kept": [False, True, False, False],
}


def guesses(photos: Photos, skill: float, seed: int) -> Predictions:
    """Predictions drawn from a seed; a higher skill is right more often."""
    random = np.random.default_rng(seed)
    items = photos.part("valid")
    truth = items["label"].map({name: place for place, name in enumerate(photos.vocab)}).to_numpy()
    outputs = random.normal(size=(len(items), len(photos.vocab)))
    outputs[np.arange(len(items)), truth] += skill
    return Predictions.from_logits(items, outputs, photos.vocab)


def fake_run(folder: Path, photos: Photos, skill: float = 3, seed: int = 0, **sections) -> Run:
    """A finished run over the photos. sections: of the experiment, such as model={"backbone": "resnet50"}."""
    run = Run(folder)
    plain = {"name": folder.name, "data": {"path": photos.root}, "train": {"stages": ["fit"], "keep": "best"}}
    plain["train"]["stages"] = [{"fit": {"epochs": 4}}]
    experiment = Experiment.model_validate({**plain, **sections})
    predictions = guesses(photos, skill, seed)
    scores = evaluate.metrics(predictions, experiment.evaluate)
    facts = {"model": {"parameters": 4_321_000}, "train": {"kept_epoch": 2, "seconds": 44.2}}
    write_text(run.files.experiment, dump(experiment.resolved()))
    write_json(run.files.labels, list(photos.vocab))
    write_json(run.files.data, photos.facts())
    write_json(run.files.versions, {"python": "3.11.2", "packages": {"fastai": "2.8.12"}})
    write_json(run.files.metrics, {**scores, **facts})
    write_text(run.files.classification_report, evaluate.classification_text(predictions))
    write_table(run.files.items, photos.items)
    predictions.write(run.files.predictions)
    write_table(run.files.history, pd.DataFrame(HISTORY))
    return run
