"""Predictions written down by hand: what a model said of photos, without a model."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from kimchi_vision.results.predictions import Predictions


def said(
    rows: Sequence[tuple[str, str]],
    vocab: Sequence[str],
    split: str = "valid",
    groups: Sequence[int] | None = None,
    sure: float = 0.8,
) -> Predictions:
    """From (truth, predicted) of each photo. sure: the probability of the predicted class."""
    rest = (1 - sure) / max(len(vocab) - 1, 1)
    shares = [[sure if name == predicted else rest for name in vocab] for _, predicted in rows]
    return shown([(truth, row) for (truth, _), row in zip(rows, shares, strict=True)], vocab, split, groups)


def shown(
    rows: Sequence[tuple[str, Sequence[float]]],
    vocab: Sequence[str],
    split: str | Sequence[str] = "valid",
    groups: Sequence[int] | None = None,
) -> Predictions:
    """From (truth, probabilities in the order of vocab) of each photo."""
    names = [
        f"{split}{number}.jpg" if isinstance(split, str) else f"{number}.jpg" for number in range(len(rows))
    ]
    items = pd.DataFrame({"path": names, "split": split, "label": [truth for truth, _ in rows]})
    if groups is not None:
        items["group"] = list(groups)
    return Predictions.from_probabilities(items, np.array([row for _, row in rows], float), vocab)
