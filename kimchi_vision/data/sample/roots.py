"""Kimchi of radish and cucumber: cubes, julienne, thin squares, ponytail radishes, stuffed cucumbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kimchi_vision.data.sample.dishes import Dish, resampled
from kimchi_vision.data.sample.leaves import greens, lines, stalks, threads
from kimchi_vision.data.sample.scene import Scene
from kimchi_vision.data.sample.seasoning import Sauce, bed, broth, flakes, rings, season
from kimchi_vision.data.sample.shapes import (
    Array,
    bends,
    blocks,
    colour,
    mix,
    noise,
    ramp,
    revolve,
    section,
    spots,
    step,
    sweep,
    turns,
)


def kkakdugi(scene: Scene, dish: Dish) -> None:
    """깍두기: radish cubes in red sauce."""
    rng = scene.rng
    sauce = Sauce.mixed(rng, 0.3, 0.8)
    bed(scene, dish, sauce.tint)
    size = rng.uniform(0.09, 0.14)
    count = int(0.75 / size**2)
    half = size * rng.uniform(0.75, 1.1, (count, 3)).astype(np.float32)
    centre = dish.drape(
        spots(rng, count, dish.radius * 0.95), rng.uniform(-0.02, 0.09, count).astype(np.float32)
    )
    radish = ramp(rng.uniform(0, 1), (0, "f3e2c4"), (1, "eeb58a"))

    def paint(face: Array, u: Array, v: Array) -> Array:
        bare = radish * (0.85 + 0.2 * noise(u * 0.5 + face * 0.1, v * 0.5))[:, None]
        return sauce.over(bare, face, u * 0.7, v, 0.85)

    shape = blocks(centre, half, turns(rng, count, 0.45), scene.samples(2 * size), 9)
    scene.place(shape, paint, 0.75)
    season(scene, dish, scallion=0.6)


def musaengchae(scene: Scene, dish: Dish) -> None:
    """무생채: fine red julienne of radish."""
    rng = scene.rng
    sauce = Sauce.mixed(rng, 0.2, 0.6)
    bed(scene, dish, sauce.tint)
    count = int(rng.integers(200, 280))
    line = lines(scene, dish, count, (0.3, 0.6), 1.4)
    width = np.repeat(rng.uniform(0.012, 0.022, (count, 1)), line.shape[1], 1).astype(np.float32)
    radish = ramp(rng.uniform(0, 1), (0, "f0c9a0"), (1, "e8935c"))

    def paint(piece: Array, u: Array, v: Array) -> Array:
        bare = np.broadcast_to(radish, (len(piece), 3)) * (0.8 + 0.3 * noise(u * 0.4, piece * 0.1))[:, None]
        return sauce.over(bare, piece, u, v)

    scene.place(
        sweep(line, width, section("stick", scene.samples(0.07, 7)), rng.uniform(0, 2, (count, 1))),
        paint,
        0.7,
    )
    season(scene, dish, scallion=0.6)


def nabak(scene: Scene, dish: Dish) -> None:
    """나박김치: thin squares of radish in a watery pink broth."""
    rng = scene.rng
    level = dish.floor + dish.heap * 0.55
    bed(scene, replace(dish, heap=0.0), colour("f0d0bc"), 1.0)
    count = int(rng.integers(50, 85))
    size = rng.uniform(0.09, 0.14)
    start = spots(rng, count, dish.radius * 0.95)
    side = (size * rng.uniform(0.8, 1.15, count)).astype(np.float32)
    flat = bends(start, rng.uniform(0, 7, count), 2 * side, np.zeros(count), scene.samples(2.3 * size))
    tilt = np.linspace(-1, 1, flat.shape[1])
    sunk = level + rng.uniform(-0.16, 0.012, (count, 1)) + rng.normal(0, 0.02, (count, 1)) * tilt
    line = np.concatenate([dish.inside(flat), sunk[..., None]], -1).astype(np.float32)
    width = np.repeat(side[:, None], line.shape[1], 1)
    leafy = rng.random(count) < rng.choice([0.2, 0.7])

    def paint(piece: Array, u: Array, v: Array) -> Array:
        white = ramp(noise(u * 0.3 + piece * 0.1, v * 0.3), (0, "d8c8b8"), (1, "e6d8ca"))
        cabbage = ramp(noise(u * 0.4, v * 0.2 + piece * 0.3), (0, "efe9b8"), (1, "bccb80"))
        return np.where(leafy[piece][:, None], cabbage, white)

    outline = section("flat", scene.samples(2.3 * size)) * np.array([1, 0.15], np.float32)
    scene.place(sweep(line, width, outline, rng.normal(0, 0.14, (count, 1))), paint, 0.7)
    pink = ramp(rng.uniform(0, 1), (0, "dfcdb4"), (0.3, "e0b8a0"), (0.6, "dc8c72"), (1, "cf5f46"))
    broth(scene, dish, level, pink, rng.uniform(4, 9))
    flat = replace(dish, floor=level, heap=0.0)
    threads(scene, flat, int(rng.integers(6, 20)), ("4f8a3a", "6f9f4a", "e07a2c"), 0.005)
    rings(scene, flat, int(rng.integers(2, 12)), str(rng.choice(["c2301c", "5f9440"])), 0.01)
    flakes(scene, int(rng.integers(10, 120)))


def chonggak(scene: Scene, dish: Dish) -> None:
    """총각김치: whole ponytail radishes with their stems, in red sauce."""
    rng = scene.rng
    sauce = Sauce.mixed(rng, 0.15, 0.65)
    bed(scene, dish, sauce.tint * 0.7, 0.7)
    small = rng.random() < 0.35
    count = int(rng.integers(7, 12))
    line = lines(scene, dish, count, (1.0, 1.3), float(rng.choice([0.3, 0.7, 1.5])))
    points = line.shape[1]
    root = line[:, : points // 2] + np.array([0, 0, 0.07], np.float32)
    t = np.linspace(0, 1, root.shape[1], dtype=np.float32)
    round_end = np.sqrt(np.clip(1 - ((t - 0.36) / 0.37) ** 2, 0, 1))
    bulb = np.where(t < 0.36, round_end, 1 - 0.6 * step(t, 0.36, 1.05))
    bulb *= np.sqrt(np.clip(1 - t**14, 0, 1))
    width = (bulb * rng.uniform(0.12, 0.17, (count, 1)) * (0.6 if small else 1)).astype(np.float32)
    leaf = lines(scene, dish, int(rng.integers(6, 14)) * (2 if small else 1), (0.7, 1.1), 0.8)
    greens(scene, leaf, sauce, (0.06, 0.15))
    for _ in range(3):
        stem = line[:, points // 2 - 4 :] + rng.normal(0, 0.03, (count, 1, 3)).astype(np.float32)
        thick = np.full(stem.shape[:2], 0.028, np.float32)
        stalks(scene, stem, thick, sauce, ((0, "d3dba2"), (0.4, "93ad58"), (1, "5b7d36")))
    stalks(scene, root, width, sauce, ((0, "f2e6d2"), (0.75, "f3ead6"), (1, "ccd69a")))
    season(scene, dish, scallion=0)


def oisobagi(scene: Scene, dish: Dish) -> None:
    """오이소박이: cucumbers cut in lengths, slit and stuffed with red chives and radish."""
    upright = scene.rng.random() < 0.45
    sauce = Sauce.mixed(scene.rng, 0.02, 0.3)
    bed(scene, dish, mix(sauce.tint, colour("a9b070"), 0.3), reach=0.7)
    (_standing if upright else _lying)(scene, dish, sauce)
    season(scene, dish, scallion=0)


def _skin(piece: Array, u: Array, v: Array, sauce: Sauce) -> Array:
    stripes = noise(u * 0.12 + piece * 0.21, v * 1.6)
    green = ramp(stripes, (0, "2f5a22"), (0.5, "47762c"), (0.8, "6d9440"), (1, "a4b968"))
    return sauce.over(green, piece, u, v, 0.4)


def _stuffing(scene: Scene, line: Array, sauce: Sauce) -> None:
    """Chives and julienne pushed out of a slit along each line (K, N, 3)."""
    rng = scene.rng
    count = len(line) * 26
    owner = np.repeat(np.arange(len(line)), 26)
    at = rng.integers(0, line.shape[1], count)
    anchor = line[owner, at] + rng.normal(0, 0.014, (count, 3))
    points = scene.samples(0.2)
    flat = bends(
        anchor[:, :2],
        rng.uniform(0, 7, count),
        rng.uniform(0.08, 0.2, count),
        rng.normal(0, 1, count),
        points,
    )
    rise = rng.uniform(0, 0.05, (count, 1)) + np.zeros(points)
    strand = np.concatenate([flat, (anchor[:, 2:] + rise)[..., None]], -1).astype(np.float32)
    green = rng.random(count) < 0.35
    red = Sauce(sauce.tint, 0.6, sauce.shift)

    def paint(piece: Array, u: Array, v: Array) -> Array:
        bare = np.where(green[piece][:, None], colour("3d6a2a"), colour("e9a06a"))
        return red.over(bare, piece, u, v)

    scene.place(sweep(strand, np.full(strand.shape[:2], 0.014, np.float32), section("tube", 7)), paint, 0.7)


def _standing(scene: Scene, dish: Dish, sauce: Sauce) -> None:
    rng = scene.rng
    size, tall = rng.uniform(0.16, 0.21), rng.uniform(0.28, 0.4)
    axis = np.arange(-4, 5) * size * 2.15
    grid = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2) + rng.normal(0, 0.02, (81, 2))
    grid = grid + (np.round(grid[:, 1:] / (size * 2.15)) % 2) * np.array([size, 0])
    place = grid[np.linalg.norm(grid, axis=1) < dish.radius - size * 0.8].astype(np.float32)
    place *= np.array([1, dish.aspect], np.float32)
    profile = np.array([[0.97, 0], [1, 0.1], [1, 0.93], [0.95, 1], [0, 1]], np.float32) * np.array(
        [size, tall]
    )

    way = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(profile, axis=0).T))])
    base = np.concatenate([place, np.full((len(place), 1), dish.floor - 0.04)], -1).astype(np.float32)
    points = (
        revolve(resampled(profile, scene.samples(float(way[-1]))), scene.samples(6.3 * size))
        + base[:, None, None]
    )
    top = float(way[3] / way[-1])

    def paint(piece: Array, u: Array, v: Array) -> Array:
        radius = np.clip((1 - u) / (1 - top), 0, 1)
        flesh = ramp(radius, (0, "d9dfa8"), (0.5, "e3e8bd"), (0.85, "c3d48c"), (1, "6d9440"))
        return np.where((u > top)[:, None], sauce.over(flesh, piece, u, v), _skin(piece, u, v, sauce))

    scene.place(points, paint, 0.6)
    turn = rng.uniform(0, np.pi, len(place))
    for quarter in (0, np.pi / 2):
        t = np.linspace(-0.85, 0.85, 24)[:, None] * size
        way = np.stack([np.cos(turn + quarter), np.sin(turn + quarter)], -1)[:, None] * t
        slit = np.concatenate(
            [place[:, None] + way, np.full((*way.shape[:2], 1), dish.floor - 0.03 + tall)], -1
        )
        _stuffing(scene, slit, sauce)


def _lying(scene: Scene, dish: Dish, sauce: Sauce) -> None:
    rng = scene.rng
    count = int(rng.integers(5, 9))
    angle = rng.uniform(0, np.pi)
    size, long = rng.uniform(0.12, 0.16), rng.uniform(0.75, 1.1)
    row = (np.arange(count) - (count - 1) / 2) * size * 2.05
    place = np.stack([-np.sin(angle) * row, np.cos(angle) * row], -1) + rng.normal(0, 0.02, (count, 2))
    place = place[np.linalg.norm(place, axis=1) < dish.radius * 0.95]
    count = len(place)
    reach = np.sqrt(np.clip(1 - (np.linalg.norm(place, axis=1) / (dish.radius * 1.15)) ** 2, 0.2, 1))
    flat = bends(
        place,
        angle + rng.normal(0, 0.06, count),
        long * reach * 1.1,
        rng.normal(0, 0.25, count),
        scene.samples(long),
    )
    line = np.concatenate(
        [flat * np.array([1, dish.aspect]), np.full((*flat.shape[:2], 1), dish.floor + size * 0.7)], -1
    )
    line = line.astype(np.float32)
    t = np.linspace(-1, 1, line.shape[1], dtype=np.float32)
    width = np.repeat(size * np.clip(1 - np.abs(t) ** 40, 0, 1)[None] ** 0.5, count, 0)

    def paint(piece: Array, u: Array, v: Array) -> Array:
        end = np.minimum(u, 1 - u) < 0.012
        skin = _skin(piece, u, v, sauce)
        slit = step(np.abs(v - 0.5), 0.07, 0.03) * step(np.minimum(u, 1 - u), 0.04, 0.08)
        return mix(np.where(end[:, None], colour("d9dfa8"), skin), sauce.tint * 0.6, slit)

    scene.place(sweep(line, width, section("tube", scene.samples(4.4 * size))), paint, 0.6)
    inner = slice(int(line.shape[1] * 0.1), int(line.shape[1] * 0.9))
    for _ in range(2):
        _stuffing(scene, line[:, inner] + np.array([0, 0, size * 0.97], np.float32), sauce)
