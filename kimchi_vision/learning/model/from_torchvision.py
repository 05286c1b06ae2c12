"""Backbones of torchvision."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torchvision
from fastai.vision.learner import create_body, model_meta
from PIL import Image
from torch import Tensor, nn
from typing_extensions import override

from kimchi_vision.base.plain import Json
from kimchi_vision.learning.model.backbone import Backbone, Splitter

# The classifiers of torchvision's networks, and the second ones that only inception and googlenet train with.
HEADS = ("fc.", "classifier.", "heads.", "head.", "AuxLogits.", "aux1.", "aux2.")

# They scale their photos to -1..1 themselves, in a part of `forward` that the body lacks.
TWO_HEADS = ("googlenet", "inception_v3")

# fastai cuts a network at its last pooling layer; these pool inside `forward`, or in their features only.
LAST_LAYERS = {"densenet": -1, "mnasnet": -1, "mobilenet_v2": -1, "shufflenet": -1}


def names() -> list[str]:
    """Every classification network that torchvision brings."""
    return torchvision.models.list_models(module=torchvision.models)


class TorchvisionBackbone(Backbone):
    """A network of torchvision.models with the weights that torchvision calls DEFAULT."""

    library = "torchvision"

    @classmethod
    def named(cls, name: str) -> TorchvisionBackbone:
        """Look up a name that `names` lists."""
        weights = _weights(name)
        transforms = weights.transforms()
        return cls(
            name=name,
            size=transforms.crop_size[0],
            fixed=name.startswith(("vit_", "maxvit_")),
            stats=((0.5,) * 3,) * 2 if name in TWO_HEADS else (tuple(transforms.mean), tuple(transforms.std)),
            url=weights.url,
            file=weights.url.rpartition("/")[2],
            head=HEADS,
        )

    @override
    def network(self) -> nn.Module:
        options: Json = {"image_size": self.size} if self.name.startswith("vit_") else {}
        if self.name in TWO_HEADS:
            options = {"aux_logits": False, "init_weights": True}
        return torchvision.models.get_model(self.name, weights=None, **options)

    @override
    def pretrained(self, file: Path) -> nn.Module:
        # torchvision finds the file by itself: it lies under its exact name in torch.hub's folder.
        options = {"aux_logits": False} if self.name in TWO_HEADS else {}
        return torchvision.models.get_model(self.name, weights=_weights(self.name), **options)

    @override
    def body(self, network: nn.Module) -> nn.Module:
        if self.name.startswith("vit_"):
            network.heads = nn.Identity()
            return network
        if self.name.startswith("maxvit_"):
            return nn.Sequential(network.stem, *network.blocks)
        cut = next((cut for family, cut in LAST_LAYERS.items() if self.name.startswith(family)), None)
        return create_body(network, cut=cut)

    @override
    def preprocess(self) -> Callable[[Image.Image], Tensor]:
        return _weights(self.name).transforms()

    @override
    def categories(self) -> list[str]:
        return list(_weights(self.name).meta["categories"])

    @property
    @override
    def splitter(self) -> Splitter | None:
        return model_meta.get(torchvision.models.get_model_builder(self.name), {}).get("split")


def _weights(name: str) -> torchvision.models.WeightsEnum:
    return torchvision.models.get_model_weights(name).DEFAULT
