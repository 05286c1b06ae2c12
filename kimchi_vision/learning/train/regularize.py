"""Keys of `train` that keep a model from learning its photos by heart, each one a part of fastai."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from fastai.callback.mixup import CutMix, MixUp
from fastai.losses import CrossEntropyLossFlat, LabelSmoothingCrossEntropyFlat
from sklearn.utils.class_weight import compute_class_weight

from kimchi_vision.learning.train.callbacks import FreezeBN

if TYPE_CHECKING:
    from fastai.learner import Learner

    from kimchi_vision.config.sections import Train


def loss(section: Train, learn: Learner) -> Any:
    """Cross-entropy with the section's smoothing and class weights; validation loss has them too."""
    if not section.label_smoothing and section.class_weights == "none":
        return learn.loss_func
    weight, dls = None, learn.dls
    if section.class_weights == "balanced":
        labels = dls.train.items["label"].to_numpy()
        weights = compute_class_weight("balanced", classes=np.array(dls.vocab), y=labels)
        weight = torch.tensor(weights, dtype=torch.float32, device=dls.device)
    if section.label_smoothing:
        return LabelSmoothingCrossEntropyFlat(eps=section.label_smoothing, weight=weight)
    return CrossEntropyLossFlat(weight=weight)


def callbacks(section: Train) -> list[Any]:
    """What the section asks for beside every training stage."""
    wanted = []
    if section.freeze_bn:
        wanted.append(FreezeBN())
    if section.mixup:
        wanted.append(MixUp(section.mixup))
    if section.cutmix:
        wanted.append(CutMix(section.cutmix))
    return wanted
