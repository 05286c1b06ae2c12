"""The tables that dishes stand on."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from kimchi_vision.data.sample.canvas import Array, Canvas, colour, mix, noise, ramp, step

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


def lay_table(canvas: Canvas, number: int, rng: Generator) -> None:
    """Table `number` seen from any angle, with a cast of its own."""
    angle, shift = rng.uniform(0, 2 * np.pi), rng.uniform(0, 9, 2).tolist()
    cast = rng.uniform(0.85, 1.15) * rng.uniform(0.96, 1.04, 3).astype(np.float32)
    cos, sin = math.cos(angle), math.sin(angle)
    x, y = cos * canvas.x - sin * canvas.y + shift[0], sin * canvas.x + cos * canvas.y + shift[1]
    bare = np.clip(TABLES[number](x, y) * cast, 0, 1)
    canvas.cover(np.ones(x.shape, bool), bare, gloss=float(rng.uniform(0.02, 0.2)))
