"""What happens beside an epoch: hold the body still, resize photos, keep the best weights."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from fastai.callback.core import Callback
from fastai.learner import AvgSmoothLoss, Learner
from torch.nn.functional import interpolate
from torch.nn.modules.batchnorm import _BatchNorm

from kimchi_vision.config.sections import Train
from kimchi_vision.learning.train import saved
from kimchi_vision.learning.train.recording import Recording
from kimchi_vision.learning.train.scores import keep_answers
from kimchi_vision.results.scores import sign


class FrozenBody(Callback):
    """Keeps the body in evaluation mode, so that its batch-norm statistics stay as they are."""

    def before_train(self) -> None:
        """Undo what model.train() did to the body."""
        self.model[0].eval()


class FreezeBN(Callback):
    """Keeps the body's batch-norm statistics as they are, and all of a body that does not learn."""

    def before_train(self) -> None:
        """Undo what model.train() did to them."""
        body = self.model[0]
        learns = any(parameter.requires_grad for parameter in body.parameters())
        for module in body.modules():
            if not learns or isinstance(module, _BatchNorm):
                module.eval()


class Resized(Callback):
    """Trains on photos of another size than those that validate, pixels of a side.

    Smaller ones take less time, and a network sees things larger in training crops than in whole photos:
    Touvron et al., 2019, "Fixing the train-test resolution discrepancy", arXiv:1906.06423.
    """

    def __init__(self, size: int) -> None:
        self.size = size

    def before_batch(self) -> None:
        """Resize a training batch."""
        if self.training:
            photos = interpolate(self.x, (self.size, self.size), mode="bilinear", antialias=True)
            self.learn.xb = (photos,)


class LossOnDevice(AvgSmoothLoss):
    """fastai's running mean of the loss, which stays where it is: fetching it would wait for every step."""

    def accumulate(self, learn: Learner) -> None:
        """One batch more."""
        self.count += 1
        loss = learn.loss.detach().mean()
        self.val = torch.lerp(loss, self.val.to(loss.device), self.beta)


@contextmanager
def loss_on_device(learn: Learner) -> Iterator[None]:
    """Inside the block the running loss is LossOnDevice, which does not belong into an exported learner."""
    recorder = vars(learn.recorder)  # whose own way to set it warns of the learner's attribute
    plain, recorder["smooth_loss"] = recorder["smooth_loss"], LossOnDevice()
    try:
        yield
    finally:
        recorder["smooth_loss"] = plain


class KeepBest(Callback):
    """Saves the weights whenever an epoch beats all before it, over all phases."""

    order = 61  # after Recording

    def __init__(self, section: Train, recording: Recording) -> None:
        self.section, self.recording = section, recording
        modes = {"min": -1, "max": 1, None: sign(section.monitor)}
        self.sign = modes[section.mode]
        self.best = -self.sign * math.inf
        self.best_epoch: int | None = None

    def start(self, learn: Learner) -> None:
        """Save what training starts from, as epoch 0, when it is worth something: after a probe."""
        if self.section.monitor == "train_loss":
            return
        names = ["valid_loss", *(metric.name for metric in learn.metrics)]
        with learn.no_bar():
            values = dict(zip(names, map(float, learn.validate()), strict=True))
        keep_answers(learn, self.recording.folder, 0)
        self._keep(learn, values[self.section.monitor], 0)

    def after_epoch(self) -> None:
        """Compare the monitored value and save."""
        if not self.recorder.values[-1]:
            return
        value = self.recording.rows[-1][self.section.monitor]
        if self.sign * value > self.sign * self.best:
            self._keep(self.learn, value, len(self.recording.rows))

    def _keep(self, learn: Learner, value: float, epoch: int) -> None:
        self.best, self.best_epoch = value, epoch
        saved.write(learn.model.state_dict(), self.recording.folder.best)
