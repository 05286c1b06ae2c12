"""One pipeline in a process of its own: python -m benchmarks.bench.measure WAY FILE EXTENT.

WAY: plain or here. EXTENT: all, or training alone.
"""

from __future__ import annotations

import json
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import torch
from fastai.callback.schedule import Learner
from fastai.data.core import DataLoaders, TfmdDL
from fastai.vision.core import PILImage

from benchmarks.bench.pipeline import Clock, Pipeline
from kimchi_vision.base.plain import Json
from kimchi_vision.config import Experiment, load
from kimchi_vision.data.photo import open_photo
from kimchi_vision.deploy.export import onnx
from kimchi_vision.deploy.predictor import Predictor
from kimchi_vision.learning import train
from kimchi_vision.learning.device import wait
from kimchi_vision.results import validation_transforms
from kimchi_vision.results.model_metadata import Facts

Made = TypeVar("Made")

STEPS, BATCHES = 6, 5
FROZEN = ["freeze", {"fit_one_cycle": {"epochs": 1}}]
SINGLE = 20
"""Photos that are predicted one after the other."""


def measure(experiment: Experiment, plain: bool, parts: bool) -> Json:
    """Rates in photos a second, times in seconds, memory in MB.

    plain: fastai's transforms, loaders and loop alone. parts: each part of the pipeline by itself, too.
    """
    pipeline = Pipeline(experiment, plain)
    train.seed(experiment.train)
    started = time.perf_counter()
    built, dls = timed(pipeline.loaders)
    again, _ = timed(pipeline.loaders)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        learn = pipeline.learner(dls, folder)
        learn.add_cb(clock := Clock(started + again))
        before = resource.getrusage(resource.RUSAGE_SELF)
        fitted, _ = timed(lambda: pipeline.fit(learn, experiment.train, folder))
        after = resource.getrusage(resource.RUSAGE_SELF)
        learn.remove_cb(clock)
        found = {"build": built, "again": again, "training": built + fitted, "memory": _peak()}
        found |= _seconds(clock, built, fitted) | {"reached": clock.reached}
        kernel = after.ru_stime - before.ru_stime
        found["kernel"] = kernel / (kernel + after.ru_utime - before.ru_utime)
        if parts:
            found |= _rates(clock, dls) | _steps(pipeline, learn) | _data(pipeline, dls)
            found |= _predictions(pipeline, learn)
    return found


def _seconds(clock: Clock, built: float, fitted: float) -> dict[str, float]:
    """Where the time of training goes."""
    trained, validated = sum(clock.train_seconds), sum(clock.valid_seconds)
    return {
        "waiting": clock.waited / trained,
        "in_build": built,
        "in_waiting": clock.waited,
        "in_steps": trained - clock.waited,
        "in_validation": validated,
        "in_rest": fitted - trained - validated,
    }


def _rates(clock: Clock, dls: DataLoaders) -> dict[str, float]:
    """Of the first epoch, which is frozen, the second, which is not, and of validation."""
    trained = len(dls.train) * dls.train.bs
    frozen, unfrozen = clock.train_seconds[:2]
    validated = dls.valid.n * len(clock.valid_seconds) / sum(clock.valid_seconds)
    return {"frozen": trained / frozen, "unfrozen": trained / unfrozen, "validation": validated}


def _steps(pipeline: Pipeline, learn: Learner) -> dict[str, float]:
    """Steps on one batch that is at hand, unfrozen; here also frozen with freeze_bn, and that epoch."""
    learn.unfreeze()
    batch = [torch.as_tensor(part).as_subclass(torch.Tensor) for part in learn.dls.train.one_batch()]
    found = {"step": step_rate(pipeline, learn, batch, held=False)}
    if pipeline.plain:
        return found
    learn.add_cb(clock := Clock(0.0))
    given = pipeline.experiment.train
    section = type(given)(stages=FROZEN, freeze_bn=True, precision=given.precision)
    learn.freeze()
    pipeline.fit(learn, section, learn.path / "held")
    learn.remove_cb(clock)
    rate = len(learn.dls.train) * learn.dls.train.bs / clock.train_seconds[0]
    return found | {"frozen_bn": rate, "step_frozen_bn": step_rate(pipeline, learn, batch, held=True)}


