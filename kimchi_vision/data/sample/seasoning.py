"""What covers the food: red pepper sauce, flakes, sesame, scallion rings, broth."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from kimchi_vision.data.sample.dishes import Dish
from kimchi_vision.data.sample.scene import Scene
from kimchi_vision.data.sample.shapes import (
    Array,
    blocks,
    colour,
    mix,
    noise,
    ramp,
    revolve,
    spots,
    step,
    turns,
)

_JUICE = np.array([0.96, 0.28, 0.09], np.float32)


@dataclass(frozen=True)
class Sauce:
    """Red pepper sauce: its colour, the share of the food that it covers, and a shift of its pattern."""

    tint: Array
    amount: float
    shift: float

    @classmethod
    def mixed(cls, rng: np.random.Generator, least: float, most: float) -> Sauce:
        """A sauce of a random red that covers between these shares."""
        tint = ramp(rng.uniform(0, 1), (0, "a8170a"), (0.4, "c9260c"), (0.75, "da3d12"), (1, "e2551c"))
        return cls(tint, float(rng.uniform(least, most)), float(rng.uniform(0, 1)))

    def over(self, bare: Array, piece: Array, u: Array, v: Array, share: Array | float = 1.0) -> Array:
        """Colours with sauce on them; share: scales the amount, point by point."""
        cloud = noise(u * 0.55 + piece * 0.173 + self.shift, v * 0.35 + piece * 0.291)
        speckle = noise(u * 2.1 + piece * 0.391, v * 1.3 + self.shift)
        amount = self.amount * np.asarray(share, np.float32)
        # A thin film takes away green and blue, as Beer and Lambert's law has it for red juice.
        film = bare * _JUICE ** (1.6 * amount * (0.35 + speckle))[..., None]
        thick = self.tint * (0.6 + 0.7 * noise(u * 3 + piece * 0.7, v * 1.7))[:, None]
        return mix(film, thick, step(cloud + 0.25 * speckle, amount + 0.2, amount) * 0.9)


def bed(scene: Scene, dish: Dish, tint: Array, reach: float = 0.8) -> None:
    """The lowest layer of food, so that gaps between pieces don't show the dish."""
    grid = np.meshgrid(*[np.linspace(-1, 1, scene.samples(1.7 * dish.radius), dtype=np.float32)] * 2)
    # The square's points moved onto a disc, evenly enough: x sqrt(1 - y² / 2) and the same for y.
    flat = np.stack([a * np.sqrt(1 - b**2 / 2) for a, b in (grid, grid[::-1])], -1) * dish.radius * reach
    bumps = 0.012 * np.sin(flat[..., 0] * 17) * np.sin(flat[..., 1] * 15)

    def paint(piece: Array, u: Array, v: Array) -> Array:
        return tint * (0.5 + 0.4 * noise(u * 1.5, v * 1.5))[:, None]

    scene.place(dish.drape(flat, bumps - 0.1)[None], paint, 0.5)


def flakes(scene: Scene, count: int) -> None:
    """Red pepper flakes, some dark and some pale seeds, on visible food."""
    rng = scene.rng
    rows, columns = np.nonzero(scene.food)
    if not len(rows):
        return
    chosen = rng.integers(0, len(rows), count)
    codes = np.array([colour(code) for code in ("8e0f08", "c8290f", "5e0905", "e2a35a")])
    kind = rng.choice(4, count, p=[0.4, 0.35, 0.15, 0.1])
    for down, across in ((0, 0), (0, 1), (1, 0)):
        row = np.clip(rows[chosen] + down, 0, scene.food.shape[0] - 1)
        column = np.clip(columns[chosen] + across, 0, scene.food.shape[1] - 1)
        scene.rgb[row, column] = mix(scene.rgb[row, column], codes[kind], 0.8)


def season(scene: Scene, dish: Dish, seeds: float = 0.5, scallion: float = 0.3) -> None:
    """Pepper flakes, and with these chances sesame and rings of scallion."""
    rng = scene.rng
    flakes(scene, int(rng.integers(200, 900)))
    if rng.random() < seeds:
        sesame(scene, dish, int(rng.integers(12, 55)))
    if rng.random() < scallion:
        rings(scene, dish, int(rng.integers(4, 16)))


def sesame(scene: Scene, dish: Dish, count: int) -> None:
    """Sesame seeds on top of the mound."""
    rng = scene.rng
    centre = dish.drape(spots(rng, count, dish.radius * 0.75), 0.1)
    half = np.tile(np.array([0.022, 0.014, 0.01], np.float32), (count, 1))
    shape = blocks(centre, half, turns(rng, count, 0.3), scene.samples(0.045), 2)
    scene.place(shape, lambda k, u, v: np.broadcast_to(colour("e5c48c"), (len(k), 3)), 0.3)


def rings(scene: Scene, dish: Dish, count: int, code: str = "5f9440", lift: float = 0.1) -> None:
    """Cut rings of scallion or chilli."""
    rng = scene.rng
    centre = dish.drape(spots(rng, count, dish.radius * 0.8), lift)
    profile = np.array([[1, -0.3], [1, 0.3], [0.72, 0.3], [0.6, -0.3]], np.float32)
    ring = revolve(np.repeat(profile, 3, 0), scene.samples(0.3))[0]
    size = rng.uniform(0.03, 0.055, count).astype(np.float32)
    points = np.einsum("kij,nmj->knmi", turns(rng, count, 0.4), ring) * size[:, None, None, None]

    def paint(piece: Array, u: Array, v: Array) -> Array:
        return mix(colour(code), colour("d9e3b5"), step(u, 0.5, 0.8) * 0.7)

    scene.place(points + centre[:, None, None], paint, 0.5)


def broth(scene: Scene, dish: Dish, height: float, tint: Array, murk: float) -> None:
    """Liquid in the dish, up to a height over the table."""
    x, y, _ = scene.camera.table()
    # The table below a pixel lies farther off than the liquid's surface there: step back along the view.
    y = y - height / math.tan(scene.camera.elevation)
    reach = (np.abs(x) ** dish.power + np.abs(y / dish.aspect) ** dish.power) ** (1 / dish.power)
    scene.fill(reach < dish.radius * 1.06, height, tint, murk)
