"""Backbone, weights and head become a fastai Learner; and what a model is made of, as text and as figures."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from fastai.callback.hook import Hooks
from fastai.data.core import DataLoaders
from fastai.learner import Learner
from fastai.torch_core import norm_bias_params
from fastai.vision.learner import create_head, model_meta, vision_learner
from fastcore.basics import noop
from torch import Tensor, nn

from kimchi_vision.base.errors import ModelError
from kimchi_vision.base.numbers import percent
from kimchi_vision.base.plain import Json
from kimchi_vision.config.sections import Model
from kimchi_vision.learning.model import groups, weights
from kimchi_vision.learning.model.backbone import Backbone
from kimchi_vision.learning.model.find import named
from kimchi_vision.learning.model.side_by_side import SideBySide
from kimchi_vision.results.preprocess import Preprocess

ROW = "{:<44} {:<28} {:<18} {:>12}  {}"


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


def summary(learn: Learner, size: int) -> tuple[str, Json]:
    """Layers with output shapes and parameters, as text; totals as facts. The learner stays as it is.

    size: side of the photo that is sent through, pixels.
    facts: `parameters`; `trainable`, with `frozen` up to the head and `unfrozen`; `groups`, parameters of
    each parameter group; `size_mb`, megabytes (10^6 bytes) of all parameters and buffers.
    """
    groups = learn.splitter(learn.model)
    trained = {id(p) for p in groups[-1]}
    if learn.train_bn:
        trained |= {id(p) for p in norm_bias_params(learn.model, with_bias=False)}
    parameters = list(learn.model.parameters())
    facts = {
        "parameters": _count(parameters),
        "trainable": {
            "frozen": _count(p for p in parameters if id(p) in trained),
            "unfrozen": _count(p for group in groups for p in group),
        },
        "groups": [_count(group) for group in groups],
        "size_mb": round(sum(t.nbytes for t in learn.model.state_dict().values()) / 1e6, 1),
    }
    return "\n".join([*_rows(learn.model, size, trained), "", *_totals(facts)]) + "\n", facts


def _rows(model: nn.Module, size: int, trained: set[int]) -> list[str]:
    """A line for each module that holds parameters, or changes a photo and holds no other modules."""
    shown = {
        name: module
        for name, module in model.named_modules()
        if _own(module) or not (isinstance(module, nn.Identity) or list(module.children()))
    }
    photo = torch.zeros(1, 3, size, size, device=next(model.parameters()).device)
    with evaluating(model), torch.no_grad(), Hooks([*shown.values()], _output_shape) as hooks:
        model(photo)
        shapes = list(hooks.stored)
    rows = [ROW.format("layer", "type", "output", "parameters", "while frozen"), "-" * 118]
    for (name, module), shape in zip(shown.items(), shapes, strict=True):
        if own := _own(module):
            about = f"{_count(own):,}", "trained" if any(id(p) in trained for p in own) else "kept"
        elif shape:
            about = "", ""
        else:
            continue
        output = " x ".join(map(str, shape or ()))
        rows.append(ROW.format(name, type(module).__name__, output, *about).rstrip())
    return rows


def _own(module: nn.Module) -> list[nn.Parameter]:
    return list(module.parameters(recurse=False))


def _output_shape(module: nn.Module, inputs: object, output: object) -> list[int] | None:
    first = output[0] if isinstance(output, tuple | list) else output
    return list(first.shape[1:]) if isinstance(first, Tensor) else None


def _totals(facts: Json) -> list[str]:
    trainable = facts["trainable"]
    frozen = percent(trainable["frozen"] / facts["parameters"])
    return [
        f"Parameters           {facts['parameters']:>14,}",
        f"Trainable, frozen    {trainable['frozen']:>14,}  ({frozen})",
        f"Trainable, unfrozen  {trainable['unfrozen']:>14,}",
        f"Parameter groups     {' + '.join(f'{count:,}' for count in facts['groups'])}",
        f"Size                 {facts['size_mb']:>14,} MB",
    ]


def _count(parameters: Iterable[nn.Parameter]) -> int:
    return sum(p.numel() for p in parameters)


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """The network in evaluation mode inside the block; each of its modules gets its own mode back."""
    training = {module: module.training for module in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for module, mode in training.items():
            module.training = mode
