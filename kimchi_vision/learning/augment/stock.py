"""The section as fastai's own transforms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastai.vision.augment import (
    RandomResizedCropGPU,
    aug_transforms,
    setup_aug_tfms,
)
from fastai.vision.core import imagenet_stats

from kimchi_vision.results.preprocess import Preprocess
from kimchi_vision.results.sampling import Sampling

if TYPE_CHECKING:
    from fasttransform import Transform

    from kimchi_vision.config.sections import Augment

Stats = tuple[tuple[float, ...], tuple[float, ...]]
"""Mean and standard deviation of each channel, of photos scaled to 0..1."""


def varied(section: Augment) -> list[Transform]:
    """fastai's aug_transforms, which by itself forgets `size` when nothing moves."""
    arguments = section.model_dump(exclude={"resize", "resize_method", "crop_batch", "normalize", "engine"})
    tfms = list(aug_transforms(**arguments))
    if any(getattr(tfm, "size", None) for tfm in tfms):
        return tfms
    return list(setup_aug_tfms([*tfms, _crop(section)]))


def steps(section: Augment, chosen: Stats | None) -> Preprocess:
    """What is done to a validation photo, with either engine. chosen: what `normalize` means, or None."""
    moved = Sampling(section.mode, section.pad_mode, section.align_corners)
    names = {"resize": section.resize, "resize_method": section.resize_method, "size": section.size}
    stats = dict(zip(("mean", "std"), map(tuple, chosen), strict=True)) if chosen else {}
    return Preprocess(**names, sampling=Sampling() if _is_cropped(section) else moved, **stats)


def statistics(section: Augment, stats: Stats) -> Stats | None:
    """What `normalize` means, or None."""
    return {"backbone": stats, "imagenet": imagenet_stats, "none": None}[section.normalize]


def _is_cropped(section: Augment) -> bool:
    """Whether a crop, not a movement, brings photos to their size."""
    moves = section.do_flip or section.max_rotate or section.max_warp or section.max_zoom > 1
    return section.min_scale < 1 or not (moves or section.min_zoom < 1)


def _crop(section: Augment) -> RandomResizedCropGPU:
    return RandomResizedCropGPU(section.size, min_scale=1.0, ratio=(1, 1))
