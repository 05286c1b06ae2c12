"""Section `train`: the stages in order, what each epoch brought, and which epoch is kept."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pandas as pd
import torch
from fastai.callback.core import Callback
from fastai.data.core import DataLoaders
from fastai.learner import Learner
from fastai.torch_core import set_seed

from kimchi_vision.base.files import write_table
from kimchi_vision.base.plain import Json
from kimchi_vision.base.progress import Watch
from kimchi_vision.base.run_files import RunFiles
from kimchi_vision.config.sections import Train
from kimchi_vision.learning import device
from kimchi_vision.learning.train import distributed, precision, randomness
from kimchi_vision.learning.train.callbacks import (
    Average,
    KeepBest,
    choose_optimizer,
    loss,
    loss_on_device,
    wanted,
)
from kimchi_vision.learning.train.checkpoint import Checkpoint, Position, Restore, restore_opt
from kimchi_vision.learning.train.memory import Fitting
from kimchi_vision.learning.train.precision import pace
from kimchi_vision.learning.train.recording import Ending, Recording, Tell, progress
from kimchi_vision.learning.train.scores import epoch_scores
from kimchi_vision.learning.train.stages import count_epochs, find_rates, hold_batch_norm, phases
from kimchi_vision.learning.train.unreadable import LostPhotos, listed, named
from kimchi_vision.results.candidates import overfits_from

__all__ = ["Tell", "epoch_scores", "facts", "fit", "goes_on", "listed", "named", "pace", "seed", "seeded"]

Head = tuple[Any, ...]

log = logging.getLogger(__name__)


def seed(section: Train) -> None:
    """Seed Python, NumPy and torch, whose float32 is exact from then on.

    Call before the DataLoaders are built: they draw their order then.
    """
    set_seed(section.seed, reproducible=True)
    device.exact()


@contextmanager
def seeded(section: Train, dls: DataLoaders) -> Iterator[None]:
    """Random numbers begin anew at the seed; after the block they go on as if it had drawn none."""
    before = randomness.state(dls)
    seed(section)
    try:
        yield
    finally:
        randomness.restore(before, dls)


def fit(
    section: Train,
    learn: Learner,
    files: RunFiles,
    head: Head | None = None,
    watch: Watch | None = None,
    tell: Tell | None = None,
) -> pd.DataFrame:
    """Run the stages, leave the kept epoch's weights in `learn`, and return the history.

    head: weight (classes, features) and bias (classes,) that the stage `probe` gives a linear head.
    watch: is shown each epoch's row, and ends the training when it answers True.
    tell: is told losses, scores and rates with their step, as training goes.
    Scores are learn.metrics, by default every score of the registry.
    Goes on where checkpoints/last.pth ends, when the run folder holds it: the result is the same bit for bit
    on the CPU. Writes history.csv and that checkpoint after each epoch, lr_find's curve, and
    checkpoints/best.pth with `keep: best`. A batch that does not fit into memory is trained in parts.
    Raises RunError when the loss is no longer a number, lr_find gives no rate for `auto`, or not even two
    photos fit into memory; KeyboardInterrupt, after a checkpoint, on Ctrl-C.
    """
    _make_ready(section, learn, files)
    epochs = count_epochs(section.stages, len(learn.dls.train))
    recording = Recording(files, epochs, section, watch, tell)
    best = KeepBest(section, recording)
    fitting = Fitting(learn)
    average = Average(section.ema) if section.ema else None
    checkpoint = Checkpoint(section, recording, best, fitting, average)
    batches = recording.epochs * (len(learn.dls.train) + len(learn.dls.valid))
    with (
        progress(learn, batches) as bar,
        precision.applied(section, learn),
        distributed.together(learn),
        fitting.applied(),
        precision.compiled(section, learn),
        loss_on_device(learn),
    ):
        _run_stages(section, learn, checkpoint, head, _beside(section, learn, checkpoint, bar))
    if distributed.rank():
        return pd.DataFrame(recording.rows)
    return _kept(section, learn, checkpoint)


def _make_ready(section: Train, learn: Learner, files: RunFiles) -> None:
    learn.path, learn.model_dir = files.path, files.checkpoints.name
    learn.model.to(learn.dls.device)  # fastai moves it with its first epoch, features are computed before
    learn.metrics = learn.metrics or epoch_scores(learn.dls.vocab)
    learn.loss_func = loss(section, learn)
    choose_optimizer(section, learn)


def _beside(section: Train, learn: Learner, checkpoint: Checkpoint, bar: Callback) -> list[Callback]:
    """The callbacks of every phase; of several devices the first one writes and shows."""
    recording, average = checkpoint.recording, checkpoint.average
    keeping = [*([checkpoint.best] if section.keep == "best" else []), *([average] if average else [])]
    writing = [] if distributed.rank() else [checkpoint, bar]
    more = wanted(section, learn)
    return [recording, *keeping, Ending(recording), *more, LostPhotos(checkpoint.folder), *writing]


def goes_on(section: Train) -> bool:
    """Whether anything is trained after the stage `probe`."""
    return any(stage.name != "probe" for stage in section.stages)


def facts(history: pd.DataFrame) -> Json:
    """The kept epoch, the number of epochs, the seconds that they took, and where overfitting sets in."""
    if history.empty:
        return {"epochs": 0, "kept_epoch": None, "seconds": 0.0, "overfits_from": None}
    return {
        "epochs": len(history),
        "kept_epoch": int(history.loc[history["kept"], "epoch"].sum()),  # 0: what training started from
        "seconds": round(float(history["seconds"].sum()), 1),
        "overfits_from": overfits_from(history),
    }


def _kept(section: Train, learn: Learner, checkpoint: Checkpoint) -> pd.DataFrame:
    """The history with the kept epoch marked, written to its file; `learn` gets that epoch's weights."""
    if checkpoint.average:
        checkpoint.average.finish(learn)
    best, history = checkpoint.best, pd.DataFrame(checkpoint.recording.rows)
    files, kept = checkpoint.folder, len(history)
    if section.keep == "best" and best.best_epoch is not None:
        kept = best.best_epoch
        learn.load(files.best.stem, with_opt=False)
        log.info("Epoch %d is kept: %s %.4f is the best.", kept, section.monitor, best.best)
    parting = overfits_from(history)
    if parting:
        log.info("From epoch %d on it overfits: training loss falls, validation loss rises.", parting)
    history["kept"] = [epoch == kept for epoch in history.get("epoch", [])]
    write_table(files.history, history)
    return history


