"""Section `loader`: the table of photos and the transforms become fastai's DataLoaders."""

import logging

import numpy as np
from fastai.data.core import DataLoaders, TfmdDL

from kimchi_vision.base.errors import DataError
from kimchi_vision.base.threads import share
from kimchi_vision.config.sections import Loader
from kimchi_vision.data.photo import Photos
from kimchi_vision.learning import device
from kimchi_vision.learning.augment import Transforms
from kimchi_vision.learning.loader import prepared, stock
from kimchi_vision.learning.loader.fast import FastDL, FusedDL

__all__ = ["build", "sample"]

log = logging.getLogger(__name__)


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
        dls.loaders = [_train(section, photos, dls, tfms), _valid(section, photos, dls, tfms)]
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


def _train(section: Loader, photos: Photos, dls: DataLoaders, tfms: Transforms) -> FusedDL:
    part = prepared.part(photos, "train")
    small = prepared.presized(section, part, tfms.train.presize)
    dl = FusedDL(dls.train, part, small, min(section.workers, share()), tfms.train)
    dl.skip = photos.on_unreadable == "skip"
    return dl


def _valid(section: Loader, photos: Photos, dls: DataLoaders, tfms: Transforms) -> TfmdDL:
    part = prepared.part(photos, "valid")
    finished = prepared.finished(section, part, tfms)
    return FastDL(dls.valid, part, finished, min(section.workers, share())) if finished else dls.valid
