"""What a training stands on: photos, backbone, settings and own parts, before anything is written."""

from __future__ import annotations

import hashlib
import inspect
import logging
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path

import pandas as pd
from fastai.callback.core import Callback
from fastai.data.core import DataLoaders
from fastai.learner import Learner
from fasttransform import Transform

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.messages import TEXTS
from kimchi_vision.base.run_files import RunFiles
from kimchi_vision.config import Experiment
from kimchi_vision.data import splitters
from kimchi_vision.data.photo import Photos
from kimchi_vision.learning import augment, loader, model, recipe, train
from kimchi_vision.learning.train import processes
from kimchi_vision.results.intervals import Estimate
from kimchi_vision.results.predictions import Predictions
from kimchi_vision.results.scores import METRICS, OWN, Asked, Metric, own

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class OwnParts:
    """A user's parts, given from Python, that replace or join the package's own; YAML never names them.

    Raises InputError for a part that cannot be one.

    learner: from DataLoaders to an untrained Learner, in place of vision_learner.
    callbacks: fastai callbacks beside the training.
    scores: functions from Predictions to a share, 0 to 1, higher is better; each becomes a score of its name.
    item_tfms, batch_tfms: fastai transforms of training photos beside the package's own, in the `order` that
    each has; with them fastai's engine varies photos.
    """

    learner: Callable[[DataLoaders], Learner] | None = None
    callbacks: Sequence[Callback] = ()
    scores: Sequence[Callable[[Predictions], float]] = ()
    item_tfms: Sequence[Transform] = ()
    batch_tfms: Sequence[Transform] = ()

    def named(self) -> dict[str, list[dict[str, str]]]:
        """For the run folder: what was given by its kind, each with name and digest of its source."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        listed = {name: [value] if callable(value) else list(value or ()) for name, value in given.items()}
        return {name: [_named(part) for part in parts] for name, parts in listed.items() if parts}

    @contextmanager
    def beside(self, learn: Learner) -> Iterator[None]:
        """Inside the block the callbacks are the Learner's; an exported one does not hold them."""
        with learn.added_cbs(list(self.callbacks)):
            yield

    @contextmanager
    def registered(self) -> Iterator[None]:
        """Inside the block `scores` are in the registry of scores."""
        before = dict(METRICS)
        METRICS.update({function.__name__: _metric(function) for function in self.scores})
        try:
            yield
        finally:
            METRICS.clear()
            METRICS.update(before)


NO_PARTS = OwnParts()


def _metric(function: Callable[[Predictions], float]) -> Metric:
    def estimate(predictions: Predictions, section: Asked) -> Estimate:
        return Estimate(float(function(predictions)), None, None)

    name = function.__name__
    taken = name in METRICS or (name in TEXTS and TEXTS.get(f"{name}_explained") != OWN)
    if taken or not name.isidentifier():
        raise InputError(
            "scores: a function called `{name}` cannot be a score; give it a name of its own.", name=name
        )
    return own(name, estimate)


def _named(part: object) -> dict[str, str]:
    kind = part if inspect.isfunction(part) or inspect.isclass(part) else type(part)
    try:
        source = inspect.getsource(kind)
    except (OSError, TypeError):  # typed at a prompt, or compiled
        source = kind.__qualname__
    return {"name": kind.__qualname__, "digest": hashlib.sha256(source.encode()).hexdigest()[:12]}


@dataclass(frozen=True)
class Prepared:
    """What a training stands on.

    experiment: with its recipe's settings written out.
    """

    experiment: Experiment
    photos: Photos
    backbone: model.Backbone
    own: OwnParts = NO_PARTS

    def dataloaders(self) -> DataLoaders:
        """fastai's DataLoaders. Seed before it: they draw their order then."""
        own = self.own.item_tfms, self.own.batch_tfms
        tfms = augment.transforms(self.experiment.augment, self.backbone.stats, *own)
        return loader.build(self.experiment.loader, self.photos, tfms)

    def learner(self, dls: DataLoaders, path: Path) -> Learner:
        """fastai's Learner, frozen up to the head. path: the run folder, for its checkpoints."""
        if self.own.learner is not None:
            learn = self.own.learner(dls)
        else:
            learn = model.learner(self.experiment.model, self.backbone, dls, path)
        fold = self.experiment.data.splitter == "kfold"
        learn.metrics = train.epoch_scores(self.photos.vocab, self.experiment.evaluate, whole=fold)
        return learn

    def folds(self) -> list[Prepared]:
        """The same for each fold of `evaluate.folds`, without the test photos.

        There are fewer folds where the smallest class has fewer pictures.
        """
        items = self.photos.items[self.photos.items["split"] != "test"].reset_index(drop=True)
        asked = self.experiment.evaluate.folds or 0
        count = min(asked, int(items.groupby("label")["group"].nunique().min()))
        if asked and count < 2:
            log.warning("evaluate.folds: a class has a single picture, so there are none.")
        return [self._fold(items, fold, count) for fold in range(count)] if count > 1 else []

    def _fold(self, items: pd.DataFrame, fold: int, count: int) -> Prepared:
        experiment = self.experiment.replace(
            name=f"fold{fold}",
            recipe=None,
            budget=None,
            data={"splitter": "kfold", "folds": count, "fold": fold, "split": None, "test_pct": None},
            evaluate={"folds": None},
        )
        parts = splitters.kfold(items, experiment.data)
        return replace(
            self, experiment=experiment, photos=replace(self.photos, items=items.assign(split=parts))
        )

    def devices(self) -> int:
        """How many devices train. Raises InputError when there are not so many, or several cannot."""
        asked, photos = self.experiment, len(self.photos.part("train"))
        found = processes.chosen(asked.train.devices, min(asked.loader.batch_size, photos))
        if found > 1 and self.own != NO_PARTS:
            raise InputError("train.devices: own parts given from Python train on one device. Set 1.")
        return found

    def on_all_devices(self, head: train.Head | None) -> AbstractContextManager[None]:
        """Inside the block `train.fit` is done by all devices; what those beside this one write is nobody's.

        head: as fit's. Raises RunError when a process of one dies.
        """
        return processes.several(self.devices(), partial(_take_part, self, head))


def _take_part(prepared: Prepared, head: train.Head | None) -> None:
    with tempfile.TemporaryDirectory() as place:
        train.seed(prepared.experiment.train)
        learn = prepared.learner(prepared.dataloaders(), Path(place))
        train.fit(prepared.experiment.train, learn, RunFiles(Path(place)), head)


def prepare(experiment: Experiment, photos: Photos, begun: Experiment | None = None) -> Prepared:
    """Find the backbone, and let the recipe choose. begun: an interrupted run keeps what it chose."""
    backbone = model.find(experiment.model, experiment.augment.size)
    for size in experiment.train.sizes:
        model.check_size(backbone, size, "train.stages: size")
    pace = partial(train.pace, experiment.train, backbone)
    return Prepared(begun or recipe.resolve(experiment, photos, backbone, pace), photos, backbone)
