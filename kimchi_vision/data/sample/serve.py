"""Kimchi on a dish: pieces laid on the mound one after the other, sauce, broth and flakes over them."""

from dataclasses import dataclass, replace

import numpy as np

from kimchi_vision.data.sample.canvas import Array, Canvas, Paint, colour, mix, noise, ramp, step
from kimchi_vision.data.sample.dishes import Dish
from kimchi_vision.data.sample.kimchi import Kind, Pieces

_RED = ((0, "a8170a"), (0.4, "c9260c"), (0.75, "da3d12"), (1, "e2551c"))
_JUICE = np.array([0.96, 0.28, 0.09], np.float32)


@dataclass(frozen=True)
class Sauce:
    """Red pepper sauce: its colour, the share of the food that it covers, and a shift of its pattern."""

    tint: Array
    amount: float
    shift: float

    def over(self, bare: Array, piece: Array, u: Array, v: Array, share: float) -> Array:
        """Colours with sauce on them; share: of the amount."""
        amount = self.amount * share
        cloud = noise(u * 0.55 + piece * 0.173 + self.shift, v * 0.35 + piece * 0.291)
        speckle = noise(u * 2.1 + piece * 0.391, v * 1.3 + self.shift)
        # A thin film takes away green and blue, as Beer and Lambert's law has it for red juice.
        film = bare * _JUICE ** (1.6 * amount * (0.35 + speckle))[..., None]
        thick = self.tint * (0.6 + 0.7 * noise(u * 3 + piece * 0.7, v * 1.7))[:, None]
        return mix(film, thick, step(cloud + 0.25 * speckle, amount + 0.2, amount) * 0.9)


def serve(canvas: Canvas, dish: Dish, kind: Kind) -> None:
    """Fill a dish that stands on the canvas."""
    rng = canvas.rng
    sauce = Sauce(ramp(rng.uniform(), *_RED), rng.uniform(*kind.sauce), rng.uniform())
    level = dish.floor + dish.heap * (rng.uniform(*kind.broth.depth) if kind.broth else 1)
    if kind.floats:
        dish = replace(dish, floor=level - 0.1, heap=0.0)
    _bed(canvas, dish, colour(kind.bed) if kind.bed else sauce.tint * 0.7)
    for layer in kind.layers:
        _strew(canvas, dish, layer[rng.integers(len(layer))], sauce)
    if kind.broth and rng.random() < kind.broth.share:
        inside = dish.reach(canvas.x, canvas.y) < dish.radius * 1.06
        canvas.pour(inside, level, ramp(rng.uniform(), *kind.broth.stops), rng.uniform(*kind.broth.murk))
    for share, pieces in kind.toppings:
        if rng.random() < share:
            _strew(canvas, dish, pieces, sauce)
    _flakes(canvas, int(rng.integers(*kind.flakes)))


def _bed(canvas: Canvas, dish: Dish, tint: Array) -> None:
    """The lowest layer of food, so that gaps between pieces don't show the dish."""
    reach = dish.reach(canvas.x, canvas.y) / dish.radius
    height = dish.floor + dish.heap * (1 - reach**2) - 0.06 + 0.03 * noise(canvas.x * 0.9, canvas.y * 0.9)
    here = (reach < 0.95) & (height > canvas.level)
    canvas.level = np.where(here, height, canvas.level).astype(np.float32)
    canvas.cover(here, tint * (0.5 + 0.4 * noise(canvas.x * 0.8, canvas.y * 0.8))[..., None], 0.5)
    canvas.food |= here


