"""Grad-CAM: how much each place of the last feature map speaks for a class."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from kimchi_vision.base.errors import ModelError
from kimchi_vision.learning.model.layers import evaluating

LAST_ATTENTION = ("norm1", "ln_1")
"""Names of the norm before attention in timm's and torchvision's transformers. The last one is explained:
behind it, patches no longer count where a class token alone is pooled."""


@dataclass(frozen=True)
class Seen:
    """What a network says about photos, and where it looks.

    logits: (photos, classes). maps: (photos, height, width), 0 where nothing speaks for the class.
    """

    logits: Tensor
    maps: Tensor


class GradCam:
    """Maps for a network of body and head.

    The map that the body gives is explained; for a body that gives pooled features, that of its last
    attention block. size: side of the photos, pixels.
    Source: Selvaraju et al., 2017, "Grad-CAM", arXiv:1610.02391; tokens are laid out as their patches lie.
    Raises ModelError when the network has no map of more than one place.
    """

    def __init__(self, network: nn.Module, size: int) -> None:
        self.network, self.size = network, size
        self.layer = _layer(network, size)

    def __call__(self, photos: Tensor, classes: Tensor | None = None) -> Seen:
        """Explain one class of each photo, by default the most probable one.

        photos: (n, 3, size, size), normalised. classes: (n,).
        """
        with evaluating(self.network), torch.enable_grad(), _kept_output(self.layer) as kept:
            logits = self.network(photos)
            chosen = logits.argmax(1) if classes is None else classes
            score = logits.gather(1, chosen[:, None]).sum()
            (gradient,) = torch.autograd.grad(score, kept[0])
        values, slopes = (_channels_first(part, self.layer).float() for part in (kept[0].detach(), gradient))
        maps = (slopes.mean((2, 3), keepdim=True) * values).sum(1).relu()
        return Seen(logits.detach().float().cpu(), maps.cpu())


def _layer(network: nn.Module, size: int) -> nn.Module:
    """The module whose output is explained."""
    shapes: dict[nn.Module, torch.Size] = {}

    def note(module: nn.Module, inputs: object, output: object) -> None:
        if isinstance(output, Tensor):
            shapes[module] = output.shape

    with evaluating(network), torch.no_grad(), ExitStack() as hooks:
        for module in network.modules():
            hooks.enter_context(module.register_forward_hook(note))
        network(torch.zeros(1, 3, size, size, device=next(network.parameters()).device))
    body = next(network.children())
    if _has_places(shapes.get(body, ())):
        return body
    found = [module for module, shape in shapes.items() if _has_places(shape)]
    attention = [
        module
        for name, module in body.named_modules()
        if name.rpartition(".")[2] in LAST_ATTENTION and len(shapes.get(module, ())) in (3, 4)
    ]
    if not (attention or found):
        raise ModelError(
            "This backbone has no map of more than one place, so where it looks cannot be drawn. "
            "Larger photos (`augment.size`) give larger maps."
        )
    return (attention or found)[-1]


def _has_places(shape: Sequence[int]) -> bool:
    return len(shape) == 4 and min(shape[2:]) > 1


def _channels_first(values: Tensor, layer: nn.Module) -> Tensor:
    """Maps (n, c, h, w) from maps, maps with channels last, or tokens (n, t, c) of a square grid."""
    if values.ndim == 3:
        side = int(values.shape[1] ** 0.5)
        # Class and register tokens come first.
        grid = values[:, values.shape[1] - side * side :]
        return grid.transpose(1, 2).unflatten(2, (side, side))
    last = type(layer) is nn.LayerNorm
    return values.permute(0, 3, 1, 2) if last else values


@contextmanager
def _kept_output(layer: nn.Module) -> Iterator[list[Tensor]]:
    """The layer's output inside the block, as a leaf: nothing before it needs a gradient."""
    kept: list[Tensor] = []

    def keep(module: nn.Module, inputs: object, output: Tensor) -> Tensor:
        kept.append(output.detach().requires_grad_())
        return kept[0].clone()  # layers behind it may write in place

    with layer.register_forward_hook(keep):
        yield kept
