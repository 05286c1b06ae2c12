"""fastai's own data block over the table: validation, prediction, and training with `engine: fastai`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cloudpickle
import numpy as np
from fastai.data.block import CategoryBlock, DataBlock, TransformBlock
from fastai.data.transforms import ColReader, IntToFloatTensor
from fastai.vision.core import PILImage
from fasttransform import Transform
from PIL import Image

from kimchi_vision.data import formats, pixels
from kimchi_vision.data import photo as photos_module
from kimchi_vision.data.photo import Photo, open_photo

if TYPE_CHECKING:
    import pandas as pd

    from kimchi_vision.data.photo import Photos

# An exported learner carries the code that opens a photo, so it loads where this package is not installed.
for _module in (sys.modules[__name__], photos_module, formats, pixels):
    cloudpickle.register_pickle_by_value(_module)


def block(photos: Photos, item_tfms: list[Any], batch_tfms: list[Any]) -> DataBlock:
    """A DataBlock over rows of the table with a column file; prediction takes any PhotoSource."""
    opener = Transform(_pil_image)
    opener.input_types = (Photo, str, Path, bytes, Image.Image, np.ndarray)
    return DataBlock(
        blocks=(
            TransformBlock(type_tfms=opener, batch_tfms=IntToFloatTensor),
            CategoryBlock(vocab=list(photos.vocab), sort=False),
        ),
        get_x=ColReader("file"),
        get_y=ColReader("label"),
        splitter=_by_column,
        item_tfms=item_tfms,
        batch_tfms=batch_tfms,
    )


def _pil_image(source: Any) -> PILImage:
    return PILImage(open_photo(source))


def skipping_unreadable(dl: Any) -> None:
    """From now on leave out photos of a training loader that cannot be read; what fastai does with None."""
    read = dl.do_item

    def do_item(row: Any) -> Any:
        try:
            return read(row)
        except (ValueError, OSError):
            return None

    dl.do_item = do_item


def _by_column(items: pd.DataFrame) -> tuple[list[int], list[int]]:
    return tuple(np.flatnonzero(items["split"] == split).tolist() for split in ("train", "valid"))
