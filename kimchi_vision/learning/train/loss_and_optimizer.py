"""Keys of `train` that choose the loss, the optimizer, and what is beside every stage: parts of fastai."""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from fastai.callback.core import Callback
from fastai.callback.mixup import CutMix, MixUp
from fastai.learner import Learner
from fastai.losses import CrossEntropyLossFlat, FocalLossFlat, LabelSmoothingCrossEntropyFlat
from fastai.optimizer import SGD, Adam, Lamb, OptimWrapper, QHAdam, RAdam, RMSProp, ranger
from sklearn.utils.class_weight import compute_class_weight
from timm.optim import Lion

from kimchi_vision.config.sections import Train
from kimchi_vision.learning.train.callbacks import FreezeBN

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


def callbacks(section: Train, learn: Learner) -> list[Callback]:
    """What the section asks for beside every training stage."""
    wanted = []
    if section.logit_adjustment:
        dls = learn.dls
        labels = dls.train.items["label"].map({name: number for number, name in enumerate(dls.vocab)})
        wanted.append(LogitAdjustment(section.logit_adjustment, labels.to_numpy(int), len(dls.vocab)))
    if section.freeze_bn:
        wanted.append(FreezeBN())
    if section.mixup:
        wanted.append(MixUp(section.mixup))
    if section.cutmix:
        wanted.append(CutMix(section.cutmix))
    return wanted
