"""The state of every random generator that training draws from, as plain values and tensors."""

import random

import numpy as np
import torch
from fastai.data.core import DataLoaders, TfmdDL

from kimchi_vision.base.plain import Json


def state(dls: DataLoaders | None = None) -> Json:
    """Python, NumPy, torch, GPUs, and the order of both loaders, if any; loading it runs no code."""
    _, keys, *rest = np.random.get_state()
    return {
        "python": random.getstate(),
        "numpy": (torch.from_numpy(keys.astype(np.int64)), *rest),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "loaders": [loader.rng.getstate() for loader in _drawing(dls)],
    }


def restore(saved: Json, dls: DataLoaders | None = None) -> None:
    """Go on from a state."""
    random.setstate(saved["python"])
    keys, *rest = saved["numpy"]
    np.random.set_state(("MT19937", keys.cpu().numpy().astype(np.uint32), *rest))
    torch.set_rng_state(saved["torch"].cpu())
    if saved["cuda"]:
        torch.cuda.set_rng_state_all([one.cpu() for one in saved["cuda"]])
    for loader, order in zip(_drawing(dls), saved["loaders"], strict=True):
        loader.rng.setstate(order)


def _drawing(dls: DataLoaders | None) -> list[TfmdDL]:
    return [] if dls is None else [dls.train, dls.valid]
