"""Which backbone's features tell these photos apart best, before anything is trained."""

import logging
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from kimchi_vision import data
from kimchi_vision.base.allocator import keep_memory
from kimchi_vision.base.errors import FAILURES, RunError
from kimchi_vision.base.plain import Json
from kimchi_vision.config import Experiment
from kimchi_vision.data.photo import Photos
from kimchi_vision.jobs.executor import Executor
from kimchi_vision.jobs.executor.interface import Leaf
from kimchi_vision.jobs.process import its_share
from kimchi_vision.learning import augment, linear_probe, loader, model
from kimchi_vision.results import validation_transforms
from kimchi_vision.results.intervals import wilson, worth

log = logging.getLogger(__name__)


def scout(
    experiment: Experiment,
    backbones: Sequence[str],
    on: Executor | None = None,
    exports: Path = Path("exports"),
) -> pd.DataFrame:
    """A row a backbone, best first: a linear head on its features, cross-validated on training photos.

    Columns backbone, accuracy, low, high (95 %, Wilson, copies counted once), photos, parameters, seconds for
    features and fit; what an earlier look computed is read from the disk. The validation photos stay unseen,
    for the comparison to come. on: where it is done; None: in this process. exports: a folder that is there,
    too.
    A backbone that cannot be used is named and passed over; RunError when none can.
    """
    names = list(dict.fromkeys(backbones))
    if on is not None:
        leaves = [Leaf(name, partial(_again, experiment, name), exports, experiment.data) for name in names]
        rows = list(on.run(leaves).results.values())
    else:
        rows, photos = [], data.load(experiment.data)
        for name in names:
            try:
                rows.append(_row(experiment, photos, name))
            except FAILURES as error:
                log.error("%s is passed over. %s", name, error)
    if not rows:
        raise RunError("No backbone could be used. The messages above say why.")
    return pd.DataFrame(rows).sort_values("accuracy", ascending=False, ignore_index=True)


def _again(experiment: Experiment, name: str, again: bool) -> Json:
    """A row, also where a process died at it: features that were done are on the disk."""
    return _row(experiment, data.load(experiment.data), name)


@its_share()
def _row(experiment: Experiment, photos: Photos, name: str) -> Json:
    keep_memory()
    section = experiment.model.model_copy(update={"backbone": name})
    size = experiment.augment.size
    backbone = model.find(section, size)
    started = time.perf_counter()
    dls = loader.build(experiment.loader, photos, augment.transforms(experiment.augment, backbone.stats))
    train = photos.part("train")
    labels = photos.numbers(train)
    with tempfile.TemporaryDirectory() as place:
        body = model.learner(section, backbone, dls, Path(place)).model[0]
        values = linear_probe.compute(body, photos, train, validation_transforms.read(dls))
    read = np.isfinite(values).all(axis=1)
    values, labels, groups = values[read], labels[read], train["group"].to_numpy()[read]
    right = linear_probe.cross_validated(experiment.features, values, labels, groups) == labels
    low, high = wilson(right.mean(), worth(right, groups)).tolist()
    return {
        "backbone": name,
        "accuracy": float(np.mean(right)),
        "low": low,
        "high": high,
        "photos": len(right),
        "parameters": sum(parameter.numel() for parameter in body.parameters()),
        "seconds": round(time.perf_counter() - started, 1),
    }
