"""From the name in an experiment file to a backbone, without ambiguity."""

from __future__ import annotations

import difflib

import timm
import torch

from kimchi_vision.base.errors import ModelError
from kimchi_vision.base.sentence import Sentence
from kimchi_vision.config.sections import Model
from kimchi_vision.learning.model import from_timm, from_torchvision, weights
from kimchi_vision.learning.model.backbone import Backbone, JoinedBackbone
from kimchi_vision.learning.model.from_timm import TimmBackbone
from kimchi_vision.learning.model.from_torchvision import TorchvisionBackbone


def find(section: Model, size: int) -> Backbone:
    """Look up the backbone of an experiment; see that its weights are at hand and that it takes its photos.

    size: side of the photos in pixels, `augment.size`.
    Raises ModelError when the name is unknown, the size does not fit, or the weights cannot be had or
    belong to another backbone.
    """
    backbone = named(section.backbone)
    check_size(backbone, size)
    weights.check(backbone, section.weights)
    return backbone


def named(name: str) -> Backbone:
    """Look up a backbone. A name that both libraries have is torchvision's; a prefix chooses:
    `torchvision:resnet18`, `timm:resnet18`. Names with + between them are joined.

    Raises ModelError, which gives the nearest names.
    """
    if "+" in name:
        return JoinedBackbone.of([named(each) for each in name.split("+")])
    library, colon, bare = name.rpartition(":")
    if library not in ("", "torchvision", "timm") or (colon and not library):
        raise ModelError(
            "model.backbone {name}: the prefix is timm: or torchvision:, not {library}:.",
            name=name,
            library=library,
        )
    if library != "timm" and bare in from_torchvision.names():
        return TorchvisionBackbone.named(bare)
    if library != "torchvision" and timm.is_model(bare):
        try:
            return TimmBackbone.named(bare)
        except RuntimeError:
            tagged = timm.list_pretrained(f"{bare.partition('.')[0]}.*")
            raise ModelError(
                "model.backbone {name}: no such tag; timm has {tags}.", name=name, tags=", ".join(tagged)
            ) from None
    near = _nearest(bare, library)
    raise ModelError(
        "model.backbone {name}: no such name in {library}.{hint} `models` lists them.",
        name=name,
        library=library or "torchvision, timm",
        hint=Sentence(" Did you mean {near}?", near=", ".join(near)) if near else "",
    )


def _nearest(name: str, library: str) -> list[str]:
    known = {
        "torchvision": from_torchvision.names(),
        "timm": from_timm.names(),
        "": [*from_torchvision.names(), *from_timm.names()],
    }[library]
    return list(dict.fromkeys(difflib.get_close_matches(name, known, n=4)))


def check_size(backbone: Backbone, size: int, key: str = "augment.size") -> None:
    """Raise ModelError, which names the key, unless the backbone takes photos of this many pixels a side."""
    if len(backbone.parts) > 1:
        for part in backbone.parts:
            check_size(part, size, key)
        return
    if backbone.fixed and size != backbone.size:
        raise ModelError(
            "model.backbone {backbone} takes photos of {usual} pixels only; {key} is {size}. Set `{key}: "
            "{usual}`.",
            backbone=backbone.name,
            usual=backbone.size,
            key=key,
            size=size,
        )
    try:
        with torch.device("meta"), torch.no_grad():
            backbone.network().eval()(torch.zeros(1, 3, size, size))
    except NotImplementedError:
        return  # the few that cannot be built without memory are convolutional and take any usual size
    except Exception as error:
        raise ModelError(
            "model.backbone {backbone} cannot take photos of {size} pixels ({reason}). Its weights were "
            "trained on {usual}: set `{key}: {usual}`.",
            backbone=backbone.name,
            size=size,
            reason=error,
            usual=backbone.size,
            key=key,
        ) from error
