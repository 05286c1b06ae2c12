"""Parameter groups of a model of body and head.

cloudpickle stores this module's functions inside an exported learner, so that it loads on a machine
without kimchi_vision; hence it must import nothing of kimchi_vision.
"""

import sys

import cloudpickle
from fastai.torch_core import params
from fastai.vision.learner import TimmBody
from fastcore.foundation import L
from timm.models import group_parameters
from torch import nn

cloudpickle.register_pickle_by_value(sys.modules[__name__])


def split(model: nn.Sequential) -> L:
    """Three groups, as fastai has them for resnets: the body's first half, its second half, the head.

    Halves by number of layers, in the order in which a photo passes them; of bodies side by side those of the
    first, which learns.
    """
    body, head = model
    learns = getattr(body, "bodies", [body])[0]
    known = isinstance(learns, TimmBody) and hasattr(learns.model, "group_matcher")
    layers = _timm_layers(learns.model) if known else _layers(learns)
    half = len(layers) // 2
    return L(_joined(layers[:half]), _joined(layers[half:]), params(head))


def _joined(layers: list[list[nn.Parameter]]) -> list[nn.Parameter]:
    return [parameter for layer in layers for parameter in layer]


def _timm_layers(network: nn.Module) -> list[list[nn.Parameter]]:
    parameters = dict(network.named_parameters())
    layers = group_parameters(network, network.group_matcher(coarse=False))
    return [[parameters[name] for name in names] for _, names in sorted(layers.items())]


def _layers(module: nn.Module) -> list[list[nn.Parameter]]:
    """Parameters child by child; a child that holds nearly all of them is opened in its place."""
    total = sum(p.numel() for p in module.parameters())
    own = list(module.parameters(recurse=False))
    layers = [own] if own else []
    for child in module.children():
        inside = params(child)
        if sum(p.numel() for p in inside) > 0.9 * total and list(child.children()):
            layers += _layers(child)
        elif inside:
            layers.append(inside)
    return layers
