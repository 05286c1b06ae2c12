"""The dish that the food lies in, and what lies beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kimchi_vision.data.sample.canvas import Array, Canvas, colour, mix, noise, step


@dataclass(frozen=True)
class Dish:
    """A dish in the middle of the table and the food it can hold.

    radius: how far food may reach. floor: height of its lowest food. heap: how high it is piled.
    power, aspect: outline; a power of 2 is round, larger is squarer; depth over width.
    """

    radius: float
    floor: float
    heap: float
    power: float = 2.0
    aspect: float = 1.0

    def reach(self, x: Array, y: Array) -> Array:
        """How far out places are: 1 on the rim."""
        return (np.abs(x) ** self.power + np.abs(y / self.aspect) ** self.power) ** (1 / self.power)

    def drape(self, flat: Array, lift: Array | float = 0.0) -> Array:
        """Points (..., 3) on the mound of food above places (..., 2), which are pulled within the dish."""
        x, y = flat[..., 0], flat[..., 1] * self.aspect
        reach = np.maximum(self.reach(x, y) / self.radius, 1e-6)
        within = np.sqrt(np.tanh(reach**2)) / reach
        height = self.floor + self.heap * np.clip(1 - reach**2, 0, 1) + lift
        return np.stack([x * within, y * within, height], -1).astype(np.float32)


_GLAZES = {
    "white": ("f4f2ee", "e6e3dc", 0.9),
    "celadon": ("a9bfa6", "8fa88e", 0.8),
    "brown": ("5b3420", "3c2013", 0.7),
    "black": ("2b2a2b", "1c1b1c", 0.4),
    "steel": ("b9bcc0", "9fa3a8", 1.0),
    "cream": ("e9dcc0", "d8c6a2", 0.6),
    "blue": ("e8ebee", "35558c", 0.9),
}
"""Colours of rim and inside, and gloss."""

# Radii and heights from the middle to the rim, and the food that fits.
_KINDS = {
    "plate": ((0, 0.7, 0.78, 0.97, 1), (0.07, 0.07, 0.085, 0.165, 0.155), Dish(0.76, 0.09, 0.26)),
    "bowl": ((0, 0.5, 0.8, 0.95, 1), (0.15, 0.16, 0.36, 0.62, 0.62), Dish(0.84, 0.36, 0.24)),
    "jar": ((0, 0.86, 0.9, 1), (0.3, 0.6, 0.9, 0.9), Dish(0.86, 0.62, 0.12)),
    "box": ((0, 0.93, 0.95, 1), (0.1, 0.1, 0.55, 0.55), Dish(0.92, 0.34, 0.1)),
}


def set_dish(canvas: Canvas, kinds: tuple[str, ...]) -> Dish:
    """Draw one of these kinds of dish (plate, bowl, jar, box) and return what it can hold."""
    rng = canvas.rng
    kind = str(rng.choice(kinds))
    radii, heights, food = _KINDS[kind]
    power, aspect = 2.0, float(rng.choice([1.0, 1.0, rng.uniform(0.65, 0.9)]))
    if kind == "box" or (kind == "plate" and rng.random() < 0.2):
        power, aspect = float(rng.uniform(5, 9)), float(rng.uniform(0.65, 1))
    dish = Dish(food.radius, food.floor, food.heap * rng.uniform(0.7, 1.3), power, aspect)
    rim, inner, gloss = _GLAZES[str(rng.choice(list(_GLAZES)))]
    reach = dish.reach(canvas.x, canvas.y)
    glaze = mix(colour(inner), colour(rim), step(reach, 0.8, 0.9))
    glaze = glaze * (0.94 + 0.06 * noise(canvas.x * 0.7, canvas.y * 0.7))[..., None]
    inside = reach <= 1
    canvas.level = np.where(inside, np.interp(reach, radii, heights), canvas.level).astype(np.float32)
    canvas.cover(inside, glaze, gloss)
    return dish


def set_sticks(canvas: Canvas) -> None:
    """A pair of chopsticks beside the dish."""
    rng = canvas.rng
    angle, turn = rng.uniform(0, 2 * np.pi), rng.normal(np.pi / 2, 0.15)
    way = np.array([np.cos(angle + turn), np.sin(angle + turn)])
    middle = rng.uniform(1.2, 1.4) * np.array([np.cos(angle), np.sin(angle)])
    along = np.linspace(-1.3, 1.3, canvas.samples(2.6))[:, None, None] * way
    across = np.linspace(-1, 1, canvas.samples(0.1))[:, None]
    side = np.stack([middle, middle + 0.13 * np.array([np.cos(angle), np.sin(angle)])])[:, None, None]
    flat = side + along + 0.035 * across * np.array([-way[1], way[0]])
    height = np.broadcast_to(0.04 + 0.03 * np.sqrt(1 - across**2), (*flat.shape[:3], 1))
    wood = colour(str(rng.choice(["8a4b2a", "c9a26b", "2a1a18", "b9bcc0"])))
    canvas.place(
        np.concatenate([flat, height], -1),
        lambda piece, u, v: np.broadcast_to(wood, (len(u), 3)),
        gloss=0.5,
        food=False,
    )
