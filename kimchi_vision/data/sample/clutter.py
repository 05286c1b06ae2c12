"""What lies around the dish: chopsticks, a spoon, a side dish, leaves, garlic, chillies."""

from __future__ import annotations

import numpy as np

from kimchi_vision.data.sample.dishes import resampled, walls
from kimchi_vision.data.sample.scene import Paint, Scene
from kimchi_vision.data.sample.shapes import (
    Array,
    bends,
    blocks,
    colour,
    noise,
    revolve,
    section,
    sweep,
    turns,
)

Generator = np.random.Generator


def _plain(code: str) -> Paint:
    def paint(piece: Array, u: Array, v: Array) -> Array:
        return np.broadcast_to(colour(code), (len(piece), 3))

    return paint


def _beside(rng: Generator, reach: float) -> Array:
    angle = rng.uniform(0, 2 * np.pi)
    return np.array([np.cos(angle), np.sin(angle)], np.float32) * reach


def chopsticks(scene: Scene) -> None:
    """A pair beside the dish."""
    rng = scene.rng
    place, code = (
        _beside(rng, rng.uniform(1.2, 1.4)),
        str(rng.choice(["8a4b2a", "c9a26b", "2a1a18", "b9bcc0"])),
    )
    angle = np.arctan2(place[1], place[0]) + np.pi / 2 + rng.normal(0, 0.15)
    across = np.array([-np.sin(angle), np.cos(angle)])
    starts = np.stack([place, place + across * rng.uniform(0.09, 0.16)])
    flat = bends(
        starts,
        np.array([angle, angle + rng.normal(0, 0.04)]),
        np.full(2, 2.6),
        np.zeros(2),
        scene.samples(2.6),
    )
    line = np.concatenate([flat, np.full((*flat.shape[:2], 1), 0.04, np.float32)], -1)
    width = np.repeat(np.linspace(0.038, 0.022, flat.shape[1])[None], 2, 0)
    scene.place(sweep(line, width, section("tube", scene.samples(0.12))), _plain(code), 0.5, food=False)


def spoon(scene: Scene) -> None:
    """A steel spoon beside the dish."""
    rng = scene.rng
    place = _beside(rng, rng.uniform(1.25, 1.45))
    angle = np.arctan2(place[1], place[0]) + np.pi / 2
    flat = bends(place[None], np.array([angle]), np.full(1, 2.2), np.zeros(1), scene.samples(2.2))
    t = np.linspace(0, 1, flat.shape[1], dtype=np.float32)
    bowl = np.sqrt(np.clip(1 - ((t - 0.86) / 0.13) ** 2, 0, 1))
    line = np.concatenate([flat, np.broadcast_to(0.05 + 0.03 * np.sin(3 * t), (1, len(t)))[..., None]], -1)
    outline = section("flat", scene.samples(0.4)) * np.array([1, -1.2], np.float32)
    scene.place(sweep(line, np.maximum(0.045, 0.17 * bowl)[None], outline), _plain("b4b7bb"), 1.0, food=False)


def side_dish(scene: Scene) -> None:
    """A small bowl of rice, soup or sauce, partly in the picture."""
    rng = scene.rng
    place, size = _beside(rng, rng.uniform(1.6, 1.9)), rng.uniform(0.45, 0.65)
    offset = np.array([*place, 0], np.float32)
    glaze = _plain(str(rng.choice(["f0eee9", "5b3420", "a9bfa6", "b9bcc0"])))
    for surface in walls(scene, "bowl", size):
        scene.place(surface + offset, glaze, 0.8, food=False)
    code = str(rng.choice(["f3f1ea", "8d5a2b", "2c1408", "c9b26a", "5f7a3a"]))
    profile = resampled([(0.86, 0.46), (0.5, 0.52), (0, 0.53)], scene.samples(size))
    grid = revolve(profile, scene.samples(5.5 * size))
    content = grid * size + offset

    def paint(piece: Array, u: Array, v: Array) -> Array:
        return colour(code) * (0.8 + 0.4 * noise(u * 1.5, v * 4))[:, None]

    scene.place(content, paint, 0.3, food=False)


def fallen(scene: Scene) -> None:
    """A few leaves, garlic cloves or chillies on the table."""
    rng = scene.rng
    count = int(rng.integers(2, 5))
    places = np.array([_beside(rng, rng.uniform(1.15, 1.6)) for _ in range(count)])
    kind = str(rng.choice(["leaf", "garlic", "chilli"]))
    if kind == "garlic":
        centre = np.concatenate([places, np.full((count, 1), 0.08)], -1)
        shape = blocks(
            centre, np.tile([0.15, 0.09, 0.08], (count, 1)), turns(rng, count, 0.2), scene.samples(0.3), 2.3
        )
        scene.place(shape, _plain("efe6d2"), 0.4, food=False)
        return
    long = 0.55 if kind == "leaf" else 0.8
    flat = bends(
        places, rng.uniform(0, 7, count), np.full(count, long), rng.normal(0, 0.5, count), scene.samples(long)
    )
    line = np.concatenate([flat, np.full((*flat.shape[:2], 1), 0.04, np.float32)], -1)
    t = np.linspace(0, 1, flat.shape[1], dtype=np.float32)
    widest = (
        0.17 * np.abs(np.sin(np.pi * t)) ** 0.8
        if kind == "leaf"
        else 0.06 * (1 - t**3) * np.minimum(8 * t, 1)
    )
    outline = section("flat" if kind == "leaf" else "tube", scene.samples(0.4))
    code = "4b7a34" if kind == "leaf" else str(rng.choice(["b3161a", "4d7d2e"]))
    surface = sweep(line, np.repeat(widest[None] + 0.004, count, 0), outline)
    scene.place(surface, _plain(code), 0.3 if kind == "leaf" else 0.9, food=False)


CLUTTER = (chopsticks, spoon, side_dish, fallen)
