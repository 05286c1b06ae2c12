"""From the name in an experiment file to a backbone; the backbones there are; and one as it is, on photos."""

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import timm
import torch
import torchvision

from kimchi_vision.base.errors import ModelError
from kimchi_vision.base.sentence import Sentence, Text
from kimchi_vision.config.sections import Model
from kimchi_vision.data.photo import open_photo
from kimchi_vision.learning.model import weights
from kimchi_vision.learning.model.backbone import Backbone, JoinedBackbone
from kimchi_vision.learning.model.libraries import (
    TimmBackbone,
    TorchvisionBackbone,
    timm_names,
    torchvision_names,
)

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

TOP = 5


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
    if library != "timm" and bare in torchvision_names():
        return TorchvisionBackbone.named(bare)
    if library != "torchvision" and timm.is_model(bare):
        try:
            return TimmBackbone.named(bare)
        except RuntimeError:
            tagged = timm.list_pretrained(f"{bare.partition('.')[0]}.*")
            raise ModelError(
                "model.backbone {name}: no such tag; timm has {tags}.", name=name, tags=", ".join(tagged)
            ) from None
    libraries = {"torchvision": torchvision_names(), "timm": timm_names()}
    known = libraries.get(library) or [each for names in libraries.values() for each in names]
    near = list(dict.fromkeys(difflib.get_close_matches(bare, known, n=4)))
    raise ModelError(
        "model.backbone {name}: no such name in {library}.{hint} `models` lists them.",
        name=name,
        library=library or "torchvision, timm",
        hint=Sentence(" Did you mean {near}?", near=", ".join(near)) if near else "",
    )


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
    ours = torchvision_names()
    for name in ours:
        if _listed(name, pattern):
            yield _row(TorchvisionBackbone.named(name), name)
    for name in timm_names():
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


def imagenet(photos: Sequence[Path], section: Model) -> Iterator[tuple[Path, list[tuple[str, float]]]]:
    """Each photo with its five most probable ImageNet classes: English name and probability, 0 to 1.

    Photos are prepared as the backbone's authors prepared theirs for evaluation.
    Raises ModelError when the backbone has no classifier or its weights cannot be had, DataError for a
    photo that cannot be read.
    """
    backbone = named(section.backbone)
    if len(backbone.parts) > 1:
        several = "{backbone}: give one backbone: each sees photos of its own size."
        raise ModelError(several, backbone=backbone.name)
    if section.weights == "none":
        raise ModelError("model.weights: none knows no ImageNet classes. Give default, offline or a file.")
    network = weights.load(backbone, section.weights, head=True).eval()
    names = backbone.categories()
    preprocess = backbone.preprocess()
    for photo in photos:
        with torch.inference_mode():
            logits = network(preprocess(open_photo(photo))[None])[0]
        if len(logits) != len(names):
            what = "model.backbone {backbone}: {outputs} outputs for {count} class names."
            raise ModelError(what, backbone=backbone.name, outputs=len(logits), count=len(names))
        values, places = logits.softmax(0).topk(TOP)
        yield photo, [(names[i], p) for i, p in zip(places.tolist(), values.tolist(), strict=True)]
