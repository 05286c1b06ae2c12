"""Section `augment`: how photos are resized, varied and normalised.

Two engines draw from the same distributions: `fastai`'s own transforms, and `fused`, which joins all
geometry of a photo in one warp and all light in one table. Validation is fastai's with both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kimchi_vision.learning.augment import stock
from kimchi_vision.learning.augment.fused import Fused
from kimchi_vision.learning.augment.stock import Stats
from kimchi_vision.results import validation_transforms as validation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fasttransform import Transform

    from kimchi_vision.config.sections import Augment
    from kimchi_vision.results.preprocess import Preprocess

__all__ = ["Transforms", "transforms", "varied", "with_own"]


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


def transforms(section: Augment, stats: Stats) -> Transforms:
    """Transforms for training, validation and prediction.

    stats: mean and standard deviation of each channel that the backbone was trained with, of photos scaled
    to 0..1; used when `normalize` is `backbone`.
    """
    chosen = stock.statistics(section, stats)
    key, steps = f"{section.model_dump_json()} {chosen}", stock.steps(section, chosen)
    item = validation.transforms(validation.items(steps))
    if section.engine == "fastai":
        return Transforms(item, varied(section, stats), None, steps, key)
    batch = validation.transforms(validation.batches(steps))
    return Transforms(item, batch, Fused(section, chosen), steps, key)


def with_own(tfms: Transforms, item: Sequence[Transform], batch: Sequence[Transform]) -> Transforms:
    """With fastai transforms of one's own, each in its `order`, for training photos alone."""
    if not (item or batch):
        return tfms
    for each in (*item, *batch):
        each.split_idx = 0
    return tfms._replace(item=[*tfms.item, *item], batch=[*tfms.batch, *batch], train=None)


def varied(section: Augment, stats: Stats) -> list[Transform]:
    """fastai's batch transforms that vary training photos, whatever the engine. stats: as in transforms."""
    steps = stock.steps(section, stock.statistics(section, stats))
    return [*stock.varied(section), *validation.transforms(validation.normalize(steps))]
