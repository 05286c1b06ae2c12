"""Everything that the next batch depends on, kept on disk; a run that died goes on bit for bit (CPU)."""

import os
import shutil
import time
from dataclasses import dataclass

import numpy as np
import torch
from fastai.callback.core import Callback, CancelBatchException
from fastai.learner import Learner
from fastcore.foundation import L

from kimchi_vision.base.files import replacing
from kimchi_vision.base.plain import Json
from kimchi_vision.config.sections import Train
from kimchi_vision.learning.train import distributed, randomness, saved
from kimchi_vision.learning.train.callbacks import Average, KeepBest
from kimchi_vision.learning.train.interrupt import Interrupt
from kimchi_vision.learning.train.memory import Fitting
from kimchi_vision.learning.train.recording import Recording, Replayable


@dataclass
class Position:
    """How far training is.

    step: lr_find or a phase, counted from 0. epochs: those of it that are done. batches: those of the next
    epoch that are done. suggested: lr_find's last rate.
    """

    step: int = 0
    epochs: int = 0
    batches: int = 0
    suggested: float | None = None


class Checkpoint(Replayable):
    """Writes checkpoints/last.pth after each epoch, within long ones, and when a signal asks."""

    order = 100  # after every callback that an epoch's state passes through

    def __init__(
        self, section: Train, recording: Recording, best: KeepBest, fitting: Fitting, average: Average | None
    ) -> None:
        self.folder, self.recording, self.best, self.fitting = recording.folder, recording, best, fitting
        self.average = average
        self.kept, self.seconds = section.keep_checkpoints, 60 * section.checkpoint_minutes
        self.position = Position()
        self.interrupt = Interrupt()

    def before_train(self) -> None:
        """Note the random states that the epoch's order and its draws come from."""
        self.written = time.monotonic()
        self.before = randomness.state(self.dls)

    def after_batch(self) -> None:
        """Write the state when it is time."""
        if not self.training or self.replayed:
            return
        due = time.monotonic() - self.written >= self.seconds
        if (due or self.interrupt.asked) and self._is_finite():
            self.position.epochs, self.position.batches = self.learn.epoch, self.learn.iter + 1
            self._write(before=self.before)
        self.interrupt.obey()

    def after_epoch(self) -> None:
        """Write the state, unless the epoch was skipped because it was done before."""
        if not self.recorder.values[-1]:
            return
        self.position.epochs, self.position.batches = self.learn.epoch + 1, 0
        self._write()
        if self.kept > 1:
            self._keep()
        self.interrupt.obey()

    def _is_finite(self) -> bool:
        """False when the step left weights that are no numbers, which the loss tells only at the next one."""
        state = [self.learn.loss.detach(), *self.model.state_dict().values()]
        return all(bool(values.isfinite().all()) for values in state if values.is_floating_point())

    def _write(self, **more: object) -> None:
        smooth_loss, scaler = self.recorder.smooth_loss, getattr(self.learn, "scaler", None)
        state = {
            "position": vars(self.position),
            "model": self.model.state_dict(),
            "opt": self.opt.state_dict(),
            "scaler": scaler.state_dict() if scaler else None,
            "smooth_loss": (smooth_loss.count, smooth_loss.val.as_subclass(torch.Tensor)),
            "rows": self.recording.rows,
            "seconds": time.perf_counter() - self.recording.started,
            "best": (self.best.best, self.best.best_epoch),
            "parts": self.fitting.parts,
            "mean": self.average.mean if self.average else None,
        }
        saved.write({**_plain(state), **more, "random": randomness.state(self.dls)}, self.folder.last)
        self.written = time.monotonic()

    def _keep(self) -> None:
        """Keep this epoch's state beside the last one, and no more than the newest few."""
        name = self.folder.checkpoint(len(self.recording.rows))
        with replacing(name) as temporary:
            temporary.unlink()
            try:
                os.link(self.folder.last, temporary)
            except OSError:  # a file system without links
                shutil.copyfile(self.folder.last, temporary)
        for old in self.folder.epoch_checkpoints()[: -self.kept]:
            old.unlink()

    def take_up(self, learn: Learner) -> Json | None:
        """Put the newest sound state into learner and callbacks; None when there is none.

        The optimizer's is left to `restore_opt`: freezing and unfreezing, which comes first, clears it.
        """
        folder = distributed.first(lambda: self.folder)
        state = distributed.in_turn(lambda: saved.newest(folder, learn.dls.device))
        if state is None:
            return None
        learn.model.load_state_dict(state["model"])
        self.position = Position(**state["position"])
        self.recording.rows = state["rows"]
        self.best.best, self.best.best_epoch = state["best"]
        self.fitting.parts = state["parts"]
        if self.average:
            self.average.mean = state["mean"]
        randomness.restore(state["random"], learn.dls)
        return state


def restore_opt(learn: Learner, state: Json) -> None:
    """Put the saved optimizer state into a learner whose groups are frozen as they were."""
    if learn.opt is None:
        learn.create_opt()
    learn.opt.load_state_dict({**state["opt"], "hypers": L(state["opt"]["hypers"])})


class Restore(Callback):
    """Sets what a fit resets, where the first new epoch starts: fastai draws before it skips to there.

    In the middle of an epoch its first batches are made once more, with the same draws, and not trained on:
    photos are read, but the network does not run.
    """

    order = 71  # after SkipToEpoch, which ends the earlier epochs, and ParamScheduler

    def __init__(self, state: Json, recording: Recording) -> None:
        self.state, self.recording = state, recording
        self.waiting, self.left = True, 0

    def before_epoch(self) -> None:
        """Once: random states, running loss, clock."""
        if not self.waiting:
            return
        self.waiting, self.left = False, self.state["position"]["batches"]
        randomness.restore(self.state["before" if self.left else "random"], self.dls)
        if self.left:
            self.recording.started -= self.state["seconds"]
        if self.state["scaler"]:
            self.learn.scaler.load_state_dict(self.state["scaler"])
        self._restore_loss()

    def before_batch(self) -> None:
        """Leave out a batch that was trained on before."""
        if self.training and self.left:
            raise CancelBatchException

    def after_batch(self) -> None:
        """After the last one of those, go on from where the state was written."""
        if not (self.training and self.left):
            return
        self.left -= 1
        if not self.left:
            randomness.restore(self.state["random"], self.dls)
            self._restore_loss()

    def _restore_loss(self) -> None:
        self.recorder.smooth_loss.count, self.recorder.smooth_loss.val = self.state["smooth_loss"]


def _plain(value: object) -> object:
    """Without the classes of fastcore and NumPy, which a load that runs no code refuses."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | L):
        return [_plain(inner) for inner in value]
    return value.item() if isinstance(value, np.generic) else value
