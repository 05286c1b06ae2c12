"""Section `loader`: photos, kept small where they can be, and the transforms become fastai's DataLoaders."""

import logging
import math

import numpy as np
import psutil
from fastai.data.core import DataLoaders, TfmdDL

from kimchi_vision.base import cache
from kimchi_vision.base.errors import DataError
from kimchi_vision.base.threads import share
from kimchi_vision.config.sections import Loader
from kimchi_vision.data.photo import Photo, Photos, open_photo, photo_size
from kimchi_vision.learning import device
from kimchi_vision.learning.augment import Transforms
from kimchi_vision.learning.augment.fused import Presize
from kimchi_vision.learning.loader import photo_cache, stock
from kimchi_vision.learning.loader.fast import FastDL, FusedDL
from kimchi_vision.learning.loader.photo_cache import ByNumber

__all__ = ["build", "sample"]

log = logging.getLogger(__name__)

SHARE_OF_MEMORY = 0.5
"""Uncompressed photos above this share of the free memory would be read from the disk again and again."""


def build(section: Loader, photos: Photos, tfms: Transforms) -> DataLoaders:
    """DataLoaders over the train and valid parts, classes in the order of photos.vocab.

    tfms: what augment.transforms returns. test_dl and an exported learner use its fastai transforms.
    Shuffling draws from the random state at this call: seed before it.
    Raises DataError when a part is empty.
    """
    items = photos.items[photos.items["split"].isin(("train", "valid"))].reset_index(drop=True)
    count = int((items["split"] == "train").sum())
    if not 0 < count < len(items):
        what = "{folder}: the split leaves {count} {count:photo/photos} to train on, {others} to validate."
        raise DataError(what, folder=photos.root, count=count, others=len(items) - count)
    batch_size = min(section.batch_size, count)
    if batch_size < section.batch_size:
        log.info("loader.batch_size is %d here: there are no more training photos.", batch_size)
    items["file"] = photos.files(items)
    block = stock.block(photos, tfms.item, tfms.batch)
    dls = block.dataloaders(items, bs=batch_size, num_workers=section.workers, device=device.pick())
    if tfms.train is not None:
        dls.loaders = _over_kept(section, photos, dls, tfms)
    elif photos.on_unreadable == "skip":
        stock.skipping_unreadable(dls.train)
    if section.sampling == "balanced":
        stock.balance(dls.train)
    return dls


def sample(dls: DataLoaders, count: int = 9) -> tuple[list[np.ndarray], list[str]]:
    """Training photos as the model sees them, (height, width, 3) in 0..1, with their labels."""
    batch = dls.train.one_batch()
    decoded = dls.train.decode_batch(batch, max_n=count)
    # Decoding undoes IntToFloatTensor too: the values are 0 to 255 again.
    images = [np.asarray(image).transpose(1, 2, 0) / 255 for image, _ in decoded]
    return images, [str(label) for _, label in decoded]


def _over_kept(section: Loader, photos: Photos, dls: DataLoaders, tfms: Transforms) -> list[TfmdDL]:
    """Both loaders over kept photos, each in front of fastai's; validation photos may not be kept."""
    train, valid = photos.part("train"), photos.part("valid")
    threads = min(section.workers, share())
    small = presized(section, photos.files(train), tfms.train.presize)
    fused = FusedDL(dls.train, photos.numbers(train), small, threads, tfms.train)
    fused.skip = photos.on_unreadable == "skip"
    kept = finished(section, photos.files(valid), tfms)
    return [fused, FastDL(dls.valid, photos.numbers(valid), kept, threads) if kept else dls.valid]


def presized(section: Loader, train: list[Photo], presize: Presize) -> ByNumber:
    """Training photos, small, uint8: from the cache that the section asks for."""

    def make(row: int) -> np.ndarray:
        return presize(open_photo(train[row], presize.side))

    kind = _kind(section, train, presize)
    name = photo_cache.key(f"{presize.key} {kind}", [file.content for file in train])
    pack = photo_cache.stored(name, kind, len(train), make) if kind else None
    return pack or make


def finished(section: Loader, valid: list[Photo], tfms: Transforms) -> ByNumber | None:
    """Validation photos as the model sees them, float32, or None where they are not kept.

    tfms: what augment.transforms returns.
    """

    def make(row: int) -> np.ndarray:
        return tfms.steps(open_photo(valid[row])).transpose(1, 2, 0)

    size = len(valid) * 12 * tfms.steps.size**2
    if section.cache not in ("auto", "memmap") or size > min(cache.room(), _memory()):
        return None
    name = photo_cache.key(f"{tfms.key} float32 steps", [file.content for file in valid])
    return photo_cache.stored(name, "float32", len(valid), make)


def _kind(section: Loader, train: list[Photo], presize: Presize) -> str | None:
    """How training photos are kept: uint8 while that fits, else jpeg; None to keep none."""
    if section.cache != "auto":
        return {"memmap": "uint8", "jpeg": "jpeg", "none": None}[section.cache]
    total = 3 * sum(_pixels(file, presize) for file in train)
    return "uint8" if total < min(cache.room(), _memory()) else "jpeg"


def _pixels(file: Photo, presize: Presize) -> int:
    try:
        return math.prod(presize.shape(*photo_size(file)))
    except (OSError, ValueError):
        return 0  # not readable any more; training says so


def _memory() -> float:
    return SHARE_OF_MEMORY * psutil.virtual_memory().available