def _run_stages(
    section: Train, learn: Learner, checkpoint: Checkpoint, head: Head | None, beside: list[Callback]
) -> None:
    """Every step in order; steps and epochs that a checkpoint holds are passed over."""
    saved = checkpoint.take_up(learn)
    position, recording = checkpoint.position, checkpoint.recording
    done = Position(**vars(position))
    step = 0
    if recording.stops_early:
        return
    for stage in section.stages:
        if stage.name in ("lr_find", "probe"):
            if step >= done.step and stage.name == "lr_find":
                position.suggested = find_rates(stage.arguments, learn, checkpoint.folder)
            elif step >= done.step:
                _start_from(head, learn)
                if section.keep == "best":
                    checkpoint.best.start(learn)
            step += 1
            continue
        for phase in phases(stage, position.suggested, len(learn.dls.train)):
            phase.prepare(learn)
            if section.freeze_bn:
                hold_batch_norm(learn)
            if saved and step == done.step:
                restore_opt(learn, saved)
            start = done.epochs if step == done.step else 0
            if step >= done.step and start < phase.epochs:
                position.step, recording.phase = step, phase.name
                goes_on = step == done.step and (done.epochs or done.batches)
                restore = [Restore(saved, recording)] if goes_on else []
                with checkpoint.interrupt.waited_for():
                    phase.fit(learn, cbs=[*beside, *restore, *phase.cbs], start_epoch=start)
                recording.check()
                if recording.ended:
                    log.info("Training ends here: epoch %d of %d.", len(recording.rows), recording.epochs)
                    return
            step += 1


def _start_from(head: Head, learn: Learner) -> None:
    """Set the linear layer, the last of the head."""
    layer = learn.model[1][-1]
    with torch.no_grad():
        for parameter, values in zip((layer.weight, layer.bias), head[:2], strict=True):
            parameter.copy_(torch.from_numpy(values))
