"""Grad-CAM maps laid over the photos that they explain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image

from kimchi_vision import plots
from kimchi_vision.explain.gradcam import GradCam
from kimchi_vision.photos import open_photo

if TYPE_CHECKING:
    from torch import nn

    from kimchi_vision.classifier import Preprocess

BATCH = 8


@dataclass(frozen=True)
class Explained:
    """picture: the square that the network saw, (side, side, 3) uint8, warm where it looked.

    answer: number of the class that it names, which the map is about. probability: of that class.
    """

    picture: np.ndarray
    answer: int
    probability: float


def explained(network: nn.Module, preprocess: Preprocess, files: Sequence[Path]) -> Iterator[Explained]:
    """What a network of body and head says about each photo, and where it looks.

    preprocess: as for the exported model. Raises ModelError when the network has no map to look at, and
    ValueError and OSError as open_photo does.
    """
    look = GradCam(network, preprocess.size)
    device = next(network.parameters()).device
    for start in range(0, len(files), BATCH):
        photos = [open_photo(file) for file in files[start : start + BATCH]]
        seen = look(torch.from_numpy(np.stack([preprocess(photo) for photo in photos])).to(device))
        best = seen.logits.softmax(1).max(1)
        for photo, heat, probability, answer in zip(
            photos, seen.maps, best.values, best.indices, strict=True
        ):
            square = preprocess.square(photo)
            yield Explained(
                plots.heat(square, _stretched(heat.numpy(), square.size)), int(answer), float(probability)
            )


def _stretched(heat: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """To the photo's size, 0 to 1."""
    scaled = heat / max(float(heat.max()), 1e-12)
    return np.asarray(Image.fromarray(scaled.astype(np.float32)).resize(size, Image.Resampling.BILINEAR))
