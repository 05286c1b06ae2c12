"""Section `augment`: how photos are resized, varied and normalised, as fastai transforms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastai.vision.augment import RandomResizedCropGPU, Resize, aug_transforms, setup_aug_tfms
from fastai.vision.core import imagenet_stats
from fastai.vision.data import Normalize

if TYPE_CHECKING:
    from kimchi_vision.config.sections import Augment

Stats = tuple[tuple[float, ...], tuple[float, ...]]
"""Mean and standard deviation of each channel, of photos scaled to 0..1."""


def transforms(section: Augment, stats: Stats) -> tuple[list[Any], list[Any]]:
    """Item transforms and batch transforms for a DataBlock.

    stats: what the backbone was trained with; used when `normalize` is `backbone`.
    """
    item_tfms = [Resize(section.resize, method=section.resize_method)]
    batch_tfms = _geometry_and_light(section)
    if section.normalize != "none":
        mean, std = stats if section.normalize == "backbone" else imagenet_stats
        batch_tfms.append(Normalize.from_stats(mean, std))
    return item_tfms, batch_tfms


def _geometry_and_light(section: Augment) -> list[Any]:
    """fastai's aug_transforms, which by itself forgets `size` when nothing moves."""
    arguments = section.model_dump(exclude={"resize", "resize_method", "normalize"})
    tfms = list(aug_transforms(**arguments))
    if any(getattr(tfm, "size", None) for tfm in tfms):
        return tfms
    crop = RandomResizedCropGPU(section.size, min_scale=1.0, ratio=(1, 1))
    return list(setup_aug_tfms([*tfms, crop]))
