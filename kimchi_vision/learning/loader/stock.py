"""fastai's own data block over the table: validation, prediction, and training with `engine: fastai`."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from types import MethodType
from typing import TYPE_CHECKING

import cloudpickle
import numpy as np
from fastai.data.block import CategoryBlock, DataBlock, TransformBlock
from fastai.data.transforms import ColReader, IntToFloatTensor
from fastai.vision import core
from fastai.vision.core import PILImage
from fasttransform import Transform
from PIL import Image

from kimchi_vision.data import decoding, formats, pixels
from kimchi_vision.data import photo as photos_module
from kimchi_vision.data.decoding import cuts_off
from kimchi_vision.data.photo import Photo, open_photo

if TYPE_CHECKING:
    import random

    import pandas as pd
    from fastai.data.core import TfmdDL

    from kimchi_vision.data.photo import Photos

# An exported learner carries the code that opens a photo, so it loads where this package is not installed.
for _module in (sys.modules[__name__], photos_module, decoding, formats, pixels):
    cloudpickle.register_pickle_by_value(_module)


def block(photos: Photos, item_tfms: list[Transform], batch_tfms: list[Transform]) -> DataBlock:
    """A DataBlock over rows of the table with a column file; prediction takes any PhotoSource."""
    opener = Transform(_pil_image)
    opener.whole = _Whole()
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


def _pil_image(source: object) -> PILImage:  # a Transform evaluates its annotations
    return PILImage(getattr(source, "whole", None) or open_photo(source))


class _Whole:
    """Has PILImage.create keep, beside what it gives, the photo as open_photo sees it, where they may differ.

    fastai's own reading drops transparency and the low bits of deep pictures. It stays as it is, for whoever
    uses it; a learner of this package takes what was kept. Loading an exported learner sees to it, too.
    """

    def __init__(self) -> None:
        read = core.load_image
        if not hasattr(read, "keeps_whole"):

            def load_image(fn: object, mode: str | None = None) -> Image.Image:
                seen = read(fn, mode)
                source = fn.getvalue() if isinstance(fn, io.BytesIO) else fn
                if isinstance(source, (str, Path, bytes)) and cuts_off(source):
                    seen.whole = open_photo(source)
                return seen

            load_image.keeps_whole = True
            core.load_image = load_image

    def __reduce__(self) -> tuple[type[_Whole], tuple[()]]:
        return _Whole, ()


def balance(dl: TfmdDL) -> None:
    """From now on draw photos, with replacement, so that all classes are equally likely."""
    dl.shuffle_fn = MethodType(_evenly, dl)  # a method, as fastai takes any other function along into exports


def is_balanced(dl: TfmdDL) -> bool:
    """Whether balance was called with it."""
    return getattr(dl.shuffle_fn, "__func__", None) is _evenly


def evenly(labels: pd.Series, rng: random.Random, order: list[int]) -> list[int]:
    """As many places as order has, drawn from it so that all labels are equally likely."""
    weights = 1 / labels.map(labels.value_counts())
    return rng.choices(order, weights=weights.iloc[order].tolist(), k=len(order))


def _evenly(dl: TfmdDL, order: list[int]) -> list[int]:
    return evenly(dl.items["label"], dl.rng, order)


def skipping_unreadable(dl: TfmdDL) -> None:
    """From now on leave out photos of a training loader that cannot be read; what fastai does with None."""
    read = dl.do_item

    def do_item(row: object) -> object:
        try:
            return read(row)
        except (ValueError, OSError):
            return None

    dl.do_item = do_item


def _by_column(items: pd.DataFrame) -> tuple[list[int], list[int]]:
    return tuple(np.flatnonzero(items["split"] == split).tolist() for split in ("train", "valid"))
