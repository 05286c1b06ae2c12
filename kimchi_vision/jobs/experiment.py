"""One experiment from top to bottom: photos in, a run folder out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kimchi_vision import data
from kimchi_vision.base.allocator import keep_memory
from kimchi_vision.base.errors import InterruptedRunError
from kimchi_vision.base.files import explained, write_json, write_table, write_text
from kimchi_vision.base.messages import about_gain, catalogue, language
from kimchi_vision.base.run_files import RunDir
from kimchi_vision.config import Experiment
from kimchi_vision.deploy import export
from kimchi_vision.jobs import explain, run_lock, track
from kimchi_vision.learning import augment, linear_probe, loader, model, recipe, train
from kimchi_vision.results import calibrate, compare, evaluate, plots, report

if TYPE_CHECKING:
    import pandas as pd
    from fastai.learner import Learner

    from kimchi_vision.data.photo import Photos

Watch = Callable[[dict[str, Any]], bool]

log = logging.getLogger(__name__)


def run(
    experiment: Experiment, exports: Path = Path("exports"), force: bool = False, watch: Watch | None = None
) -> RunDir:
    """Train, explain and export one experiment into exports/NAME.

    A finished run is not run again, unless its photos or this program have changed; an interrupted one goes
    on after its last checkpoint.
    force: replace another experiment's run of the same name, or run a finished one again.
    watch: is shown each epoch's row of history.csv, and ends the training when it answers True.
    Raises InputError before anything is written, RunError when the run could not go on.
    """
    folder = run_lock.check(experiment, exports, force)
    track.check(experiment.track)
    photos = data.load(experiment.data)
    if run_lock.stands(folder, photos, force):
        return folder
    text = catalogue(language(experiment.report.lang))
    for says, values in photos.notes:
        log.info("%s", text(says, **values))
    keep_memory()
    backbone = model.find(experiment.model, experiment.augment.size)
    for size in experiment.train.sizes:
        model.check_size(backbone, size, "train.stages: size")
    pace = partial(train.pace, experiment.train, backbone)
    experiment = run_lock.begun(experiment, photos, folder) or recipe.resolve(
        experiment, photos, backbone, pace
    )
    with explained(folder.path), run_lock.locked(folder):
        run_lock.take(folder, experiment, photos, force)
        trackers = track.begun(experiment.track, experiment.resolved(), folder)
        with _logged(folder), train.named(photos), trackers as tracking:
            _train_and_report(experiment, photos, backbone, folder, tracking, watch)
            tracking.results()
        run_lock.finish(folder, experiment)
    return folder


def _train_and_report(
    experiment: Experiment,
    photos: Photos,
    backbone: model.Backbone,
    folder: RunDir,
    tracking: track.Tracking,
    watch: Watch | None,
) -> None:
    train.seed(experiment.train)
    dls = loader.build(experiment.loader, photos, augment.transforms(experiment.augment, backbone.stats))
    plots.save(plots.photo_grid(*loader.sample(dls)), folder.figure("batch"))
    learn = model.learner(experiment.model, backbone, dls, folder.path)
    summary, model_facts = model.summary(learn, experiment.augment.size)
    write_text(folder.summary, summary)
    floor = linear_probe.floor(experiment.features, learn.model[0], photos, export.preprocess(dls))
    if floor is not None and len(floor.lost):
        train.listed(folder, floor.lost)
    history = train.fit(experiment.train, learn, folder, floor and floor.head, watch, tracking.scalars)
    if len(history):
        plots.save(plots.losses(history), folder.figure("losses"))
    predictions = evaluate.predictions(learn, photos)
    averaged = _averaged(experiment, learn, photos, backbone, folder)
    facts = {
        "model": model_facts,
        "train": train.facts(history),
        **_beside(floor, averaged, predictions, experiment.report.lang),
    }
    write_scores(experiment, photos, predictions, facts, folder)
    explain.write(experiment, learn.model, export.preprocess(dls), photos, folder)
    interval = compare.difference_interval
    export.write(experiment.export, learn, photos, predictions, folder, interval)
    report.write(folder, experiment.report)


def write_scores(
    experiment: Experiment, photos: Photos, predictions: pd.DataFrame, facts: dict[str, Any], folder: RunDir
) -> None:
    """Predictions, and what follows from them: metrics.json with `facts` beside it, figures, calibration."""
    write_table(folder.predictions, predictions)
    scores = evaluate.metrics(predictions, photos.vocab, experiment.evaluate)
    write_json(folder.metrics, {**compare.with_intervals(scores, predictions, photos.items), **facts})
    write_text(folder.classification_report, evaluate.classification_text(predictions, photos.vocab))
    calibration = calibrate.fit(experiment.calibrate, predictions, photos.vocab, photos.items)
    write_json(folder.calibration, calibration)
    figures = evaluate.figures(predictions, photos, scores) | calibrate.figures(calibration)
    for name, figure in figures.items():
        plots.save(figure, folder.figure(name))


def _averaged(
    experiment: Experiment, learn: Learner, photos: Photos, backbone: model.Backbone, folder: RunDir
) -> pd.DataFrame | None:
    """Answers from several views of each photo, where they are asked for; the same on every call."""
    with train.seeded(experiment.train, learn.dls):
        varied = augment.varied(experiment.augment, backbone.stats)
        averaged = evaluate.averaged(experiment.evaluate, learn, photos, varied)
    if averaged is not None:
        write_table(folder.averaged, averaged)
    return averaged


def _beside(
    floor: linear_probe.Floor | None, averaged: pd.DataFrame | None, predictions: pd.DataFrame, lang: str
) -> dict[str, Any]:
    """The entries of the floor and of averaged views in metrics.json, each also a sentence in the log."""
    found = {}
    if floor is not None:
        found["floor"] = {**compare.beside_floor(predictions, floor.predictions), "seconds": floor.seconds}
    if averaged is not None:
        found["tta"] = compare.beside_one_view(averaged, predictions)
    for name, entry in found.items():
        log.info("%s", about_gain(name, entry, catalogue(language(lang))))
    return found


@contextmanager
def _logged(folder: RunDir) -> Iterator[None]:
    """What is said inside the block goes to the run's log.txt too."""
    handler = logging.FileHandler(folder.log, encoding="utf-8")
    handler.handleError = lambda record: None  # what could not be logged is on the terminal, too
    handler.setFormatter(logging.Formatter("%(asctime)s  %(message)s", "%Y-%m-%d %H:%M:%S"))
    logger = logging.getLogger("kimchi_vision")
    logger.addHandler(handler)
    try:
        yield
    except KeyboardInterrupt:
        raise InterruptedRunError(
            f"Interrupted. {folder.path} keeps its last checkpoint; the same command goes on from there."
        ) from None
    finally:
        logger.removeHandler(handler)
        with suppress(OSError):
            handler.close()
