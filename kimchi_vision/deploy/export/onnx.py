"""model.onnx: the network in one file, run on real photos before it gets its name."""

from __future__ import annotations

import copy
import dataclasses
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import torch

from kimchi_vision.base.errors import RunError
from kimchi_vision.data.photo import open_photo
from kimchi_vision.deploy.runtime import Classifier
from kimchi_vision.results.model_metadata import Facts

if TYPE_CHECKING:
    from kimchi_vision.data.photo import Photo, Photos
    from kimchi_vision.results.predictions import Predictions

PHOTOS = 256
"""Validation photos that a file is run on, at most."""

LARGEST_GAP = 1e-3
"""A probability of an fp32 file may differ by this much from the learner's own."""

OPSET = 18


def save(model: torch.nn.Module, facts: Facts, file: Path) -> None:
    """Write an fp32 model: `image` (batch, 3, size, size), normalised, to `logits` (batch, classes)."""
    model = copy.deepcopy(model).float().cpu().eval()
    photos = torch.zeros(2, 3, facts.preprocess.size, facts.preprocess.size)
    batch = {"image": {0: "batch"}, "logits": {0: "batch"}}
    with warnings.catch_warnings(), torch.no_grad(), _plain_attention():
        # The exporter that replaces this one takes three times as long for the same file.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model,
            (photos,),
            file,
            dynamo=False,
            input_names=["image"],
            output_names=["logits"],
            dynamic_axes=batch,
            opset_version=OPSET,
        )
    written = onnx.load(file)
    onnx.helper.set_model_props(written, facts.to_metadata())
    onnx.save(written, file)


@contextmanager
def _plain_attention() -> Iterator[None]:
    """torch.nn.MultiheadAttention as the operators that it is made of; its fused one has no ONNX form."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


def prove(file: Path, photos: Photos, predictions: Predictions) -> dict[str, Any]:
    """Photo files to probabilities by this file, beside the learner's own: photos, agreement and gap.

    predictions: the learner's own.
    Raises RunError when a top-1 class differs, or a probability by more than LARGEST_GAP.
    """
    sample = predictions.part("valid").spread(PHOTOS)
    expected = sample.probabilities
    found = probabilities(Classifier(file), photos.files(sample.table))
    same = expected.argmax(axis=1) == found.argmax(axis=1)
    gap = float(np.abs(expected - found).max())
    if not same.all() or not gap <= LARGEST_GAP:
        raise RunError(
            f"on {len(sample)} validation photos {same.mean():.2%} of its answers are the learner's own, "
            f"and its probabilities differ by up to {gap:.1e}; 100% and {LARGEST_GAP:.0e} are asked for."
        )
    return {"photos": len(sample), "agreement": float(same.mean()), "largest_gap": gap}


def probabilities(classifier: Classifier, files: list[Photo]) -> np.ndarray:
    """Of photo files, before calibration: (photos, classes)."""
    classifier.facts = dataclasses.replace(classifier.facts, temperature=1.0)
    # The first photo goes alone: a batch of one is what a user sends.
    parts = [files[:1], *(files[start : start + 32] for start in range(1, len(files), 32))]
    return np.concatenate([classifier.probabilities(map(open_photo, part)) for part in parts])
