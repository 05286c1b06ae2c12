"""Backbone, weights and head become a fastai Learner."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastai.vision.learner import Learner, create_head, model_meta, vision_learner
from fastcore.basics import noop
from torch import nn

from kimchi_vision.config.sections import Model
from kimchi_vision.model import groups, weights
from kimchi_vision.model.backbone import Backbone


def learner(section: Model, backbone: Backbone, dls: Any, path: Path) -> Learner:
    """fastai's vision_learner with checked weights: a body, and a head with one output for each class of dls.

    Normalisation belongs to dls: nothing is added to it. Three parameter groups, body's first half, its
    second half, head; frozen up to the head (batch and layer norms excepted, as fastai does) unless
    `weights` is none.
    path: folder for what fastai writes during training.
    Raises ModelError when the weights cannot be had or do not fit.
    """
    body = backbone.body(weights.load(backbone, section.weights))
    features = backbone.features(body)
    head = create_head(
        features[0],
        len(dls.vocab),
        lin_ftrs=list(section.lin_ftrs) if section.lin_ftrs is not None else None,
        ps=section.ps,
        concat_pool=section.concat_pool,
        pool=len(features) == 3,
    )

    # vision_learner calls its arch and cuts the result; ours is cut already, so that weights are checked.
    def arch(pretrained: bool) -> nn.Module:
        return body

    model_meta[arch] = {"cut": noop, "split": backbone.splitter or groups.split}
    try:
        learn = vision_learner(
            dls, arch, normalize=False, pretrained=section.weights != "none", custom_head=head, path=path
        )
    finally:
        del model_meta[arch]
    learn.arch = backbone.name
    return learn
