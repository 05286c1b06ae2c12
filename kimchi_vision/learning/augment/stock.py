"""The section as fastai's own transforms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastai.vision.augment import (
    AffineCoordTfm,
    RandomResizedCropGPU,
    Resize,
    aug_transforms,
    setup_aug_tfms,
)
from fastai.vision.core import imagenet_stats
from fastai.vision.data import Normalize

from kimchi_vision.results.preprocess import Preprocess
from kimchi_vision.results.sampling import Sampling

if TYPE_CHECKING:
    from kimchi_vision.config.sections import Augment

Stats = tuple[tuple[float, ...], tuple[float, ...]]
"""Mean and standard deviation of each channel, of photos scaled to 0..1."""


def presize(section: Augment) -> Resize:
    """Item transform: a random part of a training photo, the middle of any other, at `resize` pixels."""
    return Resize(section.resize, method=section.resize_method)


def varied(section: Augment) -> list[Any]:
    """fastai's aug_transforms, which by itself forgets `size` when nothing moves."""
    arguments = section.model_dump(exclude={"resize", "resize_method", "crop_batch", "normalize", "engine"})
    tfms = list(aug_transforms(**arguments))
    if any(getattr(tfm, "size", None) for tfm in tfms):
        return tfms
    return list(setup_aug_tfms([*tfms, _crop(section)]))


def still(section: Augment) -> list[Any]:
    """What `varied` does to validation photos, without its pass that copies each pixel to its own place."""
    if _is_cropped(section):
        return [_crop(section)]
    return [
        AffineCoordTfm(
            size=section.size,
            mode=section.mode,
            pad_mode=section.pad_mode,
            align_corners=section.align_corners,
        )
    ]


def steps(section: Augment, chosen: Stats | None) -> Preprocess:
    """`presize`, `still` and `normalize` of a validation photo without torch, within LARGEST_GAP of them."""
    moved = Sampling(section.mode, section.pad_mode, section.align_corners)
    names = {"resize": section.resize, "resize_method": section.resize_method, "size": section.size}
    statistics = dict(zip(("mean", "std"), map(tuple, chosen), strict=True)) if chosen else {}
    return Preprocess(**names, sampling=Sampling() if _is_cropped(section) else moved, **statistics)


def statistics(section: Augment, stats: Stats) -> Stats | None:
    """What `normalize` means, or None."""
    return {"backbone": stats, "imagenet": imagenet_stats, "none": None}[section.normalize]


def normalize(chosen: Stats | None) -> list[Any]:
    """fastai's Normalize with these statistics, or nothing."""
    return [Normalize.from_stats(*chosen)] if chosen else []


def _is_cropped(section: Augment) -> bool:
    """Whether a crop, not a movement, brings photos to their size."""
    moves = section.do_flip or section.max_rotate or section.max_warp or section.max_zoom > 1
    return section.min_scale < 1 or not (moves or section.min_zoom < 1)


def _crop(section: Augment) -> RandomResizedCropGPU:
    return RandomResizedCropGPU(section.size, min_scale=1.0, ratio=(1, 1))
