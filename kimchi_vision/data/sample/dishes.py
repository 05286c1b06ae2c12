"""The dish that the food lies in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from kimchi_vision.data.sample.scene import Scene
from kimchi_vision.data.sample.shapes import Array, colour, length, mix, noise, revolve, step


@dataclass(frozen=True)
class Dish:
    """A dish in the middle of the table and the food it can hold.

    radius: how far food may reach. floor: height of its lowest food. heap: how high it is piled.
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
            powers = np.maximum(np.abs(unit), 0.05) ** self.power
            fit = fit * powers.sum(-1, keepdims=True) ** (-1 / self.power)
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

# Radius and height: the outside upward, the inside from the rim as far as it can be seen between the food.
_OUTSIDE = {
    "plate": [(0.9, 0.11), (0.95, 0.13), (1, 0.155)],
    "bowl": [(0.45, 0), (0.5, 0.1), (0.8, 0.3), (0.98, 0.58), (1, 0.62)],
    "jar": [(0.7, 0), (0.85, 0.15), (0.93, 0.5), (0.9, 0.8), (1, 0.84), (1, 0.9)],
    "box": [(0.93, 0), (0.97, 0.05), (0.98, 0.5), (1.02, 0.52), (1.02, 0.55)],
}
_INSIDE = {
    "plate": [(1, 0.155), (0.97, 0.165), (0.78, 0.085), (0.7, 0.07), (0.3, 0.07)],
    "bowl": [(1, 0.62), (0.955, 0.62), (0.8, 0.36), (0.5, 0.16), (0.3, 0.15)],
    "jar": [(1, 0.9), (0.9, 0.9), (0.86, 0.6), (0.8, 0.3), (0.3, 0.3)],
    "box": [(1.02, 0.55), (0.95, 0.55), (0.93, 0.1), (0.3, 0.1)],
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


def walls(scene: Scene, kind: str, size: float, power: float = 2.0, aspect: float = 1.0) -> list[Array]:
    """Surfaces of a vessel at the origin: the half of its outside that the camera can see, and its inside."""
    near_side, all_around = (0.95 * np.pi, 2.05 * np.pi), (0.0, 2 * np.pi)
    # Near walls are seen large, and equal angles lie far apart around the corners of a square.
    dense = size * (1.15 if power == 2 else 1.8)
    surfaces = []
    for profiles, span in ((_OUTSIDE, near_side), (_INSIDE, all_around)):
        fine = resampled(profiles[kind], scene.samples(1.15 * size))
        around = scene.samples(dense * (span[1] - span[0]))
        surfaces.append(revolve(fine, around, power, aspect, span) * np.float32(size))
    return surfaces


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
    outer, inner, gloss = _GLAZES[str(rng.choice(glazes))]
    rim = float(rng.choice([0, 1]))

    def paint(piece: Array, u: Array, v: Array) -> Array:
        base = colour(outer) * (0.94 + 0.06 * noise(u * 0.7, v * 2))[:, None]
        return mix(base, colour(inner), step(u, 0.16, 0.14) * rim)

    for surface in walls(scene, kind, 1.0, power, aspect):
        scene.place(surface, paint, gloss, food=False)
    scene.ground = food.floor - 0.14
    return Dish(food.radius, food.floor, food.heap * rng.uniform(0.7, 1.3), power, aspect)
