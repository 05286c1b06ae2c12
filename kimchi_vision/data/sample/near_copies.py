"""Near-duplicates as photo folders collect them: sent on, resized, edited a little."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from kimchi_vision.data.sample.photo import Box, Photo

CHANGES = ("exact", "resized", "recompressed", "brightened", "cropped", "mirrored")


def changed(photo: Photo, change: str, rng: np.random.Generator) -> Photo:
    """The photo after one of CHANGES.

    Size changes 0.6 to 1.4 times, brightness 1.1 to 1.35 times; up to 10 % of a side is cropped.
    """
    image, box, quality = photo.image, photo.box, int(rng.integers(75, 94))
    if change == "resized":
        factor = float(rng.uniform(0.6, 0.9) if rng.random() < 0.7 else rng.uniform(1.1, 1.4))
        image = image.resize(
            (round(image.width * factor), round(image.height * factor)), Image.Resampling.LANCZOS
        )
        box = _within(tuple(int(side * factor) for side in box), image)
    elif change == "recompressed":
        quality = int(rng.integers(35, 60))
    elif change == "brightened":
        image = ImageEnhance.Brightness(image).enhance(float(rng.uniform(1.1, 1.35)))
    elif change == "cropped":
        image, box = _cropped(image, box, rng)
    elif change == "mirrored":
        image, box = ImageOps.mirror(image), (image.width - box[0] - box[2], *box[1:])
    return Photo(image, box, quality)


def _cropped(image: Image.Image, box: Box, rng: np.random.Generator) -> tuple[Image.Image, Box]:
    width, height = (round(side * rng.uniform(0.9, 0.97)) for side in image.size)
    left, top = int(rng.integers(0, image.width - width + 1)), int(rng.integers(0, image.height - height + 1))
    part = image.crop((left, top, left + width, top + height))
    return part, _within((box[0] - left, box[1] - top, box[2], box[3]), part)


def _within(box: Box, image: Image.Image) -> Box:
    left, top = max(box[0], 0), max(box[1], 0)
    right, bottom = min(box[0] + box[2], image.width), min(box[1] + box[3], image.height)
    return left, top, right - left, bottom - top
