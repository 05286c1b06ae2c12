"""Section `features`: what the frozen body sees in photos, and the floor: a linear head on that alone."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import nn

from kimchi_vision.base.errors import RunError
from kimchi_vision.config.sections import Features
from kimchi_vision.data.photo import Photos
from kimchi_vision.learning.linear_probe.compute import Answering, compute, pooled
from kimchi_vision.learning.linear_probe.linear import AS_THEY_ARE, Linear, Rare, apart, cross_validated, fit
from kimchi_vision.learning.model.side_by_side import SideBySide
from kimchi_vision.results.predictions import Predictions
from kimchi_vision.results.preprocess import Preprocess

__all__ = ["Answering", "Floor", "Rare", "compute", "cross_validated", "fit", "floor", "pooled"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Floor:
    """A linear head and what it says about the validation photos.

    start: the head that training starts from: `head`, but for bodies side by side.
    predictions: columns as evaluate.predictions has them. seconds: for features and fit.
    lost: columns path, label, reason: training photos that had no part in it.
    """

    head: Linear
    start: Linear
    predictions: Predictions
    seconds: float
    lost: pd.DataFrame


def floor(
    section: Features,
    body: nn.Module,
    photos: Photos,
    preprocess: Preprocess,
    rare: Rare = AS_THEY_ARE,
) -> Floor | None:
    """Fit a linear head on the training photos' features, and answer for the validation photos.

    None when the section asks for no floor. Arguments as in `compute`.
    Raises RunError when every training photo of a class is left out.
    """
    if not section.floor:
        return None
    started = time.perf_counter()
    train, valid = photos.part("train"), photos.part("valid")
    labels = photos.numbers(train)
    values, asked = (compute(body, photos, part, preprocess) for part in (train, valid))
    read = np.isfinite(values).all(axis=1)
    _check_left(photos.vocab, train["label"][read])
    labels, classes, centre = labels[read], len(photos.vocab), _centred(body, values[read])
    values, asked = values[read] - centre, asked - centre
    head = start = fit(section, values, labels, classes, rare)
    if isinstance(body, SideBySide):
        start = apart(section, values, labels, classes, body.first, rare)
    predictions = Predictions.from_probabilities(valid, head.probabilities(asked), photos.vocab)
    seconds = round(time.perf_counter() - started, 1)
    log.info(
        "Floor: %d of %d photos right by a linear head on frozen features, %.0f s.",
        predictions.right.sum(),
        len(predictions),
        seconds,
    )
    lost = train.loc[~read, ["path", "label"]].assign(reason="cannot be read any more")
    return Floor(head, start, predictions, seconds, lost)


def _check_left(vocab: Sequence[str], labels: pd.Series) -> None:
    empty = sorted(set(vocab) - set(labels))
    if empty:
        raise RunError(
            "No training photo of {classes} can be read any more: put them back.", classes=", ".join(empty)
        )


def _centred(body: nn.Module, values: np.ndarray) -> np.ndarray:
    """What bodies side by side take off their features from now on, (features,)."""
    centre = np.zeros(values.shape[1], np.float32)
    if isinstance(body, SideBySide):
        centre[body.first :] = values[:, body.first :].mean(axis=0)
        body.centre.copy_(torch.from_numpy(centre[body.first :]))
    return centre
