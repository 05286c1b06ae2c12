"""One experiment from top to bottom: photos in, a run folder out."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from fastai.learner import Learner

from kimchi_vision import data
from kimchi_vision.base import progress
from kimchi_vision.base.allocator import keep_memory
from kimchi_vision.base.files import explained, write_json, write_text
from kimchi_vision.base.plain import Json
from kimchi_vision.base.run_files import RunFiles
from kimchi_vision.base.sentence import Sentence, noted
from kimchi_vision.config import Experiment
from kimchi_vision.data.photo import Photos
from kimchi_vision.deploy import export
from kimchi_vision.jobs import explain, run_lock, seeing, track
from kimchi_vision.jobs.prepared import NO_PARTS, OwnParts, Prepared, prepare
from kimchi_vision.jobs.process import its_share, logged, quiet
from kimchi_vision.learning import augment, linear_probe, loader, model, predict, recipe, train
from kimchi_vision.results import (
    calibrate,
    choices,
    compare,
    evaluate,
    folds,
    goals,
    plots,
    report,
    validation_transforms,
)
from kimchi_vision.results.compare.pairs import about_gain
from kimchi_vision.results.predictions import FOLDS, Predictions
from kimchi_vision.results.run import Run
from kimchi_vision.results.scores import check_monitor

log = logging.getLogger(__name__)


def check(experiment: Experiment, exports: Path, force: bool = False) -> RunFiles:
    """The folder that a run will write. Raises InputError for what can be known to fail before it starts."""
    check_monitor(experiment.train.monitor)
    if experiment.train.early_stop is not None:
        check_monitor(experiment.train.early_stop.monitor, "train.early_stop.monitor")
    goals.check(experiment.goals)
    track.check(experiment.track)
    return run_lock.check(experiment, exports, force)


def run(
    experiment: Experiment,
    exports: Path = Path("exports"),
    force: bool = False,
    watch: progress.Watch | None = None,
    own: OwnParts = NO_PARTS,
) -> Run:
    """Train, explain and export one experiment into exports/NAME.

    A finished run is not run again, unless its photos or this program have changed; an interrupted one goes
    on after its last checkpoint.
    force: replace another experiment's run of the same name, or run a finished one again.
    watch: is shown each epoch's row of history.csv, and ends the training when it answers True.
    own: parts that are given from Python.
    Raises InputError before anything is written, RunError when the run could not go on.
    """
    with own.registered():
        files, photos = check(experiment, exports, force), data.load(experiment.data)
        if run_lock.stands(files, photos, force, own.named()):
            return Run.open(files.path)
        for note in photos.notes:
            log.info("%s", noted([note]))
        keep_memory()
        begun, threads = run_lock.begun(experiment, photos, files)
        with its_share(threads):
            prepared = replace(prepare(experiment, photos, begun), own=own)
            prepared.devices()  # refuses what cannot be, before anything is written
            return _train(prepared, files, force, watch)


def _train(prepared: Prepared, files: RunFiles, force: bool, watch: progress.Watch | None) -> Run:
    experiment, photos, own = prepared.experiment, prepared.photos, prepared.own
    with explained(files.path), run_lock.locked(files):
        run_lock.take(files, experiment, photos, force, own.named())
        trackers = track.begun(experiment.track, experiment.resolved(), files)
        with logged(files), train.named(photos), trackers as tracking:
            if why := recipe.reasons(experiment, photos):
                log.info("%s", why)
            learn, facts, floor = _trained(prepared, files, tracking.scalars, watch)
            beside = [_fold(each, files) for each in prepared.folds()]
            _report(prepared, learn, files, facts, floor, beside)
            tracking.results()
        run_lock.finish(files, experiment)
    return Run.open(files.path)


def _fold(prepared: Prepared, beside: RunFiles) -> Run:
    """A run that is only asked about its validation photos. beside: files of the run that it is for."""
    experiment, files = prepared.experiment, RunFiles(beside.folds / prepared.experiment.name)
    fold, count = experiment.data.fold + 1, experiment.data.folds
    said = Sentence("Fold {fold} of {count}: a model learns without its photos.", fold=fold, count=count)
    log.info("%s", said, extra={"short": said})
    if not run_lock.stands(files, prepared.photos, force=False, own=prepared.own.named()):
        run_lock.take(files, experiment, prepared.photos, force=False, own=prepared.own.named())
        with quiet():
            learn, _, _ = _trained(prepared, files)
        predict.predictions(learn, prepared.photos).write(files.predictions)
        run_lock.finish(files, experiment)
        shutil.rmtree(files.checkpoints, ignore_errors=True)  # no model of a fold is used
    return Run.open(files.path)


def _trained(
    prepared: Prepared,
    files: RunFiles,
    scalars: train.Tell | None = None,
    watch: progress.Watch | None = None,
) -> tuple[Learner, Json, linear_probe.Floor | None]:
    """The Learner, the facts of model and training, and the frozen features' own score."""
    experiment, photos = prepared.experiment, prepared.photos
    train.seed(experiment.train)
    progress.begins("photos")
    dls = prepared.dataloaders()
    plots.save(plots.photo_grid(*loader.sample(dls)), files.figure("batch"))
    learn = prepared.learner(dls, files.path)
    summary, model_facts = model.summary(learn, experiment.augment.size)
    write_text(files.summary, summary)
    progress.begins("features")
    steps, rare = validation_transforms.read(dls), linear_probe.Rare.of(experiment)
    floor = linear_probe.floor(experiment.features, learn.model[0], photos, steps, rare)
    if floor is not None:
        floor.predictions.write(files.floor)
        if len(floor.lost):
            train.listed(files, floor.lost)
    head = floor and (floor.start if train.goes_on(experiment.train) else floor.head)
    progress.begins("train")
    with prepared.own.beside(learn), prepared.on_all_devices(head):
        history = train.fit(experiment.train, learn, files, head, watch, scalars)
    if len(history):
        plots.save(plots.losses(history), files.figure("losses"))
    return learn, {"model": model_facts, "train": train.facts(history)}, floor


