"""A Preprocess as fastai's validation transforms, and read back from the DataLoaders of any Learner."""

import torch
from fastai.data.core import DataLoaders
from fastai.data.transforms import IntToFloatTensor, Normalize, ToTensor
from fastai.vision.augment import AffineCoordTfm, RandomResizedCropGPU, Resize
from fasttransform import Transform

from kimchi_vision.base.errors import RunError
from kimchi_vision.base.plain import Json
from kimchi_vision.results.preprocess import Preprocess, Sampling

Made = tuple[type["Transform"], Json]
"""A transform as its class and what the class is called with."""


def items(steps: Preprocess) -> list[Made]:
    """What is done to each photo: fastai's Resize."""
    return [(Resize, {"size": steps.resize, "method": steps.resize_method})]


def batches(steps: Preprocess) -> list[Made]:
    """What is done to a batch of them, float from 0 to 1: sampled, then normalised."""
    sampling = {name: getattr(steps.sampling, name) for name in ("mode", "pad_mode", "align_corners")}
    return [(AffineCoordTfm, {"size": steps.size, **sampling}), *normalize(steps)]


def normalize(steps: Preprocess) -> list[Made]:
    """fastai's Normalize; nothing where values stay from 0 to 1."""
    if not steps.is_normalized:
        return []
    names = ("mean", "std")
    return [(Normalize, {name: torch.tensor(getattr(steps, name)).view(1, -1, 1, 1) for name in names})]


def transforms(made: list[Made]) -> list[Transform]:
    """The transforms themselves."""
    return [kind(**arguments) for kind, arguments in made]


def read(dls: DataLoaders) -> Preprocess:
    """What happens to a validation photo between opening and the network.

    Raises RunError for a transform that Preprocess does not know.
    """
    dl = dls.valid.new()  # fastai's own loader, whatever stands in front of it
    steps: Json = {}
    for tfm in (*dl.after_item.fs, *dl.after_batch.fs):
        # AffineCoordTfm serves both parts, and keeps in split_idx the part that it saw last.
        if isinstance(tfm, AffineCoordTfm) or getattr(tfm, "split_idx", None) != 0:
            steps |= _step(tfm)
    return Preprocess(**{"size": steps.get("resize"), **steps})


def _step(tfm: Transform) -> Json:
    if isinstance(tfm, ToTensor | IntToFloatTensor):
        return {}
    if isinstance(tfm, Resize):
        return {"resize": tfm.size[0], "resize_method": tfm.method}
    if isinstance(tfm, AffineCoordTfm):
        # Without a size the grid is where the pixels are.
        sampling = Sampling(tfm.mode, tfm.pad_mode, tfm.align_corners)
        return {"size": tfm.cp_size[0], "sampling": sampling} if tfm.cp_size else {}
    if isinstance(tfm, RandomResizedCropGPU) and tfm.valid_scale == 1:
        return {"size": tfm.size[0], "sampling": Sampling(tfm.mode)}
    if isinstance(tfm, Normalize):
        return {name: tuple(getattr(tfm, name).flatten().tolist()) for name in ("mean", "std")}
    raise RunError("The validation photos pass through {name}, which needs torch.", name=type(tfm).__name__)
