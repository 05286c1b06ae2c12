"""The table, the dish on it that the food lies in, and what lies beside."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kimchi_vision.data.sample.canvas import Array, Canvas, colour, mix, noise, ramp, step


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
    points = np.concatenate([flat, height], -1)
    canvas.place(points, lambda piece, u, v: np.broadcast_to(wood, (len(u), 3)), gloss=0.5, food=False)


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


def lay_table(canvas: Canvas, number: int, rng: np.random.Generator) -> None:
    """Table `number` seen from any angle, with a cast of its own."""
    angle, shift = rng.uniform(0, 2 * np.pi), rng.uniform(0, 9, 2).tolist()
    cast = rng.uniform(0.85, 1.15) * rng.uniform(0.96, 1.04, 3).astype(np.float32)
    cos, sin = math.cos(angle), math.sin(angle)
    x, y = cos * canvas.x - sin * canvas.y + shift[0], sin * canvas.x + cos * canvas.y + shift[1]
    bare = np.clip(TABLES[number](x, y) * cast, 0, 1)
    canvas.cover(np.ones(x.shape, bool), bare, gloss=float(rng.uniform(0.02, 0.2)))
