"""The plain fastai script that this pipeline is measured against: what a tutorial's ten lines do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastai.callback.schedule import Learner
from fastai.data.block import CategoryBlock, DataBlock
from fastai.data.core import DataLoaders
from fastai.data.transforms import ColReader, ColSplitter
from fastai.vision.augment import Resize, aug_transforms
from fastai.vision.data import ImageBlock

from kimchi_vision.base.errors import InputError

if TYPE_CHECKING:
    from fasttransform import Transform

    from kimchi_vision.config import Experiment
    from kimchi_vision.config.stages import Stage
    from kimchi_vision.data.photo import Photos


def loaders(experiment: Experiment, photos: Photos, normalize: list[Transform]) -> DataLoaders:
    """The same split, sizes and augmentation. normalize: fastai's Normalize, or nothing."""
    section = experiment.augment
    items = photos.items[photos.items["split"].isin(("train", "valid"))].reset_index(drop=True)
    items = items.assign(file=[photo.path for photo in photos.files(items)], valid=items["split"] == "valid")
    varied = section.model_dump(exclude={"resize", "resize_method", "crop_batch", "normalize", "engine"})
    block = DataBlock(
        blocks=(ImageBlock, CategoryBlock(vocab=list(photos.vocab), sort=False)),
        get_x=ColReader("file"),
        get_y=ColReader("label"),
        splitter=ColSplitter("valid"),
        item_tfms=Resize(section.resize, method=section.resize_method),
        batch_tfms=[*aug_transforms(**varied), *normalize],
    )
    sizes = {"bs": experiment.loader.batch_size, "num_workers": experiment.loader.workers}
    return block.dataloaders(items, **sizes)


def fit(learn: Learner, stages: tuple[Stage, ...]) -> None:
    """Each stage as the Learner's method of its name.

    Raises InputError for a stage that fastai does not have, and for the rate `auto`.
    """
    with learn.no_bar(), learn.no_logging():
        for stage in stages:
            arguments = stage.arguments.model_dump(exclude={"min_steps", "size", "suggest"})
            epochs = [arguments.pop("epochs")] if "epochs" in arguments else []
            if stage.name == "lr_find":
                arguments |= {"show_plot": False}
            method = getattr(learn, stage.name, None)
            if method is None:
                raise InputError(
                    "train.stages: a plain script has no {stage}; leave out --whole.", stage=stage.name
                )
            if "auto" in arguments.values():
                raise InputError("train.stages: a plain script has no rate `auto`; give a number.")
            rates = {name: slice(*rate) for name, rate in arguments.items() if isinstance(rate, tuple)}
            method(*epochs, **arguments | rates)
