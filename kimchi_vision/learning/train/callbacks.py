"""Keys of `train` that choose loss, optimizer, what is beside every stage, and which epoch is kept."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np
import torch
from fastai.callback.core import Callback
from fastai.callback.mixup import CutMix, MixUp
from fastai.learner import AvgSmoothLoss, Learner
from fastai.losses import CrossEntropyLossFlat, FocalLossFlat, LabelSmoothingCrossEntropyFlat
from fastai.optimizer import SGD, Adam, Lamb, OptimWrapper, QHAdam, RAdam, RMSProp, ranger
from sklearn.utils.class_weight import compute_class_weight
from timm.optim import Lion
from torch.nn.functional import interpolate
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.swa_utils import get_ema_multi_avg_fn

from kimchi_vision.config.sections import Train
from kimchi_vision.learning.train import saved
from kimchi_vision.learning.train.recording import Recording, Replayable
from kimchi_vision.learning.train.scores import keep_answers
from kimchi_vision.results.scores import sign

OPTIMIZERS = {
    "adam": Adam,
    "lamb": Lamb,
    "lion": partial(OptimWrapper, opt=Lion),
    "qhadam": QHAdam,
    "radam": RAdam,
    "ranger": ranger,
    "rmsprop": RMSProp,
    "sgd": SGD,
}


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


class Average(Replayable):
    """Key `train.ema`: a running mean of the weights, which is validated, kept and exported in their place.

    Follows weights and batch-norm statistics over all phases; takes their place when an epoch is scored.
    decay: share of the mean that stays at each step. Source: torch.optim.swa_utils, Averaging models.
    mean: by tensor name, what the model would be at the end; None before the first step.
    """

    order = 62  # after KeepBest, which saves what was scored, and before Checkpoint, which needs both

    def __init__(self, decay: float) -> None:
        self.follow = get_ema_multi_avg_fn(decay)
        self.mean: dict[str, torch.Tensor] | None = None
        self.scored = False

    def before_fit(self) -> None:
        """Begin with what the first phase begins with."""
        if self.mean is None:
            self.mean = {name: tensor.clone() for name, tensor in self._tensors(self.learn).items()}

    def after_batch(self) -> None:
        """Follow one step."""
        if self.training and not self.replayed:
            self.follow(list(self.mean.values()), list(self._tensors(self.learn).values()), None)

    def before_validate(self) -> None:
        """The mean is scored."""
        self._exchange(self.learn)

    def after_epoch(self) -> None:
        """Training goes on from the weights."""
        if self.scored:  # else skipped: done before the run was taken up again
            self._exchange(self.learn)

    def finish(self, learn: Learner) -> None:
        """Leave the mean in the model."""
        if self.mean is not None and not self.scored:
            self._exchange(learn)

    def _exchange(self, learn: Learner) -> None:
        self.scored = not self.scored
        with torch.no_grad():
            for name, tensor in self._tensors(learn).items():
                weights = tensor.clone()
                tensor.copy_(self.mean[name])
                self.mean[name].copy_(weights)

    @staticmethod
    def _tensors(learn: Learner) -> dict[str, torch.Tensor]:
        """Weights and statistics; counters are no numbers to average."""
        found = learn.model.state_dict().items()
        return {name: tensor.detach() for name, tensor in found if tensor.is_floating_point()}


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


def loss(section: Train, learn: Learner) -> Callable[..., torch.Tensor]:
    """The section's loss with its smoothing and class weights; validation loss has them too."""
    if section.loss == "cross_entropy" and not section.label_smoothing and section.class_weights == "none":
        return learn.loss_func
    weight, dls = None, learn.dls
    if section.class_weights == "balanced":
        labels = dls.train.items["label"].to_numpy()
        weights = compute_class_weight("balanced", classes=np.array(dls.vocab), y=labels)
        weight = torch.tensor(weights, dtype=torch.float32, device=dls.device)
    if section.label_smoothing:
        return LabelSmoothingCrossEntropyFlat(eps=section.label_smoothing, weight=weight)
    kind = FocalLossFlat if section.loss == "focal" else CrossEntropyLossFlat
    return kind(weight=weight)


def choose_optimizer(section: Train, learn: Learner) -> None:
    """Give the learner the section's optimizer, with the same groups frozen; Adam leaves it what it has."""
    if section.opt_func == "adam":
        return
    frozen = learn.opt.frozen_idx if learn.opt is not None else 0
    learn.opt_func = OPTIMIZERS[section.opt_func]
    learn.create_opt()
    learn.freeze_to(frozen)


class LogitAdjustment(Callback):
    """Adds the log of its share to each class's logit in training; what is then learned is for equal shares.

    strength: factor, Menon's tau. labels: class numbers of the training photos.
    Source: Menon et al., 2021, "Long-tail learning via logit adjustment", arXiv:2007.07314.
    """

    order = 20  # after precision, which gives the logits as float32

    def __init__(self, strength: float, labels: np.ndarray, classes: int) -> None:
        shares = np.bincount(labels, minlength=classes) / len(labels)
        self.added = torch.tensor(strength * np.log(np.maximum(shares, 1e-9)), dtype=torch.float32)

    def after_pred(self) -> None:
        """The logits that the loss sees."""
        if self.training:
            self.learn.pred = self.pred + self.added.to(self.pred.device)


def wanted(section: Train, learn: Learner) -> list[Callback]:
    """What the section asks for beside every training stage."""
    found = []
    if section.logit_adjustment:
        dls = learn.dls
        labels = dls.train.items["label"].map({name: number for number, name in enumerate(dls.vocab)})
        found.append(LogitAdjustment(section.logit_adjustment, labels.to_numpy(int), len(dls.vocab)))
    if section.freeze_bn:
        found.append(FreezeBN())
    if section.mixup:
        found.append(MixUp(section.mixup))
    if section.cutmix:
        found.append(CutMix(section.cutmix))
    return found
