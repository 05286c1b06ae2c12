"""Backbones of torchvision and of timm."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import huggingface_hub
import timm
import torchvision
from fastai.vision.learner import TimmBody, create_body, model_meta
from PIL import Image
from timm.data import ImageNetInfo, create_transform, infer_imagenet_subset, resolve_data_config
from timm.models import PretrainedCfg
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

HUB_FILE = "model.safetensors"


def torchvision_names() -> list[str]:
    """Every classification network that torchvision brings."""
    return torchvision.models.list_models(module=torchvision.models)


class TorchvisionBackbone(Backbone):
    """A network of torchvision.models with the weights that torchvision calls DEFAULT."""

    library = "torchvision"

    @classmethod
    def named(cls, name: str) -> TorchvisionBackbone:
        """Look up a name that `torchvision_names` lists."""
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


def timm_names() -> list[str]:
    """Every architecture that timm brings; each also goes with `.` and the tag of one of its weights."""
    return timm.list_models()


class TimmBackbone(Backbone):
    """A network of timm with the weights of its first tag, or of the tag in its name."""

    library = "timm"

    @classmethod
    def named(cls, name: str) -> TimmBackbone:
        """Look up an architecture, with or without tag. Raises RuntimeError when the tag is unknown."""
        cfg = timm.get_pretrained_cfg(name)
        classifier = cfg.classifier or ()
        return cls(
            name=name,
            size=cfg.input_size[-1],
            fixed=cfg.fixed_input_size,
            stats=(tuple(cfg.mean), tuple(cfg.std)),
            url=huggingface_hub.hf_hub_url(cfg.hf_hub_id, HUB_FILE) if cfg.hf_hub_id else cfg.url,
            file=_file_name(cfg),
            head=tuple(f"{part}." for part in ([classifier] if isinstance(classifier, str) else classifier)),
        )

    @override
    def network(self) -> nn.Module:
        return timm.create_model(self.name)

    @override
    def pretrained(self, file: Path) -> nn.Module:
        # With its own number of classes timm loads strictly; hub files are in timm's own format.
        overlay = {"file": str(file), "custom_load": file.suffix == ".npz"}
        return timm.create_model(self.name, pretrained=True, pretrained_cfg_overlay=overlay)

    @override
    def body(self, network: nn.Module) -> nn.Module:
        network.reset_classifier(0)
        body = TimmBody(network)
        if body.needs_pool:
            # Some networks keep channels last or give tokens, which fastai's head would pool wrongly.
            shape = self.features(body)
            body.needs_pool = len(shape) == 3 and shape[0] == network.num_features
        return body

    @override
    def preprocess(self) -> Callable[[Image.Image], Tensor]:
        return create_transform(**resolve_data_config(timm.get_pretrained_cfg(self.name).to_dict()))

    @override
    def categories(self) -> list[str]:
        cfg = timm.get_pretrained_cfg(self.name)
        if cfg.label_names:
            return list(cfg.label_names)
        return ImageNetInfo(infer_imagenet_subset(cfg.to_dict())).label_descriptions()

    @override
    def cached(self) -> Path | None:
        repository = timm.get_pretrained_cfg(self.name).hf_hub_id
        file = huggingface_hub.try_to_load_from_cache(repository, HUB_FILE) if repository else None
        return Path(file) if isinstance(file, str) else None


def _file_name(cfg: PretrainedCfg) -> str:
    if cfg.hf_hub_id or not cfg.url:
        return f"{cfg.architecture}.{cfg.tag}.safetensors" if cfg.tag else f"{cfg.architecture}.safetensors"
    return cfg.url.rpartition("/")[2]
