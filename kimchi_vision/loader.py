"""Section `loader`: the table of photos and the transforms become fastai's DataLoaders."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cloudpickle
import numpy as np
from fastai.data.block import CategoryBlock, DataBlock, TransformBlock
from fastai.data.core import DataLoaders
from fastai.data.transforms import ColReader, IntToFloatTensor
from fastai.vision.core import PILImage
from fasttransform import Transform
from PIL import Image

from kimchi_vision import photos as photos_module
from kimchi_vision.errors import DataError
from kimchi_vision.photos import open_photo

if TYPE_CHECKING:
    import pandas as pd

    from kimchi_vision.config.sections import Loader
    from kimchi_vision.photos import Photos

log = logging.getLogger(__name__)

# An exported learner carries the code that opens a photo, so it loads where this package is not installed.
for _module in (sys.modules[__name__], photos_module):
    cloudpickle.register_pickle_by_value(_module)


def build(section: Loader, photos: Photos, tfms: tuple[list[Any], list[Any]]) -> DataLoaders:
    """DataLoaders over the train and valid parts, classes in the order of photos.vocab.

    Shuffling draws from the random state at this call: seed before it.
    Raises DataError when a part is empty.
    """
    items = photos.items[photos.items["split"].isin(("train", "valid"))].reset_index(drop=True)
    count = int((items["split"] == "train").sum())
    if not 0 < count < len(items):
        raise DataError(
            f"{photos.root}: the split leaves {count} photos to train on, {len(items) - count} to validate."
        )
    batch_size = min(section.batch_size, count)
    if batch_size < section.batch_size:
        log.info("loader.batch_size is %d here: there are no more training photos.", batch_size)
    return _block(photos, tfms).dataloaders(items, bs=batch_size, num_workers=section.workers)


def sample(dls: DataLoaders, count: int = 9) -> tuple[list[np.ndarray], list[str]]:
    """Training photos as the model sees them, (height, width, 3) in 0..1, with their labels."""
    batch = dls.train.one_batch()
    decoded = dls.train.decode_batch(batch, max_n=count)
    # Decoding undoes IntToFloatTensor too: the values are 0 to 255 again.
    images = [np.asarray(image).transpose(1, 2, 0) / 255 for image, _ in decoded]
    return images, [str(label) for _, label in decoded]


def _block(photos: Photos, tfms: tuple[list[Any], list[Any]]) -> DataBlock:
    opener = Transform(_pil_image)
    # What predict and test_dl accept in place of a row of the table.
    opener.input_types = (str, Path, bytes, Image.Image, np.ndarray)
    return DataBlock(
        blocks=(
            TransformBlock(type_tfms=opener, batch_tfms=IntToFloatTensor),
            CategoryBlock(vocab=list(photos.vocab), sort=False),
        ),
        get_x=ColReader("path", pref=photos.root),
        get_y=ColReader("label"),
        splitter=_by_column,
        item_tfms=tfms[0],
        batch_tfms=tfms[1],
    )


def _pil_image(source: Any) -> PILImage:
    return PILImage(open_photo(source))


def _by_column(items: pd.DataFrame) -> tuple[list[int], list[int]]:
    return tuple(np.flatnonzero(items["split"] == split).tolist() for split in ("train", "valid"))