def _report(
    prepared: Prepared,
    learn: Learner,
    files: RunFiles,
    facts: Json,
    floor: linear_probe.Floor | None = None,
    beside: Sequence[Run] = (),
) -> None:
    """All that follows from a trained Learner. beside: the runs of its folds."""
    experiment, photos = prepared.experiment, prepared.photos
    progress.begins("explain")
    with predict.seen(learn.model) as features:
        predictions = predict.predictions(learn, photos)
    averaged = _averaged(prepared, learn, files)
    facts |= _beside(floor, averaged, predictions.part("valid"))
    if features:
        seeing.drawn(np.concatenate(features), predictions, files.embedding)
    if beside:
        pooled = folds.answers(beside)
        found = evaluate.metrics(pooled.as_part(FOLDS), experiment.evaluate)
        write_json(files.fold_metrics, found | folds.facts(beside, pooled))
        predictions = Predictions.joined([predictions, pooled.as_part(FOLDS)])
    write_scores(experiment, photos, predictions, facts, files)
    explain.write(experiment, learn.model, validation_transforms.read(learn.dls), photos, files)
    progress.begins("export")
    export.write(experiment.export, learn, photos, predictions, files)
    report.write(Run.open(files.path), experiment.report)


def finish(learn: Learner, prepared: Prepared, force: bool = False) -> Run:
    """Score, explain and export a Learner that was trained by hand, into its `path`. Errors as in run."""
    files, experiment = RunFiles(learn.path), prepared.experiment
    run_lock.check(experiment, files.path.parent, force)
    with explained(files.path), run_lock.locked(files):
        run_lock.take(files, experiment, prepared.photos, force=True)
        with logged(files), train.named(prepared.photos):
            summary, model_facts = model.summary(learn, experiment.augment.size)
            write_text(files.summary, summary)
            # A recorder has values from its first fit on: it may have been trained otherwise, or not at all.
            history = vars(learn.recorder).get("values", []) if hasattr(learn, "recorder") else []
            trained = {"epochs": len(history), "kept_epoch": None, "seconds": 0.0, "overfits_from": None}
            _report(prepared, learn, files, {"model": model_facts, "train": trained})
        run_lock.finish(files, experiment)
    return Run.open(files.path)


def write_scores(
    experiment: Experiment, photos: Photos, predictions: Predictions, facts: Json, files: RunFiles
) -> None:
    """Predictions, and what follows from them: metrics.json with `facts` beside it, figures, calibration.

    The test part, if there is one and it is not kept closed, is scored into test.json. Figures and what
    probabilities are worth are over what folds beside the model answered, where folds.json says so.
    """
    predictions.write(files.predictions)
    valid = predictions.part("valid")
    metrics = evaluate.metrics(valid, experiment.evaluate)
    chosen = choices.of_epochs(experiment.train, valid, files.epoch_answers)
    write_json(files.metrics, {**metrics, "choices": chosen, **facts})
    if experiment.evaluate.test and (photos.items["split"] == "test").any():
        Run(files.path).open_test("run")
        write_json(files.test_metrics, evaluate.metrics(predictions.part("test"), experiment.evaluate))
    run = Run(files.path)
    mistakes = predictions.part(run.mistakes["split"])
    write_text(files.classification_report, evaluate.classification_text(mistakes))
    unseen = mistakes.without(valid) if mistakes.split == FOLDS else valid
    calibration = calibrate.fit(experiment.calibrate, valid, chosen.get("epochs", 1), unseen)
    write_json(files.calibration, calibration)
    figures = evaluate.figures(mistakes, photos, run.mistakes["top_losses"]) | calibrate.figures(calibration)
    for name, figure in figures.items():
        plots.save(figure, files.figure(name))


def _averaged(prepared: Prepared, learn: Learner, files: RunFiles) -> Predictions | None:
    """Answers from several views of each photo, where they are asked for; the same on every call.

    The plain view alone decides what is in predictions.csv, is calibrated and is exported.
    """
    experiment = prepared.experiment
    views = experiment.evaluate.tta
    if not views:
        return None
    with train.seeded(experiment.train, learn.dls):
        varied = augment.varied(experiment.augment, prepared.backbone.stats)
        found = predict.averaged(learn, prepared.photos, varied, views)
    found = replace(found, table=found.table.assign(views=views))
    found.write(files.averaged)
    return found


def _beside(floor: linear_probe.Floor | None, averaged: Predictions | None, predictions: Predictions) -> Json:
    """The entries of the floor and of averaged views in metrics.json, each also a sentence in the log."""
    found = {}
    if floor is not None:
        found["floor"] = {**compare.beside_floor(predictions, floor.predictions), "seconds": floor.seconds}
    if averaged is not None:
        found["tta"] = compare.beside_one_view(averaged.part("valid"), predictions)
    for name, entry in found.items():
        log.info("%s", about_gain(name, entry))
    return found
