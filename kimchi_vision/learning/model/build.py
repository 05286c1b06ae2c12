"""Backbone, weights and head become a fastai Learner."""

from pathlib import Path

import torch
from fastai.data.core import DataLoaders
from fastai.vision.learner import Learner, create_head, model_meta, vision_learner
from fastcore.basics import noop
from torch import nn

from kimchi_vision.base.errors import ModelError
from kimchi_vision.config.sections import Model
from kimchi_vision.learning.model import groups, weights
from kimchi_vision.learning.model.backbone import Backbone
from kimchi_vision.learning.model.find import named
from kimchi_vision.learning.model.side_by_side import SideBySide
from kimchi_vision.results.preprocess import Preprocess


def learner(section: Model, backbone: Backbone, dls: DataLoaders, path: Path) -> Learner:
    """fastai's vision_learner with checked weights: a body, and a head with one output for each class of dls.

    Normalisation belongs to dls: nothing is added to it. Three parameter groups, body's first half, its
    second half, head; frozen up to the head (batch and layer norms excepted, as fastai does) unless
    `weights` is none.
    path: folder for what fastai writes during training.
    Raises ModelError when the weights cannot be had or do not fit.
    """
    body = backbone.body(weights.load(backbone, section.weights))
    head = _head(section, backbone, body, len(dls.vocab))

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
    learn.model.to(dls.device)
    learn.arch = backbone.name
    if isinstance(body, SideBySide):  # the others have no say before the stage `probe` gives them one
        torch.nn.init.zeros_(learn.model[1][-1].weight[:, body.first :])
    return learn


def frozen(section: Model) -> tuple[nn.Module, Preprocess]:
    """A backbone's body with its weights, in evaluation mode, and the steps from a photo to what it takes.

    Errors as in `learner`.
    """
    backbone = named(section.backbone)
    body = backbone.body(weights.load(backbone, section.weights))
    mean, std = backbone.stats
    return body.eval(), Preprocess(backbone.size, backbone.size, mean=tuple(mean), std=tuple(std))


def restored(section: Model, tensors: Path, classes: int) -> nn.Sequential:
    """The network of a finished run, body and head, in evaluation mode; no pickle is read.

    tensors: model.safetensors or weights.pth of the run.
    Raises ModelError when the file holds another network.
    """
    backbone = named(section.backbone)
    body = backbone.body(backbone.network())
    network = nn.Sequential(body, _head(section, backbone, body, classes))
    try:
        network.load_state_dict(weights.read(tensors))
    except RuntimeError as error:
        raise ModelError(
            "{file} is not the network of its experiment.yaml ({reason}). Put back the files that the run "
            "wrote, or run the experiment again with --force.",
            file=tensors,
            reason=error,
        ) from None
    return network.eval()


def _head(section: Model, backbone: Backbone, body: nn.Module, classes: int) -> nn.Sequential:
    """A head for what the body gives for a photo, (channels, height, width) or (channels,)."""
    features = backbone.features(body)
    if len(backbone.parts) > 1 and section.head != "linear":
        raise ModelError(
            "model.backbone {backbone}: several backbones need `model.head: linear`, which `recipe: "
            "quick` and `recipe: best` set.",
            backbone=backbone.name,
        )
    if section.head == "linear":
        pool = [nn.AdaptiveAvgPool2d(1), nn.Flatten()] if len(features) == 3 else []
        return nn.Sequential(*pool, nn.Dropout(section.ps), nn.Linear(features[0], classes))
    return create_head(
        features[0],
        classes,
        lin_ftrs=list(section.lin_ftrs) if section.lin_ftrs is not None else None,
        ps=section.ps,
        concat_pool=section.concat_pool,
        pool=len(features) == 3,
    )
