"""One pipeline measured in a process of its own: python -m kimchi_vision.bench.measure plain|here FILE."""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from fastai.callback.core import Callback
from fastai.callback.schedule import Learner

from kimchi_vision import augment, data, evaluate, loader, model, train
from kimchi_vision.allocator import keep_memory
from kimchi_vision.config import Experiment, load
from kimchi_vision.photos import Photos
from kimchi_vision.rundir import RunDir
from kimchi_vision.train import precision

STEPS = 4
RECIPE = [{"fine_tune": {"epochs": 1, "freeze_epochs": 1}}]


class Clock(Callback):
    """Seconds of each training and validation pass, and of waiting for batches."""

    order = -100

    def __init__(self) -> None:
        self.train_seconds: list[float] = []
        self.valid_seconds: list[float] = []
        self.waited = 0.0

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
        self.train_seconds.append(time.perf_counter() - self.started)

    def before_validate(self) -> None:
        """Start."""
        self.started = time.perf_counter()

    def after_validate(self) -> None:
        """A validation pass is done."""
        self.valid_seconds.append(time.perf_counter() - self.started)


def measure(experiment: Experiment, plain: bool) -> dict[str, float]:
    """Rates in photos a second, times in seconds, memory in MB.

    plain: fastai's transforms, loaders and loop alone, as a script of ten lines would use them.
    """
    if not plain:
        keep_memory()
    section = experiment.augment
    section = section.model_copy(update={"engine": "fastai" if plain else "fused"})
    photos = data.load(experiment.data)
    backbone = model.find(experiment.model, section.size)
    train.seed(experiment.train)

    def build() -> Any:
        return loader.build(experiment.loader, photos, augment.transforms(section, backbone.stats))

    built, dls = _timed(build)
    again, _ = _timed(build)
    with tempfile.TemporaryDirectory() as folder:
        learn = model.learner(experiment.model, backbone, dls, Path(folder))
        learn.add_cb(clock := Clock())
        fitted, _ = _timed(lambda: _fit(learn, experiment, plain, RunDir(Path(folder))))
        learn.remove_cb(clock)
        memory = _peak()
        found = {
            "build": built,
            "again": again,
            "fine_tune": built + fitted,
            "in_build": built,
            **_rates(clock, dls),
            "memory": memory,
        }
        found |= _parts(learn, experiment, plain)
        return found | _predictions(learn, photos)


def _fit(learn: Learner, experiment: Experiment, plain: bool, run: RunDir) -> None:
    if plain:
        with learn.no_bar(), learn.no_logging():
            learn.fine_tune(1, freeze_epochs=1)
    else:
        train.fit(type(experiment.train)(stages=RECIPE, precision=experiment.train.precision), learn, run)


def _rates(clock: Clock, dls: Any) -> dict[str, float]:
    trained, validated = len(dls.train) * dls.train.bs, dls.valid.n
    frozen, unfrozen = clock.train_seconds
    return {
        "frozen": trained / frozen,
        "unfrozen": trained / unfrozen,
        "validation": validated * 2 / sum(clock.valid_seconds),
        "waiting": clock.waited / (frozen + unfrozen),
        "in_waiting": clock.waited,
        "in_steps": frozen + unfrozen - clock.waited,
        "in_validation": sum(clock.valid_seconds),
    }


def _parts(learn: Learner, experiment: Experiment, plain: bool) -> dict[str, float]:
    """The step, the augmentation and the loader, each alone."""
    dl = learn.dls.train
    images, labels = dl.one_batch()
    images, labels = (torch.as_tensor(part).as_subclass(torch.Tensor) for part in (images, labels))
    with nullcontext() if plain else precision.applied(experiment.train, learn):
        learn.model.train()
        optimizer = torch.optim.AdamW(learn.model.parameters(), 1e-5)

        def step() -> None:
            learn.loss_func(learn.model(images), labels).backward()
            optimizer.step()
            optimizer.zero_grad()

        step()
        stepped, _ = _timed(lambda: [step() for _ in range(STEPS)])
    varied, _ = _timed(_augmentation(dl, plain))
    if not plain:
        dl.threads = 1
    loaded, count = _timed(lambda: sum(len(batch[1]) for batch in dl))
    return {"step": STEPS * len(images) / stepped, "augmentation": dl.bs / varied, "loader": count / loaded}


def _augmentation(dl: Any, plain: bool) -> Callable[[], Any]:
    """Augments one presized batch."""
    if plain:
        dl.before_iter()
        batch = dl.do_batch([dl.do_item(row) for row in range(dl.bs)])
        return lambda: dl.after_batch(batch)
    small = [dl.photos[row] for row in range(dl.bs)]
    draws = dl.fused.draw(dl.bs, dl.bs, seed=0)
    pictures = dl.fused.empty(dl.bs)
    pictures[:] = 0  # memory that was never touched would be part of the measurement
    return lambda: dl.fused(small, draws, pictures)


def _predictions(learn: Learner, photos: Photos) -> dict[str, float]:
    files = photos.files(photos.part("valid"))
    bulk, _ = _timed(lambda: evaluate.predictions(learn, photos))
    with learn.no_bar():
        learn.predict(files[0])
        single, _ = _timed(lambda: learn.predict(files[0]))
    return {"bulk": len(files) / bulk, "single": single}


def _peak() -> float:
    """Largest memory so far of this process and of its largest child, MB."""
    people = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(resource.getrusage(who).ru_maxrss for who in people) / 1024


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


if __name__ == "__main__":
    print(json.dumps(measure(load(Path(sys.argv[2])), sys.argv[1] == "plain")))
