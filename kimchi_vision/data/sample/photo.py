"""One drawn photo, all from one seed; and near-copies of it, as photo folders collect them."""

from typing import NamedTuple

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from kimchi_vision.data.sample.canvas import Array, Canvas
from kimchi_vision.data.sample.dishes import lay_table, set_dish, set_sticks
from kimchi_vision.data.sample.kimchi import KINDS
from kimchi_vision.data.sample.serve import serve

Box = tuple[int, int, int, int]
CLASSES = tuple(KINDS)
NEARNESS = (0.38, 0.55, 0.75)
"""Dish radii as shares of the picture's height: from the whole table to a close view."""
CHANGES = ("exact", "resized", "recompressed", "brightened", "cropped", "mirrored")
"""How near-copies differ."""


class Photo(NamedTuple):
    """A picture, its food's box (x, y, width, height in pixels) and the JPEG quality to save it with."""

    image: Image.Image
    box: Box
    quality: int


def shoot(kind: str, table: int, seed: np.random.SeedSequence) -> Photo:
    """Draw one photo of a class on a table."""
    camera, table_seed, light, food, sensor = (np.random.default_rng(s) for s in seed.spawn(5))
    size = int(camera.integers(320, 401)), int(camera.integers(240, 301))
    scale = size[1] * camera.choice(NEARNESS) * camera.uniform(0.85, 1.15)
    elevation = np.radians(camera.uniform(42, 88))
    whole = int(size[0] * 1.5), int(size[1] * 1.3 / np.sin(elevation))
    canvas = Canvas(whole, scale, tuple(camera.normal(0, 0.2, 2)), food)
    lay_table(canvas, table, table_seed)
    serve(canvas, set_dish(canvas, KINDS[kind].dishes), KINDS[kind])
    if food.random() < 0.35:
        set_sticks(canvas)
    corners = _seen(camera, whole, size, elevation)
    value = Image.fromarray((canvas.develop(light) * 255).astype(np.uint8))
    image, mask = (
        picture.transform(size, Image.Transform.QUAD, corners, Image.Resampling.BILINEAR)
        for picture in (value, Image.fromarray(canvas.food.astype(np.uint8) * 255))
    )
    return Photo(_exposed(image, sensor), _box(np.asarray(mask) > 127), int(sensor.integers(62, 94)))


def _seen(
    rng: np.random.Generator, whole: tuple[int, int], size: tuple[int, int], elevation: float
) -> tuple[float, ...]:
    """Corners of what the camera sees of the canvas, in PIL's order: what is far off is seen smaller."""
    slant, roll = np.cos(elevation), rng.normal(0, 0.09)
    half = np.array([size[0], size[1] / np.sin(elevation)]) / 2
    far, near = 1 + 0.3 * slant, 1 - 0.15 * slant
    corners = half * np.array([[-far, -1], [-near, 1], [near, 1], [far, -1]])
    turn = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    return tuple((corners @ turn.T + np.array(whole) / 2).ravel().tolist())


def _exposed(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Lens and sensor: blur, falling light toward the corners, noise."""
    image = image.filter(
        ImageFilter.GaussianBlur(float(rng.choice([0.3, 0.6, 1.0, 1.8], p=[0.3, 0.3, 0.25, 0.15])))
    )
    x, y = np.meshgrid(*(np.linspace(-1, 1, side, dtype=np.float32) for side in image.size))
    corner = 1 - rng.uniform(0, 0.18) * (x**2 + y**2)
    grain = rng.standard_normal((image.height, image.width, 4), dtype=np.float32)
    grain = grain[..., :1] + 0.5 * grain[..., 1:]
    pixels = np.asarray(image) * corner[..., None] + grain * rng.uniform(0.5, 5)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _box(food: Array) -> Box:
    rows, columns = (np.flatnonzero(food.any(axis)).tolist() for axis in (1, 0))
    return columns[0], rows[0], columns[-1] + 1 - columns[0], rows[-1] + 1 - rows[0]


def changed(photo: Photo, change: str, rng: np.random.Generator) -> Photo:
    """The photo after one of CHANGES.

    Size changes 0.6 to 1.4 times, brightness 1.1 to 1.35 times; up to 10 % of a side is cropped.
    """
    image, box, quality = photo.image, photo.box, int(rng.integers(75, 94))
    if change == "resized":
        factor = float(rng.uniform(0.6, 0.9) if rng.random() < 0.7 else rng.uniform(1.1, 1.4))
        size = round(image.width * factor), round(image.height * factor)
        image = image.resize(size, Image.Resampling.LANCZOS)
        box = _within(tuple(int(side * factor) for side in box), image)
    elif change == "recompressed":
        quality = int(rng.integers(35, 60))
    elif change == "brightened":
        image = ImageEnhance.Brightness(image).enhance(float(rng.uniform(1.1, 1.35)))
    elif change == "cropped":
        width, height = (round(side * rng.uniform(0.9, 0.97)) for side in image.size)
        left, top = (int(rng.integers(0, most + 1)) for most in (image.width - width, image.height - height))
        image = image.crop((left, top, left + width, top + height))
        box = _within((box[0] - left, box[1] - top, box[2], box[3]), image)
    elif change == "mirrored":
        image, box = ImageOps.mirror(image), (image.width - box[0] - box[2], *box[1:])
    return Photo(image, box, quality)


def _within(box: Box, image: Image.Image) -> Box:
    left, top = max(box[0], 0), max(box[1], 0)
    right, bottom = min(box[0] + box[2], image.width), min(box[1] + box[3], image.height)
    return left, top, right - left, bottom - top
