"""Section `augment`: how photos are resized, varied and normalised.

Two engines draw from the same distributions: `fastai`'s own transforms, and `fused`, which joins all
geometry of a photo in one warp and all light in one table. Validation is fastai's with both.
"""

from collections.abc import Sequence
from typing import NamedTuple

from fastai.vision.augment import RandomResizedCropGPU, aug_transforms, setup_aug_tfms
from fastai.vision.core import imagenet_stats
from fasttransform import Transform

from kimchi_vision.config.sections import Augment
from kimchi_vision.learning.augment.fused import Fused
from kimchi_vision.results import validation_transforms as validation
from kimchi_vision.results.preprocess import Preprocess, Sampling

__all__ = ["Transforms", "transforms", "varied"]

Stats = tuple[tuple[float, ...], tuple[float, ...]]
"""Mean and standard deviation of each channel, of photos scaled to 0..1."""


class Transforms(NamedTuple):
    """fastai's item and batch transforms; `train` replaces both for training photos unless it is None.

    steps: from an upright validation photo to (3, size, size) float32, as both do within rounding.
    key: text that changes whenever a validation photo would look different.
    """

    item: list[Transform]
    batch: list[Transform]
    train: Fused | None
    steps: Preprocess
    key: str


def transforms(
    section: Augment, stats: Stats, item: Sequence[Transform] = (), batch: Sequence[Transform] = ()
) -> Transforms:
    """Transforms for training, validation and prediction.

    stats: mean and standard deviation of each channel that the backbone was trained with, of photos scaled
    to 0..1; used when `normalize` is `backbone`.
    item, batch: fastai transforms of one's own beside these, each in its `order`, for training photos alone;
    fastai's engine varies them then, whatever the section says.
    """
    chosen = _chosen(section, stats)
    key, steps = f"{section.model_dump_json()} {chosen}", _steps(section, chosen)
    items = validation.transforms(validation.items(steps))
    for each in (*item, *batch):
        each.split_idx = 0
    if section.engine == "fastai" or item or batch:
        return Transforms([*items, *item], [*varied(section, stats), *batch], None, steps, key)
    return Transforms(
        items, validation.transforms(validation.batches(steps)), Fused(section, chosen), steps, key
    )


def varied(section: Augment, stats: Stats) -> list[Transform]:
    """fastai's batch transforms that vary training photos, whatever the engine. stats: as in transforms."""
    arguments = section.model_dump(exclude={"resize", "resize_method", "crop_batch", "normalize", "engine"})
    tfms = list(aug_transforms(**arguments))
    if not any(getattr(tfm, "size", None) for tfm in tfms):  # it forgets `size` when nothing moves
        tfms = setup_aug_tfms([*tfms, RandomResizedCropGPU(section.size, min_scale=1.0, ratio=(1, 1))])
    steps = _steps(section, _chosen(section, stats))
    return [*tfms, *validation.transforms(validation.normalize(steps))]


def _steps(section: Augment, chosen: Stats | None) -> Preprocess:
    """What is done to a validation photo, with either engine. chosen: as _chosen has it."""
    moves = section.do_flip or section.max_rotate or section.max_warp or section.max_zoom > 1
    is_cropped = section.min_scale < 1 or not (moves or section.min_zoom < 1)
    # A crop brings photos to their size, or else a movement, which samples them.
    sampling = Sampling() if is_cropped else Sampling(section.mode, section.pad_mode, section.align_corners)
    stats = dict(zip(("mean", "std"), map(tuple, chosen), strict=True)) if chosen else {}
    return Preprocess(section.resize, section.size, section.resize_method, sampling, **stats)


def _chosen(section: Augment, stats: Stats) -> Stats | None:
    """What `normalize` means, or None."""
    return {"backbone": stats, "imagenet": imagenet_stats, "none": None}[section.normalize]
