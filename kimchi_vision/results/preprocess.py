"""fastai's validation transforms without fastai: from a photo to what the network was trained on."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from PIL import Image

from kimchi_vision.data.decoding import PIXEL_LIMIT
from kimchi_vision.results.sampling import Sampling

LARGEST_GAP = 2e-4
"""How far a normalised value may lie from fastai's, whose float32 grid is rounded otherwise."""


@dataclass(frozen=True)
class Preprocess:
    """The steps of a validation batch: crop, squish or pad; resize; sample; normalise.

    resize, size: sides of the square after Pillow's resize and after sampling, pixels.
    resize_method: crop, squish or pad, as fastai's ResizeMethod; padding reflects.
    mean, std: of the red, green and blue values, 0 to 1.
    Source: fastai.vision.augment.Resize.
    """

    resize: int
    size: int
    resize_method: str = "crop"
    sampling: Sampling = field(default_factory=Sampling)
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)

    def __call__(self, photo: Image.Image) -> np.ndarray:
        """An upright RGB photo as float32 (3, size, size), within LARGEST_GAP of fastai's."""
        # Plane by plane: mixing rows of interleaved colours takes twice as long.
        planes = [np.asarray(plane) for plane in self.square(photo).split()]
        rows = self._sampled(np.concatenate(planes, axis=1).astype(np.float32))
        columns = self._sampled(np.ascontiguousarray(rows.reshape(-1, self.resize).T))
        values = np.ascontiguousarray(columns.T).reshape(self.size, 3, self.size)
        return np.ascontiguousarray((values * self._scale - self._shift).transpose(1, 0, 2))

    @property
    def is_normalized(self) -> bool:
        """Whether values leave the range from 0 to 1."""
        return (self.mean, self.std) != ((0.0,) * 3, (1.0,) * 3)

    def square(self, photo: Image.Image) -> Image.Image:
        """The centre, or all, of a photo, resized by Pillow: to the pixel what fastai's Resize gives."""
        width, height = photo.size
        if self.resize_method != "squish":
            left, top, right, bottom = self.window(photo.size)
            side = right - left
            if side * side > PIXEL_LIMIT:
                raise ValueError(f"the photo has {side} x {side} pixels when it is padded to a square")
            shown = (max(left, 0), max(top, 0), min(right, width), min(bottom, height))
            if shown != (0, 0, width, height):  # a copy of a large photo takes hundreds of megabytes
                photo = photo.crop(shown)
            photo = _reflected(photo, max(-left, 0), max(-top, 0), side)
        return photo.resize((self.resize, self.resize), Image.Resampling.BILINEAR)

    def window(self, size: tuple[int, int]) -> tuple[int, int, int, int]:
        """Left, top, right, bottom, in pixels of a photo of that (width, height), of what the square shows.

        With `pad` it reaches beyond the photo.
        """
        width, height = size
        if self.resize_method == "squish":
            return 0, 0, width, height
        side = int((max(size) if self.resize_method == "pad" else min(size)) / self.resize * self.resize)
        left, top = int(0.5 * (width - side)), int(0.5 * (height - side))
        return left, top, left + side, top + side

    def _sampled(self, values: np.ndarray) -> np.ndarray:
        """Sample the first axis: (resize, n) to (size, n), float32."""
        places, weights = self._taps
        return np.einsum("st,stn->sn", weights, values[places])

    @cached_property
    def _taps(self) -> tuple[np.ndarray, np.ndarray]:
        return self.sampling.taps(self.resize, self.size)

    @cached_property
    def _scale(self) -> np.ndarray:
        return (1 / (255 * np.array(self.std))).astype(np.float32)[:, None]

    @cached_property
    def _shift(self) -> np.ndarray:
        return (np.array(self.mean) / np.array(self.std)).astype(np.float32)[:, None]


def _reflected(photo: Image.Image, left: int, top: int, side: int) -> Image.Image:
    """A square with mirrored borders, the photo `left` and `top` pixels from its corner."""
    if photo.size == (side, side):
        return photo
    right, bottom = side - left - photo.width, side - top - photo.height
    return Image.fromarray(np.pad(np.asarray(photo), ((top, bottom), (left, right), (0, 0)), "reflect"))
