"""What a model is made of, as text and as figures."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from fastai.callback.hook import Hooks
from fastai.learner import Learner
from fastai.torch_core import norm_bias_params
from torch import Tensor, nn

from kimchi_vision.base.numbers import percent
from kimchi_vision.base.plain import Json

ROW = "{:<44} {:<28} {:<18} {:>12}  {}"


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
