"""One experiment from top to bottom: photos in, a run folder out."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from kimchi_vision import augment, compare, data, evaluate, export, loader, model, plots, report, train
from kimchi_vision.config import Experiment, dump
from kimchi_vision.environment import code_version, versions
from kimchi_vision.errors import InputError, InterruptedRunError
from kimchi_vision.rundir import RunDir, write_json, write_table, write_text

if TYPE_CHECKING:
    from kimchi_vision.photos import Photos

log = logging.getLogger(__name__)


def run(experiment: Experiment, exports: Path = Path("exports"), force: bool = False) -> RunDir:
    """Train, explain and export one experiment into exports/NAME; a finished one is not run again.

    force: replace another experiment's run of the same name, or run a finished one again.
    Raises InputError before anything is written, RunError when the run could not go on.
    """
    folder = check(experiment, exports, force)
    if not force and folder.finished.is_file():
        log.info("%s is finished already; --force runs it again.", folder.path)
        return folder
    photos = data.load(experiment.data)
    for note in photos.notes:
        log.info("%s", note)
    backbone = model.find(experiment.model, experiment.augment.size)
    _claim(folder, experiment, photos)
    with _logged(folder):
        started = time.perf_counter()
        try:
            _train_and_report(experiment, photos, backbone, folder)
        except KeyboardInterrupt:
            raise InterruptedRunError(
                f"Interrupted. {folder.path} keeps the epochs so far: history.csv and checkpoints."
            ) from None
        seconds = round(time.perf_counter() - started, 1)
    facts = {"digest": experiment.digest, "kimchi_vision": code_version(), "seconds": seconds}
    write_json(folder.finished, facts)
    return folder


def check(experiment: Experiment, exports: Path = Path("exports"), force: bool = False) -> RunDir:
    """The folder that `run` will write, which holds nothing else or may be replaced.

    Raises InputError when it holds another experiment's run and `force` is not set.
    """
    folder = RunDir(exports / experiment.name)
    if not force and folder.path.is_dir() and any(folder.path.iterdir()):
        text = dump(experiment.resolved())
        if not folder.experiment.is_file() or folder.experiment.read_text(encoding="utf-8") != text:
            raise InputError(
                f"{folder.path} holds something else than this experiment's run. "
                "Give this experiment another `name`, or replace what is there with --force."
            )
    return folder


def _train_and_report(
    experiment: Experiment, photos: Photos, backbone: model.Backbone, folder: RunDir
) -> None:
    train.seed(experiment.train)
    dls = loader.build(experiment.loader, photos, augment.transforms(experiment.augment, backbone.stats))
    plots.save(plots.photo_grid(*loader.sample(dls)), folder.figure("batch"))
    learn = model.learner(experiment.model, backbone, dls, folder.path)
    summary, model_facts = model.summary(learn, experiment.augment.size)
    write_text(folder.summary, summary)
    history = train.fit(experiment.train, learn, folder)
    plots.save(plots.losses(history), folder.figure("losses"))
    predictions = evaluate.predictions(learn, photos)
    write_table(folder.predictions, predictions)
    scores = evaluate.metrics(predictions, photos.vocab, experiment.evaluate)
    for name, figure in evaluate.figures(predictions, photos, scores).items():
        plots.save(figure, folder.figure(name))
    facts = {"model": model_facts, "train": train.facts(history)}
    write_json(folder.metrics, {**compare.with_intervals(scores, predictions, photos.items), **facts})
    write_text(folder.classification_report, evaluate.classification_text(predictions, photos.vocab))
    export.write(experiment.export, learn, photos, predictions, folder)
    report.write(folder, experiment.report.lang)


def _claim(folder: RunDir, experiment: Experiment, photos: Photos) -> None:
    """Empty the folder and write down what the run stands on."""
    if folder.path.is_dir():
        shutil.rmtree(folder.path)
    write_text(folder.experiment, dump(experiment.resolved()))
    write_json(folder.versions, versions())
    write_json(folder.labels, list(photos.vocab))
    write_table(folder.items, photos.items)
    write_json(folder.data, photos.facts())


@contextmanager
def _logged(folder: RunDir) -> Iterator[None]:
    """What is said inside the block goes to the run's log.txt too."""
    handler = logging.FileHandler(folder.log, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s  %(message)s", "%Y-%m-%d %H:%M:%S"))
    logger = logging.getLogger("kimchi_vision")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        handler.close()
