"""Kimchi of leaves and stalks: cabbage, mustard leaf, young radish greens, scallions, chives."""

from __future__ import annotations

import numpy as np

from kimchi_vision.data.sample.dishes import Dish
from kimchi_vision.data.sample.scene import Scene
from kimchi_vision.data.sample.seasoning import Sauce, bed, broth, flakes, rings, season
from kimchi_vision.data.sample.shapes import (
    Array,
    bends,
    colour,
    mix,
    noise,
    ramp,
    section,
    spots,
    step,
    sweep,
)

Stops = tuple[tuple[float, str], ...]

# Cabbage leaves from rib to edge: the pale heart, and the green outside that can pass for mustard leaf.
_INNER: Stops = ((0, "f6f1de"), (0.4, "f3eab8"), (0.7, "dcd57e"), (1, "7f983c"))
_OUTER: Stops = ((0, "eef0d4"), (0.3, "d5d98c"), (0.55, "83a043"), (1, "45702a"))


def lines(scene: Scene, dish: Dish, count: int, length: tuple[float, float], spread: float) -> Array:
    """Curves (count, N, 3) over the mound, at angles about one direction with that spread in radians."""
    rng = scene.rng
    angle = rng.uniform(0, 2 * np.pi) + rng.normal(0, spread, count)
    long = rng.uniform(*length, count)
    middle = spots(rng, count, dish.radius * 0.85 if spread > 0.3 else dish.radius * 0.55)
    flat = bends(middle, angle, long, rng.normal(0, 0.8, count), scene.samples(length[1]))
    layer = rng.uniform(0, 0.12, (count, 1)).astype(np.float32)
    wave = 0.03 * np.sin(np.linspace(0, 9, flat.shape[1], dtype=np.float32) + rng.uniform(0, 6, (count, 1)))
    return dish.drape(flat, layer + wave.astype(np.float32))


def ruffled(scene: Scene, line: Array, width: Array, ruffle: float) -> Array:
    """Leaves along lines: a rib in the middle, edges that wave more toward the end."""
    rng = scene.rng
    across = section("flat", scene.samples(2 * float(width.max())))
    t = np.linspace(0, 1, line.shape[1], dtype=np.float32)[:, None]
    side = across[:, 0]
    phase = rng.uniform(0, 6, (len(line), 1, 1)).astype(np.float32)
    wave = np.sin(23 * t + 4 * side + phase) + 0.5 * np.sin(47 * t - 7 * side + 2 * phase)
    outline = np.broadcast_to(across, (len(line), len(t), *across.shape)).copy()
    outline[..., 1] += ruffle * t**0.7 * np.abs(side) ** 1.2 * wave + 0.12 * np.cos(9 * side) * (1 - t)
    return sweep(line, width, outline, rng.normal(0, 0.35, (len(line), 1)))


def cabbage(scene: Scene, dish: Dish, sauce: Sauce, leaf: Stops) -> None:
    """Cut cabbage leaves, thick white ribs at one end, ruffles at the other."""
    rng = scene.rng
    sliced = rng.random() < 0.6
    count = int(rng.integers(16, 26))
    line = lines(scene, dish, count, (0.5, 0.95), 0.18 if sliced else 1.2)
    t = np.linspace(0, 1, line.shape[1], dtype=np.float32)
    shape = (0.6 + 0.55 * t) * step(t, -0.02, 0.04) * (1 - 0.5 * step(t, 0.85, 1.02))
    width = shape * rng.uniform(0.16, 0.3, (count, 1)).astype(np.float32)
    green = rng.uniform(-0.12, 0.12, count).astype(np.float32)

    def paint(piece: Array, u: Array, v: Array) -> Array:
        edge = np.abs(v - 0.5)
        place = u + green[piece] + 0.9 * (edge - 0.22) * u + 0.2 * (noise(u, v + piece * 0.21) - 0.5)
        bare = (
            ramp(np.clip(place, 0, 1), *leaf) * (0.85 + 0.3 * noise(u * 0.15 + piece * 0.3, v * 1.5))[:, None]
        )
        return sauce.over(bare, piece, u, v, 0.75 + 0.4 * u)

    scene.place(ruffled(scene, line, width, 0.2), paint, 0.65)


def baechu(scene: Scene, dish: Dish) -> None:
    """배추김치: red folded cabbage leaves."""
    rng = scene.rng
    sauce = Sauce.mixed(rng, 0.3, 0.8)
    bed(scene, dish, sauce.tint)
    cabbage(scene, dish, sauce, _INNER if rng.random() < 0.7 else _OUTER)
    season(scene, dish)