def step_rate(pipeline: Pipeline, learn: Learner, batch: list[torch.Tensor], held: bool) -> float:
    """Photos a second of training steps on one batch. held: the body is in evaluation mode."""
    images, labels = batch
    with pipeline.precision(learn):
        learn.model.train()
        if held:
            learn.model[0].eval()

        def step() -> None:
            learn.loss_func(learn.model(images), labels).backward()
            learn.opt.step()
            learn.opt.zero_grad()

        step()
        wait(images.device)
        spent, _ = timed(lambda: ([step() for _ in range(STEPS)], wait(images.device)))
    return STEPS * len(images) / spent


def _data(pipeline: Pipeline, dls: DataLoaders) -> dict[str, float]:
    """Decoding, photos before augmentation, augmentation, and batches, each alone."""
    dl = dls.train
    files = pipeline.photos.files(pipeline.photos.part("train"))[: dl.bs]
    decoded, _ = timed(lambda: [PILImage.create(f.path) if pipeline.plain else open_photo(f) for f in files])
    if pipeline.plain:
        dl.before_iter()
        resized, items = timed(lambda: [dl.do_item(row) for row in range(dl.bs)])
        batch = dl.do_batch(items)
        vary = partial(dl.after_batch, batch)
    else:
        resized, _ = timed(lambda: [dl.photos(row).sum() for row in range(dl.bs)])
        vary, dl.threads = _augmentation(dl), 1
    varied = statistics.median(timed(vary)[0] for _ in range(BATCHES))
    loaded, count = timed(lambda: sum(len(batch[1]) for batch in dl))
    return {
        "decode": len(files) / decoded,
        "photo": dl.bs / resized,
        "augmentation": dl.bs / varied,
        "loader": count / loaded,
    }


def _augmentation(dl: TfmdDL) -> Callable[[], object]:
    small = [dl.photos(row) for row in range(dl.bs)]
    draws = dl.fused.draw(dl.bs, dl.bs, seed=0)
    pictures = dl.fused.empty(dl.bs)
    pictures[:] = 0  # memory that was never touched would be part of the measurement
    return lambda: dl.fused(small, draws, pictures)


def _predictions(pipeline: Pipeline, learn: Learner) -> dict[str, float]:
    """From files: fastai's predict and get_preds, or the exported model."""
    photos = pipeline.photos
    files = [photo.path for photo in photos.files(photos.part("valid"))]
    if pipeline.plain:
        with learn.no_bar():
            bulk, _ = timed(lambda: learn.get_preds(dl=learn.dls.test_dl(files)))
            single = [timed(lambda file=file: learn.predict(file))[0] for file in files[:SINGLE]]
    else:
        facts = Facts("bench", learn.arch, photos.vocab, validation_transforms.read(learn.dls))
        onnx.save(learn.model, facts, file := learn.path / "bench.onnx")
        predictor = Predictor(file)
        bulk, _ = timed(lambda: predictor.predict(files))
        single = [timed(lambda file=file: predictor.predict([file]))[0] for file in files[:SINGLE]]
    return {"bulk": len(files) / bulk, "single": statistics.median(single)}


def _peak() -> float:
    """Largest memory so far of this process and of its largest child, MB."""
    people = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(resource.getrusage(who).ru_maxrss for who in people) / 1024


def timed(work: Callable[[], Made]) -> tuple[float, Made]:
    """Seconds that it takes, and what it returns."""
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


if __name__ == "__main__":
    way, file, extent = sys.argv[1:]
    print(json.dumps(measure(load(Path(file)), way == "plain", extent == "all")))
