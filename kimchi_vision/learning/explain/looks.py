"""A network with its preprocessing, asked where it looks."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import nn

from kimchi_vision.base.files import replacing
from kimchi_vision.base.run_files import RunFiles
from kimchi_vision.config.sections import Explain
from kimchi_vision.data.photo import Photo, Photos, open_photo
from kimchi_vision.learning.explain.gradcam import GradCam, Seen
from kimchi_vision.learning.model.layers import evaluating
from kimchi_vision.results import plots
from kimchi_vision.results.preprocess import Preprocess

BATCH = 16


class Look(NamedTuple):
    """What a network says about a photo, and where it looks for that.

    square: what it sees of the photo. heat: (height, width), 0 to 1. logits: (classes,).
    """

    square: Image.Image
    heat: np.ndarray
    logits: np.ndarray

    def drawn(self) -> Image.Image:
        """The heat on the photo."""
        heat = Image.fromarray(self.heat).resize(self.square.size, Image.Resampling.BICUBIC)
        return Image.fromarray(plots.heat(self.square, np.clip(np.asarray(heat), 0, 1)))


class Explainer:
    """network: body and head, photos (n, 3, size, size) to logits. preprocess: from a photo to that.

    Raises ModelError when the network has no map to look at.
    """

    def __init__(self, network: nn.Module, preprocess: Preprocess) -> None:
        self.network, self.preprocess = network, preprocess
        self._grad_cam = GradCam(network, preprocess.size)

    def looks(self, files: Sequence[Photo]) -> Iterator[Look]:
        """One Look a photo, at what speaks for its most probable class. Errors as open_photo's."""
        for file in files:
            photo = open_photo(file)
            seen = self.seen(self.preprocess(photo)[None])
            heat = seen.maps[0].numpy()
            heat = heat / max(
                float(heat.max()), 1e-12
            )  # a map of zeros stays one: nothing speaks for the class
            yield Look(self.preprocess.square(photo), heat, seen.logits[0].numpy())

    def seen(self, inputs: np.ndarray) -> Seen:
        """Logits and maps of prepared photos (n, 3, size, size), in batches."""
        found = [self._grad_cam(self._tensor(inputs[at : at + BATCH])) for at in range(0, len(inputs), BATCH)]
        return Seen(torch.cat([one.logits for one in found]), torch.cat([one.maps for one in found]))

    def answers(self, inputs: np.ndarray) -> np.ndarray:
        """The most probable class of each prepared photo, as its place in the vocab."""
        with evaluating(self.network), torch.inference_mode():
            found = [
                self.network(self._tensor(inputs[at : at + BATCH])).argmax(1).cpu()
                for at in range(0, len(inputs), BATCH)
            ]
        return torch.cat(found).numpy()

    def _tensor(self, inputs: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(inputs).to(next(self.network.parameters()).device)


def top_losses(
    section: Explain, explainer: Explainer, photos: Photos, worst: Sequence[str], files: RunFiles
) -> None:
    """Draw where the network looks on the photos with the paths in `worst`, if the section asks for it."""
    if not section.top_losses:
        return
    rows = photos.items.set_index("path", drop=False).loc[list(worst)]
    looks = explainer.looks(photos.files(rows))
    for photo, look in zip(photos.files(rows), looks, strict=True):
        save(look, files.overlay(photo.content))


def save(look: Look, path: Path) -> None:
    """Write the drawn heat, whole or not at all."""
    with replacing(path) as temporary:
        look.drawn().save(temporary, quality=88)
