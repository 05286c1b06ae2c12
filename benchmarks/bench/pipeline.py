"""A training of the plain script or of this package, with a clock beside it."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from fastai.callback.core import Callback
from fastai.callback.schedule import Learner
from fastai.data.core import DataLoaders
from fastai.metrics import accuracy
from fastai.vision.data import Normalize

from benchmarks.bench import plain as script
from kimchi_vision import data
from kimchi_vision.base.allocator import keep_memory
from kimchi_vision.base.run_files import RunFiles
from kimchi_vision.config import Experiment
from kimchi_vision.data.photo import Photos
from kimchi_vision.learning import augment, loader, model, train
from kimchi_vision.learning.device import wait
from kimchi_vision.learning.train import precision


class Clock(Callback):
    """Seconds of each training and validation pass, of waiting for batches, and until each accuracy."""

    order = 100  # after fastai's Recorder, which has the scores

    def __init__(self, started: float) -> None:
        self.began, self.waited = started, 0.0
        self.validating: float | None = None
        self.train_seconds: list[float] = []
        self.valid_seconds: list[float] = []
        self.reached: list[tuple[float, float]] = []

    def before_train(self) -> None:
        """Start."""
        self.started = self.ready = time.perf_counter()

    def before_batch(self) -> None:
        """A batch has come."""
        if self.training:
            self.waited += time.perf_counter() - self.ready

    def after_batch(self) -> None:
        """The step is done."""
        self.ready = time.perf_counter()

    def after_train(self) -> None:
        """A training pass is done."""
        wait(self.dls.device)
        self.train_seconds.append(time.perf_counter() - self.started)

    def before_validate(self) -> None:
        """Start."""
        self.validating = time.perf_counter()

    def after_validate(self) -> None:
        """A validation pass is done, or was left out, as lr_find does."""
        if self.validating is not None:
            wait(self.dls.device)
            self.valid_seconds.append(time.perf_counter() - self.validating)
            self.validating = None

    def after_epoch(self) -> None:
        """Note seconds since the start, and the accuracy of all validation photos."""
        names = self.recorder.metric_names[1:-1]
        score = dict(zip(names, self.recorder.values[-1], strict=False)).get("accuracy")
        if score is not None:
            self.reached.append((time.perf_counter() - self.began, float(score)))


class Pipeline:
    """Loaders, learner and training, of the plain script or of this package."""

    def __init__(self, experiment: Experiment, plain: bool) -> None:
        if not plain:
            keep_memory()
        self.experiment, self.plain = experiment, plain
        self.photos: Photos = data.load(experiment.data)
        self.backbone = model.find(experiment.model, experiment.augment.size)
        self.tfms = augment.transforms(experiment.augment, self.backbone.stats)

    def loaders(self) -> DataLoaders:
        """DataLoaders; here with the cache that they need."""
        if self.plain:
            normalize = [tfm for tfm in self.tfms.batch if isinstance(tfm, Normalize)]
            return script.loaders(self.experiment, self.photos, normalize)
        return loader.build(self.experiment.loader, self.photos, self.tfms)

    def learner(self, dls: DataLoaders, folder: Path) -> Learner:
        """Frozen up to the head, as vision_learner leaves it."""
        learn = model.learner(self.experiment.model, self.backbone, dls, folder)
        learn.metrics = [accuracy]
        return learn

    def fit(self, learn: Learner, section: train.Train, folder: Path) -> None:
        """Run the stages of a section `train`."""
        if self.plain:
            script.fit(learn, section.stages)
        else:
            train.fit(section, learn, RunFiles(folder))

    def precision(self, learn: Learner) -> AbstractContextManager[object]:
        """The number format of training steps, as a context."""
        return nullcontext() if self.plain else precision.applied(self.experiment.train, learn)