def _strew(canvas: Canvas, dish: Dish, kind: Pieces, sauce: Sauce) -> None:
    rng, count = canvas.rng, int(canvas.rng.integers(*kind.count))
    line = _lines(canvas, dish, kind, count)
    t = np.linspace(0, 1, line.shape[1], dtype=np.float32)[:, None]
    width = kind.form(t) * rng.uniform(*kind.wide, (count, 1, 1)) * rng.uniform(0.85, 1.15)
    s = np.linspace(-1, 1, canvas.samples(2 * float(width.max())), dtype=np.float32)
    along = np.gradient(line[..., :2], axis=1)
    along /= np.linalg.norm(along, axis=-1, keepdims=True) + 1e-9
    side = np.stack([-along[..., 1], along[..., 0]], -1)
    rise = kind.high * np.sqrt(1 - np.abs(s) ** (8 if kind.squared else 2)) + np.zeros_like(t)
    if kind.squared:
        lean, toward = rng.normal(0, 0.3, (2, count, 1, 1))
        rise = rise + lean * s + toward * (2 * t - 1)
    if kind.ruffle:
        phase = rng.uniform(0, 6, (count, 1, 1))
        wave = np.sin(23 * t + 4 * s + phase) + 0.5 * np.sin(47 * t - 7 * s + 2 * phase)
        rise = rise + kind.ruffle * t**0.7 * np.abs(s) ** 1.2 * wave
    flat = line[:, :, None, :2] + (s * width)[..., None] * side[:, :, None]
    points = np.concatenate([flat, (line[..., 2:] + width * rise)[..., None]], -1)
    canvas.place(points, _paint(kind, sauce, rng.uniform(-0.15, 0.15, count)), 0.65)


def _paint(kind: Pieces, sauce: Sauce, shade: Array) -> Paint:
    """shade: how far along its colours each piece begins."""

    def paint(piece: Array, u: Array, v: Array) -> Array:
        off = np.abs(v - 0.5)
        if kind.clouds:
            place = noise(u * kind.clouds[0] + piece * 0.21, v * kind.clouds[1] + piece * 0.37)
        else:
            place = u + shade[piece] + kind.edge * (off - 0.22) * u + 0.2 * (noise(u, v + piece * 0.21) - 0.5)
        bare = ramp(np.clip(place, 0, 1), *kind.stops)
        bare = bare * (0.82 + 0.35 * noise(u * 0.2 + piece * 0.3, v * 1.2))[:, None]
        if kind.vein:
            bare = mix(bare, colour(kind.vein), step(off, 0.12, 0.02) * 0.7)
        return sauce.over(bare, piece, u, v, kind.sauce)

    return paint


def _lines(canvas: Canvas, dish: Dish, kind: Pieces, count: int) -> Array:
    """Curves (count, N, 3) over the mound, through even random places in the dish."""
    rng, spread = canvas.rng, float(canvas.rng.choice(kind.spread))
    place, radius = rng.uniform(0, 2 * np.pi, count), dish.radius * np.sqrt(rng.uniform(0, 1, count))
    middle = np.stack([np.cos(place), np.sin(place)], -1) * (radius * (0.9 if spread > 0.3 else 0.6))[:, None]
    t = np.linspace(-0.5, 0.5, canvas.samples(kind.long[1]), dtype=np.float32)
    angle = rng.uniform(0, 2 * np.pi) + rng.normal(0, spread, count)
    curl = rng.normal(0, kind.curl, count)[:, None]
    heading = angle[:, None] + curl * t + 0.35 * curl * np.sin(7 * t)
    path = np.stack([np.cos(heading), np.sin(heading)], -1).cumsum(1) / len(t)
    path = (path - path[:, len(t) // 2, None]) * rng.uniform(*kind.long, count)[:, None, None]
    lift = rng.uniform(0, 0.12, (count, 1)) + 0.03 * np.sin(9 * t + rng.uniform(0, 6, (count, 1)))
    return dish.drape(path + middle[:, None], lift + kind.lift)


def _flakes(canvas: Canvas, count: int) -> None:
    """Red pepper flakes, some dark and some pale seeds, on visible food."""
    rng, (rows, columns) = canvas.rng, np.nonzero(canvas.food)
    chosen = rng.integers(0, len(rows), count)
    codes = np.array([colour(code) for code in ("8e0f08", "c8290f", "5e0905", "e2a35a")])
    tint = codes[rng.choice(4, count, p=[0.4, 0.35, 0.15, 0.1])]
    for down, across in ((0, 0), (0, 1), (1, 0)):
        row = np.minimum(rows[chosen] + down, len(canvas.food) - 1)
        column = np.minimum(columns[chosen] + across, canvas.food.shape[1] - 1)
        canvas.rgb[row, column] = mix(canvas.rgb[row, column], tint, 0.8)
