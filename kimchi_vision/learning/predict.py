"""What a Learner says about photos."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pandas as pd
from fastai.data.transforms import IntToFloatTensor
from fastai.learner import Learner
from fastcore.basics import noop
from fasttransform import Transform
from torch import nn

from kimchi_vision.data.photo import Photos
from kimchi_vision.learning.linear_probe import pooled
from kimchi_vision.results.predictions import Predictions


def predictions(learn: Learner, photos: Photos) -> Predictions:
    """One inference over the validation and test photos.

    Raises RunError when the model's outputs are not finite numbers.
    """
    items = _scored(photos)
    outputs, _ = learn.get_preds(dl=learn.dls.test_dl(photos.files(items)), act=noop)
    return Predictions.from_logits(items, outputs.float().cpu().numpy(), photos.vocab)


@contextmanager
def seen(network: nn.Module) -> Iterator[list[np.ndarray]]:
    """Inside the block, what the body of a network finds in photos is kept, pooled, a batch an entry.

    The list stays empty for a network that is not body and head.
    """
    found: list[np.ndarray] = []

    def keep(body: nn.Module, photos: object, maps: object) -> None:
        found.append(pooled(maps).float().cpu().numpy())

    if not (isinstance(network, nn.Sequential) and len(network) == 2):
        yield found
        return
    with network[0].register_forward_hook(keep):
        yield found


def averaged(learn: Learner, photos: Photos, varied: list[Transform], views: int) -> Predictions:
    """The same from so many varied views of each photo and the plain one. Errors as in `predictions`.

    By fastai's Learner.tta: the plain view has a quarter of the weight. Draws from the global random state:
    seed before it. varied: batch transforms, in place of the loader's own, which may be still.
    """
    items = _scored(photos)
    # Learner.tta's own batch_tfms would leave out Resize.
    dl = learn.dls.test_dl(photos.files(items), after_batch=[IntToFloatTensor(), *varied])
    probabilities, _ = learn.tta(dl=dl, n=views)
    return Predictions.from_probabilities(items, probabilities.cpu().numpy().astype(np.float64), photos.vocab)


def _scored(photos: Photos) -> pd.DataFrame:
    return pd.concat([photos.part("valid"), photos.part("test")], ignore_index=True)
