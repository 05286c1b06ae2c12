"""Grad-CAM: how much each place of the last feature map speaks for a class, and a network asked so."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from kimchi_vision.base.errors import ModelError
from kimchi_vision.base.files import replacing
from kimchi_vision.data.photo import Photo, open_photo
from kimchi_vision.learning.model.build import evaluating
from kimchi_vision.results import plots
from kimchi_vision.results.preprocess import Preprocess

LAST_ATTENTION = ("norm1", "ln_1")
"""Names of the norm before attention in timm's and torchvision's transformers. The last one is explained:
behind it, patches no longer count where a class token alone is pooled."""

BATCH = 16


@dataclass(frozen=True)
class Seen:
    """What a network says about photos, and where it looks.

    logits: (photos, classes). maps: (photos, height, width), 0 where nothing speaks for the class.
    """

    logits: Tensor
    maps: Tensor


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


class Look(NamedTuple):
    """What a network says about a photo, and where it looks for that.

    square: what it sees of the photo. heat: (height, width), 0 to 1. logits: (classes,).
    """

    square: Image.Image
    heat: np.ndarray
    logits: np.ndarray

    def drawn(self) -> Image.Image:
        """The heat on the photo."""
        heat = Image.fromarray(self.heat).resize(self.square.size, Image.Resampling.BICUBIC)
        return Image.fromarray(plots.heat(self.square, np.clip(np.asarray(heat), 0, 1)))


class Explainer:
    """A network of body and head, photos (n, 3, size, size) to logits, that is asked where it looks.

    The map that the body gives is explained; for a body that gives pooled features, that of its last
    attention block, its tokens laid out as their patches lie. preprocess: from a photo to what it takes.
    Source: Selvaraju et al., 2017, "Grad-CAM", arXiv:1610.02391.
    Raises ModelError when the network has no map of more than one place.
    """

    def __init__(self, network: nn.Module, preprocess: Preprocess) -> None:
        self.network, self.preprocess = network, preprocess
        self._layer = _layer(network, preprocess.size)

    def looks(self, files: Sequence[Photo]) -> Iterator[Look]:
        """One Look a photo, at what speaks for its most probable class. Errors as open_photo's."""
        for file in files:
            photo = open_photo(file)
            seen = self.seen(self.preprocess(photo)[None])
            heat = seen.maps[0].numpy()
            heat = heat / max(
                float(heat.max()), 1e-12
            )  # a map of zeros stays one: nothing speaks for the class
            yield Look(self.preprocess.square(photo), heat, seen.logits[0].numpy())

    def seen(self, inputs: np.ndarray) -> Seen:
        """Logits and maps of prepared photos (n, 3, size, size), in batches."""
        found = [self._grad_cam(photos) for photos in self._batches(inputs)]
        return Seen(torch.cat([one.logits for one in found]), torch.cat([one.maps for one in found]))

    def answers(self, inputs: np.ndarray) -> np.ndarray:
        """The most probable class of each prepared photo, as its place in the vocab."""
        with evaluating(self.network), torch.inference_mode():
            found = [self.network(photos).argmax(1).cpu() for photos in self._batches(inputs)]
        return torch.cat(found).numpy()

    def _batches(self, inputs: np.ndarray) -> Iterator[Tensor]:
        device = next(self.network.parameters()).device
        return (torch.from_numpy(inputs[at : at + BATCH]).to(device) for at in range(0, len(inputs), BATCH))

    def _grad_cam(self, photos: Tensor) -> Seen:
        with evaluating(self.network), torch.enable_grad(), _kept_output(self._layer) as kept:
            logits = self.network(photos)
            (gradient,) = torch.autograd.grad(logits.max(1).values.sum(), kept[0])
        values, slopes = (_channels_first(part, self._layer).float() for part in (kept[0].detach(), gradient))
        maps = (slopes.mean((2, 3), keepdim=True) * values).sum(1).relu()
        return Seen(logits.detach().float().cpu(), maps.cpu())


def save(look: Look, path: Path) -> None:
    """Write the drawn heat, whole or not at all."""
    with replacing(path) as temporary:
        look.drawn().save(temporary, quality=88)
