"""A pretrained backbone as it is: ImageNet classes of photos."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from kimchi_vision.base.errors import ModelError
from kimchi_vision.config.sections import Model
from kimchi_vision.data.photo import open_photo
from kimchi_vision.learning.model import weights
from kimchi_vision.learning.model.find import named

TOP = 5


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
