"""Whether backgrounds decide: the same photos with food hidden, and with backgrounds hidden or swapped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
from PIL import Image, ImageFilter

from kimchi_vision.errors import ModelError
from kimchi_vision.explain.gradcam import GradCam
from kimchi_vision.photos import open_photo

if TYPE_CHECKING:
    from torch import nn

    from kimchi_vision.classifier import Preprocess
    from kimchi_vision.photos import Photos

BLUR = 0.08
"""Radius of the blur, as a share of the photo's side."""
MARGIN = 0.12
"""Without boxes the food is taken to lie within the photo but for this share at each border, for GrabCut."""
BATCH = 16


@dataclass(frozen=True)
class Scene:
    """A photo as the network's square, and which of its pixels are food.

    picture: (side, side, 3) uint8. food: (side, side) bool.
    """

    picture: np.ndarray
    food: np.ndarray

    def filled(self) -> np.ndarray:
        """Where food is, the mean colour of the rest; what is left tells nothing but the background."""
        colour = self.picture[~self.food].mean(axis=0) if (~self.food).any() else np.full(3, 128)
        return np.where(self.food[..., None], colour, self.picture).astype(np.uint8)

    def on(self, background: np.ndarray) -> np.ndarray:
        """The food on another background, (side, side, 3) uint8."""
        return np.where(self.food[..., None], self.picture, background)


def answers(network: nn.Module, preprocess: Preprocess, photos: Photos, count: int) -> pd.DataFrame:
    """What a network answers for validation photos whose backgrounds are hidden, blurred or swapped.

    count: at most so many photos, spread over the table. preprocess: as for the exported model.
    Columns path, truth, mask (`box` or `grabcut`), whole, background, food, blurred, swapped: the class that
    each version gets; outside: the share of Grad-CAM's mass on the background, 0 to 1, NaN without a map.
    background: food filled with the background's colour. food: background grey. blurred: background blurred.
    swapped: the food on the filled photo of another class. Sources: Xiao et al., 2021, "Noise or Signal",
    arXiv:2006.09994; GrabCut: Rother, Kolmogorov and Blake, 2004, where photos have no boxes.
    """
    items = photos.part("valid")
    items = items.iloc[np.unique(np.linspace(0, len(items) - 1, min(count, len(items))).astype(int))]
    boxes = items["box"] if "box" in items and "crop" not in items else pd.Series("", index=items.index)
    scenes = [
        _scene(preprocess, open_photo(file), box)
        for file, box in zip(photos.files(items), boxes, strict=True)
    ]
    others = _of_another_class(items["label"].tolist())
    grey = np.full_like(scenes[0].picture, 128)
    versions = {
        "whole": [scene.picture for scene in scenes],
        "background": [scene.filled() for scene in scenes],
        "food": [scene.on(grey) for scene in scenes],
        "blurred": [scene.on(_blurred(scene.picture)) for scene in scenes],
        "swapped": [scene.on(scenes[other].filled()) for scene, other in zip(scenes, others, strict=True)],
    }
    found = pd.DataFrame({"path": items["path"], "truth": items["label"]}).reset_index(drop=True)
    found["mask"] = ["box" if box else "grabcut" for box in boxes]
    for name, pictures in versions.items():
        found[name] = [photos.vocab[number] for number in _named(network, preprocess, pictures)]
    return found.assign(outside=_outside(network, preprocess, scenes))


def _scene(preprocess: Preprocess, photo: Image.Image, box: str) -> Scene:
    shown = preprocess.square(photo)
    if box:
        left, top, right, bottom = map(int, box.split(","))
        mask = Image.new("RGB", photo.size)
        mask.paste((255, 255, 255), (left, top, right, bottom))
        return Scene(np.asarray(shown), np.asarray(preprocess.square(mask))[..., 0] > 127)
    return Scene(np.asarray(shown), _grabcut(np.asarray(shown)))


def _grabcut(picture: np.ndarray) -> np.ndarray:
    """What stands out from the border, by colour; at a quarter of the work of the full size."""
    import cv2

    side = len(picture)
    small = cv2.resize(picture, (128, 128), interpolation=cv2.INTER_AREA)
    edge = round(128 * MARGIN)
    mask = np.zeros((128, 128), np.uint8)
    rectangle = (edge, edge, 128 - 2 * edge, 128 - 2 * edge)
    cv2.setRNGSeed(0)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(small[..., ::-1].copy(), mask, rectangle, *models, 3, cv2.GC_INIT_WITH_RECT)
    food = np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    return cv2.resize(food, (side, side), interpolation=cv2.INTER_NEAREST).astype(bool)


def _of_another_class(labels: Sequence[str]) -> list[int]:
    """For each photo the next one of another class, going round."""
    count = len(labels)
    steps = (
        next((k for k in range(1, count) if labels[(n + k) % count] != labels[n]), 0) for n in range(count)
    )
    return [(number + step) % count for number, step in enumerate(steps)]


def _blurred(picture: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(BLUR * len(picture))))


def _prepared(preprocess: Preprocess, pictures: Sequence[np.ndarray]) -> torch.Tensor:
    return torch.from_numpy(np.stack([preprocess(Image.fromarray(picture)) for picture in pictures]))


def _named(network: nn.Module, preprocess: Preprocess, pictures: Sequence[np.ndarray]) -> list[int]:
    """The number of the most probable class of each picture."""
    training, device = network.training, next(network.parameters()).device
    network.eval()
    found: list[int] = []
    with torch.inference_mode():
        for start in range(0, len(pictures), BATCH):
            batch = _prepared(preprocess, pictures[start : start + BATCH]).to(device)
            found += network(batch).argmax(1).tolist()
    network.train(training)
    return found


def _outside(network: nn.Module, preprocess: Preprocess, scenes: Sequence[Scene]) -> list[float]:
    """The share of Grad-CAM's mass on each background; NaN for a network without a map."""
    try:
        look = GradCam(network, preprocess.size)
    except ModelError:
        return [np.nan] * len(scenes)
    device, shares = next(network.parameters()).device, []
    for start in range(0, len(scenes), BATCH):
        some = scenes[start : start + BATCH]
        maps = look(_prepared(preprocess, [scene.picture for scene in some]).to(device)).maps.numpy()
        for scene, heat in zip(some, maps, strict=True):
            size = heat.shape[::-1]
            food = np.asarray(
                Image.fromarray(scene.food.astype(np.float32)).resize(size, Image.Resampling.BOX)
            )
            shares.append(float((heat * (1 - food)).sum() / heat.sum()) if heat.sum() > 0 else np.nan)
    return shares
