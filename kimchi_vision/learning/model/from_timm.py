"""Backbones of timm."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import huggingface_hub
import timm
from fastai.vision.learner import TimmBody
from PIL import Image
from timm.data import ImageNetInfo, create_transform, infer_imagenet_subset, resolve_data_config
from timm.models import PretrainedCfg
from torch import Tensor, nn
from typing_extensions import override

from kimchi_vision.learning.model.backbone import Backbone

HUB_FILE = "model.safetensors"


def names() -> list[str]:
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