def baek(scene: Scene, dish: Dish) -> None:
    """백김치: white cabbage in a pale broth, with threads of chilli, carrot and jujube."""
    rng = scene.rng
    bed(scene, dish, colour("e8e2c0"), reach=1.0)
    cabbage(
        scene,
        dish,
        Sauce(colour("e9dfb0"), 0.1, 0.3),
        ((0, "f4f0e2"), (0.4, "efeac6"), (0.65, "d8d98e"), (1, "8ba550")),
    )
    threads(scene, dish, int(rng.integers(6, 26)), ("c23a1e", "e07a2c", "4f7d34", "7d2417"))
    level = dish.floor + dish.heap * rng.uniform(0.1, 0.75)
    broth(scene, dish, level, ramp(rng.uniform(0, 1), (0, "e9e4cf"), (0.7, "e6d9b4"), (1, "e8c9b0")), 2.2)
    if rng.random() < 0.4:
        rings(scene, dish, int(rng.integers(2, 8)), "b5281a")


def threads(scene: Scene, dish: Dish, count: int, codes: tuple[str, ...], lift: float = 0.12) -> None:
    """Fine cut vegetables strewn on top."""
    rng = scene.rng
    flat = bends(
        spots(rng, count, dish.radius * 0.75),
        rng.uniform(0, 7, count),
        rng.uniform(0.12, 0.3, count),
        rng.normal(0, 0.9, count),
        scene.samples(0.3),
    )
    table = np.array([colour(code) for code in codes])[rng.integers(0, len(codes), count)]
    surface = sweep(dish.drape(flat, lift), np.full(flat.shape[:2], 0.013), section("tube", 7))
    scene.place(surface, lambda k, u, v: table[k], 0.5)


def gat(scene: Scene, dish: Dish) -> None:
    """갓김치: long mustard leaves, dark green to purple, on slender stalks."""
    rng = scene.rng
    sauce = Sauce.mixed(rng, 0.25, 0.75)
    bed(scene, dish, sauce.tint * 0.6)
    count = int(rng.integers(22, 34))
    line = lines(scene, dish, count, (0.8, 1.3), float(rng.choice([0.2, 0.5])))
    t = np.linspace(0, 1, line.shape[1], dtype=np.float32)
    shape = 0.2 + 0.9 * step(t, 0.3, 0.6) * (1 - 0.7 * step(t, 0.8, 1.05))
    width = shape * rng.uniform(0.1, 0.19, (count, 1)).astype(np.float32)
    purple = rng.uniform(0, 1, count).astype(np.float32) * rng.uniform(0.3, 1)

    def paint(piece: Array, u: Array, v: Array) -> Array:
        green = ramp(u, (0, "b9c07a"), (0.35, "74883c"), (0.6, "3f5a25"), (1, "33491f"))
        violet = ramp(u, (0, "a98a86"), (0.35, "6b4a4c"), (0.6, "452b38"), (1, "33202e"))
        vein = step(np.abs(v - 0.5), 0.09, 0.02) * 0.5
        bare = mix(green, violet, purple[piece] * step(noise(u * 0.4, v * 0.4 + piece * 0.37), 0.1, 0.8))
        return sauce.over(mix(bare, colour("a5ac6c"), vein), piece, u, v)

    scene.place(ruffled(scene, line, width, 0.3), paint, 0.6)
    season(scene, dish, scallion=0)


def stalks(scene: Scene, line: Array, width: Array, sauce: Sauce, leaf: Stops) -> None:
    """Round stalks along lines, coloured along their length."""
    shade = scene.rng.uniform(-0.15, 0.15, len(line)).astype(np.float32)

    def paint(piece: Array, u: Array, v: Array) -> Array:
        bare = ramp(np.clip(u + shade[piece], 0, 1), *leaf)
        return sauce.over(
            bare * (0.8 + 0.4 * noise(u * 0.3, v * 0.8 + piece * 0.17))[:, None], piece, u * 2, v
        )

    outline = section("tube", scene.samples(3.2 * float(width.max()), 6)) * np.array([1, 0.75], np.float32)
    scene.place(sweep(line, width, outline), paint, 0.65)


def pa(scene: Scene, dish: Dish) -> None:
    """파김치: long thin scallions with white bulbs, laid in bundles."""
    rng = scene.rng
    sauce = Sauce.mixed(rng, 0.3, 0.75)
    bed(scene, dish, sauce.tint * 0.7)
    long = (1.2, 1.9) if rng.random() < 0.5 else (0.4, 0.8)
    count = int(rng.integers(36, 56) * (1 if long[0] > 1 else 1.8))
    line = lines(scene, dish, count, long, float(rng.choice([0.12, 0.3, 0.7])))
    line = np.where(rng.random((count, 1, 1)) < 0.25, line[:, ::-1], line)
    t = np.linspace(0, 1, line.shape[1], dtype=np.float32)
    shape = 0.9 + 0.7 * np.exp(-(((t - 0.05) / 0.05) ** 2)) + 0.35 * t
    width = shape * rng.uniform(0.014, 0.019 + 0.01 * rng.random(), (count, 1)).astype(np.float32)
    stalks(
        scene,
        line,
        width,
        sauce,
        ((0, "f3efdf"), (0.2, "e6e6bd"), (0.4, "96ad58"), (0.7, "55782f"), (1, "3d5c25")),
    )
    season(scene, dish, scallion=0)


