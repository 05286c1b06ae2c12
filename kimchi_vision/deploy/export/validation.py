"""A learner's validation transforms, read from its DataLoaders, as steps that need no torch."""

from __future__ import annotations

from typing import Any

from fastai.data.transforms import IntToFloatTensor, Normalize, ToTensor
from fastai.vision.augment import AffineCoordTfm, RandomResizedCropGPU, Resize

from kimchi_vision.base.errors import RunError
from kimchi_vision.results.preprocess import Preprocess
from kimchi_vision.results.sampling import Sampling


def preprocess(dls: Any) -> Preprocess:
    """What happens to a validation photo between opening and the network.

    Raises RunError for a transform that Preprocess does not know.
    """
    dl = dls.valid.new()  # fastai's own loader, whatever stands in front of it
    steps: dict[str, Any] = {}
    for tfm in filter(_validates, [*dl.after_item.fs, *dl.after_batch.fs]):
        steps |= _step(tfm)
    return Preprocess(**{"size": steps.get("resize"), **steps})


def _validates(tfm: Any) -> bool:
    # AffineCoordTfm serves both parts, and keeps in split_idx the part that it saw last.
    return isinstance(tfm, AffineCoordTfm) or getattr(tfm, "split_idx", None) != 0


def _step(tfm: Any) -> dict[str, Any]:
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
    raise RunError(f"The validation photos pass through {type(tfm).__name__}, which needs torch.")
