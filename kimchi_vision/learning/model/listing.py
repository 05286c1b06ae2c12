"""The backbones there are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch

import torch
import torchvision

from kimchi_vision.base.sentence import Text
from kimchi_vision.learning.model import from_timm, from_torchvision, weights
from kimchi_vision.learning.model.backbone import Backbone
from kimchi_vision.learning.model.find import named
from kimchi_vision.learning.model.from_timm import TimmBackbone
from kimchi_vision.learning.model.from_torchvision import TorchvisionBackbone

# What is listed without a pattern: each is built, frozen, trained and exported by a test.
COMMON = (
    "resnet18",
    "resnet34",
    "resnet50",
    "efficientnet_v2_s",
    "efficientnet_b2",
    "convnext_tiny",
    "vit_b_16",
    "tf_efficientnet_lite0",
    "vit_small_patch16_224",
)


@dataclass(frozen=True)
class Row:
    """One backbone; `said` gives an aligned line.

    backbone: the name for `model.backbone`, prefixed where both libraries have it and it is timm's.
    size: side of the photos that its weights were trained on, pixels; fixed: it takes no other.
    weights: which settings of `model.weights` need no network; empty when none does.
    """

    backbone: str
    library: str
    parameters: int
    size: int
    fixed: bool
    weights: str

    def said(self, text: Text) -> str:
        """One line of a list."""
        size = text("{size} only", size=self.size) if self.fixed else f"{self.size}"
        millions = f"{self.parameters / 1e6:.1f} M"
        here = text("weights: {where}", where=self.weights or text("not here"))
        return f"{self.backbone:<44} {self.library:<12} {millions:>9} {size:>9} px  {here}"


def at_hand(backbone: str, setting: str) -> bool:
    """Whether a `model.weights` setting of a backbone needs no network."""
    return setting in weights.at_hand(named(backbone)).split(", ")


def catalog(pattern: str = "") -> Iterator[Row]:
    """Backbones whose name holds the pattern, or matches it when it has wildcards; the common ones without.

    Row by row, since the parameters of each of timm's networks are counted.
    """
    if pattern and not set("*?[") & set(pattern):
        pattern = f"*{pattern}*"
    ours = from_torchvision.names()
    for name in ours:
        if _listed(name, pattern):
            yield _row(TorchvisionBackbone.named(name), name)
    for name in from_timm.names():
        shown = f"timm:{name}" if name in ours else name
        if _listed(shown, pattern) or (pattern and fnmatch(name, pattern)):
            yield _row(TimmBackbone.named(name), shown)


def _listed(name: str, pattern: str) -> bool:
    return fnmatch(name, pattern) if pattern else name in COMMON


def _row(backbone: Backbone, shown: str) -> Row:
    about = backbone.library, _parameters(backbone), backbone.size, backbone.fixed
    return Row(shown, *about, weights.at_hand(backbone))


def _parameters(backbone: Backbone) -> int:
    if isinstance(backbone, TorchvisionBackbone):
        return torchvision.models.get_model_weights(backbone.name).DEFAULT.meta["num_params"]
    with torch.device("meta"):
        return sum(p.numel() for p in backbone.network().parameters())
