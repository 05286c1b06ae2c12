"""The part of training augmentation that is the same in every epoch: a photo becomes small."""

import math

import cv2
import numpy as np
from PIL import Image

from kimchi_vision.config.sections import Augment

AVERAGED_FROM = 1.05
"""From this many pixels for two of the final picture's, a photo is averaged down, as fastai does above 1."""
PAIRS = 0.25
"""Variance of a mean of two neighbouring pixels."""


class Presize:
    """fastai's Resize for training photos, in two steps: the size now, the random part in each epoch.

    side: pixels of the square that the random part keeps.
    halved_from: fastai averages pairs of pixels of crops that are larger than this.
    key: text that changes whenever the pixels would.
    """

    def __init__(self, section: Augment) -> None:
        self.resize, self.method = section.resize, section.resize_method
        # Pixels of the presized photo, along a side, that become two of the final picture, on average.
        factor = section.resize * ((1 + section.min_scale) / 2) ** 0.5 / section.size / 2
        averaged = factor >= AVERAGED_FROM and section.mode == "bilinear"
        self.side = round(section.resize / factor) if averaged else section.resize
        self.blur = _blur(section, averaged)
        whole = averaged or section.min_scale == 1 or section.mode != "bilinear"
        self.halved_from = math.inf if whole else 2 * section.size
        self.key = f"3 {self.method} {self.resize} {self.side} {self.blur:.4f}"

    def shape(self, width: int, height: int) -> tuple[int, int]:
        """Height and width in pixels of what a photo of this size becomes."""
        return self._shape(width, height, self.side)

    def __call__(self, photo: Image.Image) -> np.ndarray:
        """(height, width, 3) uint8: the whole photo, its short side (long one with `pad`) `side` long."""
        height, width = self._shape(*photo.size, self.resize)
        cv2.setNumThreads(1)  # the loader's threads share the photos out
        small = _resized(photo, (width, height))
        if self.blur:
            small = cv2.sepFilter2D(small, -1, taps(self.blur), taps(self.blur))
        if self.side < self.resize:
            height, width = self.shape(*photo.size)
            small = cv2.resize(small, (width, height), interpolation=cv2.INTER_AREA)
        return small

    def window(self, photo: np.ndarray, part: np.ndarray) -> np.ndarray:
        """The square that `part`, 0..1 across and down, chooses; with `pad`, filled up by reflection."""
        height, width = photo.shape[:2]
        left, top = int(part[0] * (width - self.side)), int(part[1] * (height - self.side))
        if self.method != "pad":
            return photo[top : top + self.side, left : left + self.side]
        around = ((-top, self.side - height + top), (-left, self.side - width + left), (0, 0))
        return np.pad(photo, around, mode="reflect" if min(height, width) > 1 else "edge")

    def _shape(self, width: int, height: int, side: int) -> tuple[int, int]:
        if self.method == "squish":
            return side, side
        scale = side / (max(width, height) if self.method == "pad" else min(width, height))
        return max(1, round(height * scale)), max(1, round(width * scale))


def _resized(photo: Image.Image, size: tuple[int, int]) -> np.ndarray:
    """What Pillow's bilinear filter gives, which averages where it shrinks; OpenCV enlarges sooner."""
    if photo.width <= size[0] and photo.height <= size[1]:
        return cv2.resize(np.asarray(photo), size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(photo.resize(size, Image.Resampling.BILINEAR))


def _blur(section: Augment, averaged: bool) -> float:
    """Variance, in square pixels, of what fastai's further interpolations blur and one warp does not.

    Linear interpolation at t between two pixels has variance t (1 - t), 1/6 on average: with a crop, fastai
    interpolates once more when anything moves. Where more than two pixels become one it averages pairs
    first: without a crop always or never; what it does to the largest crops is left to the crop.
    """
    if section.mode != "bilinear" or averaged:
        return 0.0
    if section.min_scale == 1:
        return PAIRS if 2 * section.size < section.resize else 0.0
    zooms = section.min_zoom < 1 or section.max_zoom > 1
    kinds = 2 * bool(section.max_warp) + bool(section.max_rotate) + zooms
    return (1 - (1 - section.p_affine) ** kinds) / 6


def taps(variance: float) -> np.ndarray:
    """Three weights with this variance, in square pixels: a blur along one axis."""
    return np.array((variance / 2, 1 - variance, variance / 2))
