"""The floor: what a linear head on frozen features reaches before anything is trained."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from kimchi_vision.base.errors import RunError
from kimchi_vision.learning.linear_probe.compute import compute
from kimchi_vision.learning.linear_probe.linear import Linear, fit

if TYPE_CHECKING:
    from torch import nn

    from kimchi_vision.config.sections import Features
    from kimchi_vision.data.photo import Photos
    from kimchi_vision.results.preprocess import Preprocess


log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Floor:
    """A linear head and what it says about the validation photos.

    predictions: columns as evaluate.predictions has them. seconds: for features and fit.
    lost: columns path, label, reason: training photos that had no part in it.
    """

    head: Linear
    predictions: pd.DataFrame
    seconds: float
    lost: pd.DataFrame


def floor(section: Features, body: nn.Module, photos: Photos, preprocess: Preprocess) -> Floor | None:
    """Fit a linear head on the training photos' features, and answer for the validation photos.

    None when the section asks for no floor. Arguments as in `compute`.
    Raises RunError when every training photo of a class is left out.
    """
    if not section.floor:
        return None
    started = time.perf_counter()
    train, valid = photos.part("train"), photos.part("valid")
    place = {name: number for number, name in enumerate(photos.vocab)}
    labels = train["label"].map(place).to_numpy(int)
    values = compute(body, photos, train, preprocess)
    read = np.isfinite(values).all(axis=1)
    empty = set(photos.vocab) - set(train["label"][read])
    if empty:
        raise RunError(
            f"No training photo of {', '.join(sorted(empty))} can be read any more: put them back."
        )
    head = fit(section, values[read], labels[read], len(photos.vocab))
    probabilities = head.probabilities(compute(body, photos, valid, preprocess))
    table = _table(valid, probabilities, photos.vocab)
    seconds = round(time.perf_counter() - started, 1)
    right = int((table["truth"] == table["predicted"]).sum())
    log.info(
        "Floor: %d of %d photos right by a linear head on frozen features, %.0f s.",
        right,
        len(table),
        seconds,
    )
    lost = train.loc[~read, ["path", "label"]].assign(reason="cannot be read any more")
    return Floor(head, table, seconds, lost)


def _table(items: pd.DataFrame, probabilities: np.ndarray, vocab: tuple[str, ...]) -> pd.DataFrame:
    truth = pd.Index(vocab).get_indexer(items["label"])
    of_truth = probabilities[np.arange(len(items)), truth]
    answers = pd.DataFrame(
        {
            "path": items["path"],
            "split": items["split"],
            "truth": items["label"],
            "predicted": [vocab[column] for column in probabilities.argmax(axis=1)],
            "loss": -np.log(np.maximum(of_truth, np.finfo(np.float32).tiny)),
        }
    )
    return pd.concat([answers, pd.DataFrame(probabilities, columns=[f"p:{name}" for name in vocab])], axis=1)
