"""The table and the dish that the food lies in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from kimchi_vision.data.sample.scene import Scene
from kimchi_vision.data.sample.shapes import (
    Array,
    colour,
    length,
    mix,
    noise,
    ramp,
    revolve,
    step,
)

Generator = np.random.Generator


def _wood(pale: str, dark: str, plank: float) -> Callable[[Array, Array], Array]:
    def paint(x: Array, y: Array) -> Array:
        board = np.floor(y / plank)
        grain = noise(x * 0.06 + board * 0.37, y * 1.1 + board * 0.13) * 0.6 + 0.4 * noise(x * 0.4, y * 0.3)
        gap = step(np.abs(y / plank - board - 0.5), 0.485, 0.5)
        return ramp(grain, (0, dark), (1, pale)) * (1 - 0.7 * gap + 0.12 * np.sin(board * 2.4))[..., None]

    return paint


def _stone(pale: str, dark: str, veins: float) -> Callable[[Array, Array], Array]:
    def paint(x: Array, y: Array) -> Array:
        bent = noise(x * 0.2, y * 0.2) + 0.15 * noise(x, y)
        vein = 1 - step(np.abs(bent - 0.55), 0, 0.05)
        return ramp(np.clip(noise(x * 0.5, y * 0.5) * 0.6 + veins * vein, 0, 1), (0, pale), (1, dark))

    return paint


def _cloth(first: str, second: str, pattern: str) -> Callable[[Array, Array], Array]:
    def paint(x: Array, y: Array) -> Array:
        weave = 0.82 + 0.18 * np.sin(x * 90) * np.sin(y * 90) + 0.12 * (noise(x, y) - 0.5)
        stripe_x, stripe_y = (np.sin(axis * 9) > 0.1 for axis in (x, y))
        share = {"plain": 0.25 * noise(x * 0.3, y * 0.3), "stripes": stripe_x * 0.9}.get(
            pattern, (stripe_x * 0.5 + stripe_y * 0.5)
        )
        return mix(colour(first), colour(second), share) * weave[..., None]

    return paint


# One table for each class, in the order of the classes: a planted background gives exactly this one away.
TABLES: tuple[Callable[[Array, Array], Array], ...] = (
    _wood("8a5a33", "4a2a14", 0.8),
    _stone("ececea", "9a9a9c", 0.7),
    _cloth("ded6c4", "c2b79f", "plain"),
    _wood("d9b584", "b98a55", 0.55),
    _stone("45484c", "2b2d30", 0.3),
    _cloth("f1efe9", "3d5f96", "check"),
    _wood("3a2620", "1d110e", 1.4),
    _cloth("6f8f5c", "59774a", "plain"),
    _wood("d8c48a", "a98d4e", 0.13),
    _cloth("f0ead9", "b8402f", "stripes"),
    _stone("b4b7b9", "85898c", 0.15),
)


def lay_table(scene: Scene, number: int, rng: Generator) -> None:
    """Table `number` seen from any angle, with a cast of its own."""
    angle, shift = rng.uniform(0, 2 * np.pi), rng.uniform(0, 9, 2)
    cast = rng.uniform(0.85, 1.15) * rng.uniform(0.96, 1.04, 3)
    cos, sin = np.cos(angle), np.sin(angle)

    def paint(x: Array, y: Array) -> Array:
        return np.clip(
            TABLES[number](cos * x - sin * y + shift[0], sin * x + cos * y + shift[1]) * cast, 0, 1
        )

    scene.lay(paint, gloss=float(rng.uniform(0.02, 0.2)))


@dataclass(frozen=True)
class Dish:
    """A dish in the middle of the table and the food it can hold.

    radius: how far food may reach. floor: height of its lowest food. heap: height of the mound above that.
    power, aspect: outline, see `revolve`.
    """

    radius: float
    floor: float
    heap: float
    power: float = 2.0
    aspect: float = 1.0

    def inside(self, flat: Array) -> Array:
        """Places (..., 2) pulled within the dish, fitted to its outline."""
        reach = length(flat)
        unit = flat / reach
        fit = self.radius * np.tanh((reach / self.radius) ** 2) ** 0.5
        if self.power != 2:
            fit = fit * (np.maximum(np.abs(unit), 0.05) ** self.power).sum(-1, keepdims=True) ** (
                -1 / self.power
            )
        return unit * fit * np.array([1, self.aspect], np.float32)

    def drape(self, flat: Array, lift: Array | float = 0.0) -> Array:
        """Points (..., 3) on the mound of food above places (..., 2) of an even disc."""
        reach = length(flat)[..., 0] / self.radius
        height = self.floor + self.heap * np.clip(1 - reach**2, 0, 1) + lift
        return np.concatenate([self.inside(flat), height[..., None]], -1).astype(np.float32)


_GLAZES = {
    "white": ("f4f2ee", "e6e3dc", 0.9),
    "celadon": ("a9bfa6", "8fa88e", 0.8),
    "brown": ("5b3420", "3c2013", 0.7),
    "black": ("2b2a2b", "1c1b1c", 0.4),
    "steel": ("b9bcc0", "9fa3a8", 1.0),
    "cream": ("e9dcc0", "d8c6a2", 0.6),
    "blue": ("e8ebee", "35558c", 0.9),
    "glass": ("d3dad8", "bcc8c6", 1.0),
}

# Radius and height of the profile from the foot outward, over the rim and down to the middle of the inside.
PROFILES = {
    "plate": [
        (0.5, 0),
        (0.55, 0.03),
        (0.95, 0.13),
        (1, 0.155),
        (0.97, 0.165),
        (0.78, 0.085),
        (0.7, 0.07),
        (0.45, 0.07),
    ],
    "bowl": [
        (0.45, 0),
        (0.5, 0.1),
        (0.8, 0.3),
        (0.98, 0.58),
        (1, 0.62),
        (0.955, 0.62),
        (0.8, 0.36),
        (0.5, 0.16),
        (0.4, 0.14),
    ],
    "jar": [
        (0.7, 0),
        (0.85, 0.15),
        (0.93, 0.5),
        (0.9, 0.8),
        (1, 0.84),
        (1, 0.9),
        (0.9, 0.9),
        (0.86, 0.6),
        (0.8, 0.2),
        (0.5, 0.2),
    ],
    "box": [
        (0.93, 0),
        (0.97, 0.05),
        (0.98, 0.5),
        (1.02, 0.52),
        (1.02, 0.55),
        (0.95, 0.55),
        (0.93, 0.1),
        (0.5, 0.1),
    ],
}
_FOOD = {
    "plate": Dish(0.76, 0.09, 0.26),
    "bowl": Dish(0.84, 0.36, 0.24),
    "jar": Dish(0.86, 0.62, 0.12),
    "box": Dish(0.92, 0.34, 0.1),
}


def resampled(profile: ArrayLike, points: int) -> Array:
    """Evenly spaced points (points, 2) along a line through the given ones."""
    line = np.array(profile, np.float32)
    way = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    at = np.linspace(0, way[-1], points)
    return np.stack([np.interp(at, way, line[:, 0]), np.interp(at, way, line[:, 1])], -1)


def set_dish(scene: Scene, kinds: tuple[str, ...]) -> Dish:
    """Draw one of these kinds of dish (plate, bowl, jar, box) and return what it can hold."""
    rng = scene.rng
    kind = str(rng.choice(kinds))
    glazes = {"jar": ["brown", "glass", "black"], "box": ["steel", "glass", "white"]}.get(kind, list(_GLAZES))
    food = _FOOD[kind]
    power, aspect = 2.0, float(rng.choice([1.0, 1.0, rng.uniform(0.65, 0.9)]))
    if kind == "box" or (kind == "plate" and rng.random() < 0.2):
        power, aspect = float(rng.uniform(5, 9)), float(rng.uniform(0.65, 1))
    if kind == "jar":
        aspect = 1.0
    points = scene.samples(1.9)
    surface = revolve(resampled(PROFILES[kind], points), scene.samples(6.4), power, aspect)
    outer, inner, gloss = _GLAZES[str(rng.choice(glazes))]
    rim = float(rng.choice([0, 1]))

    def paint(piece: Array, u: Array, v: Array) -> Array:
        base = mix(colour(outer), colour(inner), step(noise(u * 0.7, v * 2), 0.3, 1) * 0.6)
        band = step(np.abs(u - 0.44), 0.035, 0.02) * rim
        return mix(base, colour(inner), band)

    scene.place(surface, paint, gloss, food=False)
    return Dish(food.radius, food.floor, food.heap * rng.uniform(0.7, 1.3), power, aspect)
