"""One drawn photo: dish, food, table, light and camera, all from one seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageFilter

from kimchi_vision.data.sample import leaves, roots
from kimchi_vision.data.sample.clutter import CLUTTER
from kimchi_vision.data.sample.dishes import Dish, set_dish
from kimchi_vision.data.sample.scene import Camera, Light, Scene
from kimchi_vision.data.sample.shapes import Array
from kimchi_vision.data.sample.tables import lay_table

Box = tuple[int, int, int, int]
_ANY = ("plate", "plate", "bowl", "jar", "box")
_DEEP = ("bowl", "bowl", "jar", "box")

# How each class is drawn, and the dishes that it comes in.
KINDS: dict[str, tuple[Callable[[Scene, Dish], None], tuple[str, ...]]] = {
    "배추김치": (leaves.baechu, _ANY),
    "오이소박이": (roots.oisobagi, ("plate", "plate", "bowl", "box")),
    "파김치": (leaves.pa, _ANY),
    "열무김치": (leaves.yeolmu, _DEEP),
    "깍두기": (roots.kkakdugi, _ANY),
    "부추김치": (leaves.buchu, _ANY),
    "무생채": (roots.musaengchae, _ANY),
    "백김치": (leaves.baek, _DEEP),
    "나박김치": (roots.nabak, _DEEP),
    "갓김치": (leaves.gat, _ANY),
    "총각김치": (roots.chonggak, _ANY),
}
CLASSES = tuple(KINDS)


class Photo(NamedTuple):
    """A picture, its food's box (x, y, width, height in pixels) and the JPEG quality to save it with."""

    image: Image.Image
    box: Box
    quality: int


def shoot(kind: str, table: int, seed: np.random.SeedSequence) -> Photo:
    """Draw one photo of a class on a table."""
    camera_seed, table_seed, light_seed, food_seed, sensor_seed = (
        np.random.default_rng(s) for s in seed.spawn(5)
    )
    size = int(camera_seed.integers(320, 401)), int(camera_seed.integers(240, 301))
    scene = Scene(_camera(camera_seed, size), food_seed)
    lay_table(scene, table, table_seed)
    draw, dishes = KINDS[kind]
    dish = set_dish(scene, dishes)
    draw(scene, dish)
    for clutter in CLUTTER:
        if food_seed.random() < 0.35:
            clutter(scene)
    image = _expose(scene.develop(_light(light_seed)), size, sensor_seed)
    return Photo(image, _box(scene.food, size), int(sensor_seed.integers(62, 94)))


def _camera(rng: np.random.Generator, size: tuple[int, int]) -> Camera:
    # From the whole table to a close view of the food, which needs no finer pixels than the photo has.
    nearness, finer = ((0.38, 1.2), (0.58, 1.15), (0.75, 1.0))[rng.integers(3)]
    fine = int(size[0] * finer), int(size[1] * finer)
    target = np.array([*rng.normal(0, 0.2, 2), 0.2], np.float32)
    scale = fine[1] * nearness * rng.uniform(0.85, 1.15)
    return Camera(fine, scale, float(np.radians(rng.uniform(36, 88))), float(rng.normal(0, 0.09)), target)


def _light(rng: np.random.Generator) -> Light:
    return Light(
        azimuth=float(rng.uniform(0, 2 * np.pi)),
        elevation=float(np.radians(rng.uniform(28, 68))),
        warmth=float(rng.uniform(-0.8, 1.4)),
        exposure=float(rng.normal(-0.05, 0.4)),
        ambient=float(rng.uniform(0.3, 0.6)),
    )


def _expose(value: Array, size: tuple[int, int], rng: np.random.Generator) -> Image.Image:
    """Lens and sensor: blur, falling light toward the corners, noise."""
    image = Image.fromarray((value * 255).astype(np.uint8)).resize(size, Image.Resampling.BOX)
    image = image.filter(
        ImageFilter.GaussianBlur(float(rng.choice([0.3, 0.6, 1.0, 1.8], p=[0.3, 0.3, 0.25, 0.15])))
    )
    x, y = np.meshgrid(*(np.linspace(-1, 1, side, dtype=np.float32) for side in size))
    corner = 1 - rng.uniform(0, 0.18) * (x**2 + y**2)
    grain = rng.standard_normal((size[1], size[0], 4), dtype=np.float32)
    grain = grain[..., :1] + 0.5 * grain[..., 1:]
    pixels = np.asarray(image) * corner[..., None] + grain * rng.uniform(0.5, 5)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _box(food: Array, size: tuple[int, int]) -> Box:
    rows, columns = (np.flatnonzero(food.any(axis)) for axis in (1, 0))
    height, width = food.shape
    left, top = int(columns[0] * size[0] / width), int(rows[0] * size[1] / height)
    right = min(int(np.ceil((columns[-1] + 1) * size[0] / width)), size[0])
    bottom = min(int(np.ceil((rows[-1] + 1) * size[1] / height)), size[1])
    return left, top, right - left, bottom - top