def buchu(scene: Scene, dish: Dish) -> None:
    """부추김치: short flat strands of dark green chives, tangled."""
    rng = scene.rng
    sauce = Sauce.mixed(rng, 0.15, 0.6)
    bed(scene, dish, sauce.tint * 0.5)
    count = int(rng.integers(130, 190))
    line = lines(scene, dish, count, (0.35, rng.uniform(0.7, 1.2)), float(rng.choice([0.45, 0.8, 1.2])))
    width = np.repeat(rng.uniform(0.012, 0.017 + 0.007 * rng.random(), (count, 1)), line.shape[1], 1).astype(
        np.float32
    )
    stalks(scene, line, width, sauce, ((0, "8fae5c"), (0.25, "4f7a30"), (0.7, "38602a"), (1, "2c4d22")))
    if rng.random() < 0.5:
        threads(scene, dish, int(rng.integers(6, 20)), ("e07a2c", "efe6d2", "c8401c"))
    season(scene, dish, scallion=0)


def greens(scene: Scene, line: Array, sauce: Sauce, size: tuple[float, float]) -> None:
    """Radish greens: pale juicy stalks with lobed leaves along their upper half."""
    rng = scene.rng
    count, points = line.shape[:2]
    stalks(
        scene,
        line,
        np.full((count, points), 0.026, np.float32) * np.linspace(1.3, 0.5, points, dtype=np.float32),
        sauce,
        ((0, "dfe3b4"), (0.4, "a9c070"), (1, "6d9140")),
    )
    upper = line[:, int(points * 0.45) :]
    t = np.linspace(0, 1, upper.shape[1], dtype=np.float32)
    lobes = 0.6 + 0.4 * np.sin(19 * t + rng.uniform(0, 6, (count, 1)))
    shape = (0.25 + 0.75 * t) * (0.35 + 0.65 * lobes) * (1 - step(t, 0.86, 1.02))
    width = (shape * rng.uniform(*size, (count, 1))).astype(np.float32) + 0.004

    def paint(piece: Array, u: Array, v: Array) -> Array:
        bare = ramp(noise(u * 0.3 + piece * 0.3, v * 0.4), (0, "35591f"), (0.6, "4f7a2c"), (1, "7d9c48"))
        return sauce.over(mix(bare, colour("a9c070"), step(np.abs(v - 0.5), 0.1, 0.02)), piece, u, v)

    scene.place(ruffled(scene, upper, width, 0.35), paint, 0.6)


def young_radishes(scene: Scene, dish: Dish, count: int, sauce: Sauce) -> None:
    """Finger-thin white radishes."""
    rng = scene.rng
    line = lines(scene, dish, count, (0.3, 0.5), 1.2)
    t = np.linspace(0, 1, line.shape[1], dtype=np.float32)
    shape = np.sqrt(np.clip(1 - (2 * t - 1) ** 6, 0, 1)) * (1 - 0.7 * t)
    width = shape * rng.uniform(0.05, 0.08, (count, 1)).astype(np.float32)
    stalks(scene, line, width, sauce, ((0, "e3e8c0"), (0.2, "f4f1e6"), (1, "efe9d8")))


def yeolmu(scene: Scene, dish: Dish) -> None:
    """열무김치: young radish greens, often in a reddish broth."""
    rng = scene.rng
    sauce = Sauce.mixed(rng, 0.06, 0.5)
    bed(scene, dish, mix(sauce.tint, colour("7d8f4a"), 0.4), reach=1.0)
    young_radishes(scene, dish, int(rng.integers(1, 12)), sauce)
    greens(
        scene,
        lines(scene, dish, int(rng.integers(24, 40)), (0.7, 1.2), float(rng.choice([0.3, 1.0]))),
        sauce,
        (0.09, 0.17),
    )
    if rng.random() < 0.6:
        tint = ramp(rng.uniform(0, 1), (0, "d9a27c"), (0.5, "cf6a3c"), (1, "b93c1c"))
        broth(scene, dish, dish.floor + dish.heap * rng.uniform(0.3, 0.8), tint, 3.5)
    if rng.random() < 0.5:
        rings(scene, dish, int(rng.integers(3, 10)), "b5281a")
    flakes(scene, int(rng.integers(80, 350)))
