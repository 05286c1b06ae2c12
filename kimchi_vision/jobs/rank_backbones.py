"""Which backbone's features tell these photos apart best, before anything is trained."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from kimchi_vision import data
from kimchi_vision.base.allocator import keep_memory
from kimchi_vision.base.errors import KimchiError, RunError
from kimchi_vision.base.plain import Json
from kimchi_vision.jobs.process import its_share
from kimchi_vision.learning import augment, linear_probe, loader, model
from kimchi_vision.results import validation_transforms
from kimchi_vision.results.intervals import wilson

if TYPE_CHECKING:
    from kimchi_vision.config import Experiment
    from kimchi_vision.data.photo import Photos

log = logging.getLogger(__name__)


def scout(experiment: Experiment, backbones: Sequence[str]) -> pd.DataFrame:
    """A row a backbone, best first: a linear head on its features, cross-validated on training photos.

    Columns backbone, accuracy, low, high (95 %, Wilson), photos, parameters, seconds for features and fit;
    what an earlier look computed is read from the disk. The validation photos stay unseen, for the comparison
    to come. A backbone that cannot be used is named and passed over; RunError when none can.
    """
    keep_memory()
    photos = data.load(experiment.data)
    rows = []
    for name in dict.fromkeys(backbones):
        try:
            with its_share():
                rows.append(_row(experiment, photos, name))
        except KimchiError as error:
            log.error("%s is passed over. %s", name, error)
    if not rows:
        raise RunError("No backbone could be used. The messages above say why.")
    return pd.DataFrame(rows).sort_values("accuracy", ascending=False, ignore_index=True)


def _row(experiment: Experiment, photos: Photos, name: str) -> Json:
    section = experiment.model.model_copy(update={"backbone": name})
    size = experiment.augment.size
    backbone = model.find(section, size)
    started = time.perf_counter()
    dls = loader.build(experiment.loader, photos, augment.transforms(experiment.augment, backbone.stats))
    train = photos.part("train")
    labels = train["label"].map({label: number for number, label in enumerate(photos.vocab)}).to_numpy(int)
    with tempfile.TemporaryDirectory() as place:
        body = model.learner(section, backbone, dls, Path(place)).model[0]
        values = linear_probe.compute(body, photos, train, validation_transforms.read(dls))
    read = np.isfinite(values).all(axis=1)
    right = linear_probe.cross_validated(experiment.features, values[read], labels[read]) == labels[read]
    low, high = wilson(right.mean(), len(right)).tolist()
    return {
        "backbone": name,
        "accuracy": float(np.mean(right)),
        "low": low,
        "high": high,
        "photos": len(right),
        "parameters": sum(parameter.numel() for parameter in body.parameters()),
        "seconds": round(time.perf_counter() - started, 1),
    }
