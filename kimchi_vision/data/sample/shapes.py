"""Surfaces as grids of points, colours and noise: what every drawn thing is made of.

Lengths are in units of a dish's radius; x points right, y away from the camera, z up. A surface of K pieces
is an array (K, N, M, 3): N points along each piece and M across it.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.floating]
UP = np.array([0, 0, 1], np.float32)


def colour(code: str) -> Array:
    """Linear light (3,) of an sRGB code such as "c8102e"."""
    return (np.array([int(code[i : i + 2], 16) for i in (0, 2, 4)], np.float32) / 255) ** 2


def ramp(position: Array, *stops: tuple[float, str]) -> Array:
    """Colours (..., 3) between stops of position and sRGB code, in rising order."""
    places = [place for place, _ in stops]
    table = np.array([colour(code) for _, code in stops])
    return np.stack([np.interp(position, places, channel) for channel in table.T], -1).astype(np.float32)


def mix(first: Array, second: Array, share: ArrayLike) -> Array:
    """`first` where share is 0, `second` where it is 1; share has no colour axis."""
    share = np.asarray(share, np.float32)[..., None]
    return first + (second - first) * share


def length(vectors: Array) -> Array:
    """Lengths (..., 1) of vectors in the plane or in space, never quite 0."""
    squares = sum(vectors[..., i] ** 2 for i in range(vectors.shape[-1]))
    return np.sqrt(squares + 1e-12)[..., None]


def step(value: Array, start: float, end: float) -> Array:
    """Smooth step: 0 below start, 1 above end."""
    t = np.clip((value - start) / (end - start), 0, 1)
    return t * t * (3 - 2 * t)


@lru_cache(maxsize=1)
def _tile() -> Array:
    size = 256
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(size), np.fft.fftfreq(size)))
    frequency[0, 0] = np.inf
    wave = np.fft.fft2(np.random.default_rng(11).standard_normal((size, size)))
    field = np.fft.ifft2(wave / frequency**1.6).real
    # Ranks make the values uniform, so that `noise < share` covers exactly that share.
    return (field.ravel().argsort().argsort().reshape(size, size) / size**2).astype(np.float32)


def noise(x: ArrayLike, y: ArrayLike) -> Array:
    """Cloudy noise, uniform in 0..1, repeating every unit; its largest clouds are about 0.3 wide."""
    columns = (np.asarray(x, np.float32) * 256).astype(np.int32) & 255
    return _tile()[(np.asarray(y, np.float32) * 256).astype(np.int32) & 255, columns]


def spots(rng: np.random.Generator, count: int, spread: float = 1.0) -> Array:
    """Even random places (count, 2) in a disc of that radius."""
    angle = rng.uniform(0, 2 * np.pi, count)
    radius = spread * np.sqrt(rng.uniform(0, 1, count))
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], -1).astype(np.float32)


def bends(start: Array, angle: Array, length: Array, curl: Array, points: int) -> Array:
    """Flat curves (K, points, 2) through `start` at their middle, turning by `curl` radians along the way."""
    t = np.linspace(-0.5, 0.5, points, dtype=np.float32)
    heading = angle[:, None] + curl[:, None] * t + 0.35 * curl[:, None] * np.sin(7 * t)
    steps = np.stack([np.cos(heading), np.sin(heading)], -1) * (length / points)[:, None, None]
    path = np.cumsum(steps, axis=1)
    return (path - path[:, points // 2, None] + start[:, None]).astype(np.float32)


def section(kind: str, points: int) -> Array:
    """Outline (points, 2) of a cut: `tube` (round), `flat` (a shallow arch) or `stick` (square)."""
    angle = np.linspace(-0.6, np.pi + 0.6, points, dtype=np.float32)
    cos, sin = np.cos(angle), np.sin(angle)
    if kind == "stick":
        norm = (np.abs(cos) ** 6 + np.abs(sin) ** 6) ** (1 / 6)
        return np.stack([cos / norm, sin / norm], -1)
    if kind == "flat":
        across = np.linspace(1, -1, points, dtype=np.float32)
        return np.stack([across, 0.3 * (1 - across**2)], -1)
    return np.stack([cos, sin], -1)


def sweep(line: Array, width: Array, outline: Array, twist: ArrayLike = 0.0) -> Array:
    """Surface (K, N, M, 3) of an outline carried along lines.

    line: (K, N, 3). width: half the width, (K, N). outline: (M, 2) or (K, N, M, 2), sideways and upward in
    half widths. twist: radians about the line, a number or (K, 1).
    """
    along = np.gradient(line, axis=1)
    side = np.cross(along, UP)
    side /= length(side)
    above = np.cross(side, along)
    above /= length(above)
    cos, sin = (np.asarray(f(twist), np.float32)[..., None] for f in (np.cos, np.sin))
    side, above = side * cos + above * sin, above * cos - side * sin
    scaled = outline.astype(np.float32) * width[:, :, None, None].astype(np.float32)
    surface = scaled[..., :1] * side[:, :, None]
    surface += scaled[..., 1:] * above[:, :, None]
    surface += line[:, :, None]
    return surface


def turns(rng: np.random.Generator, count: int, tilt: float) -> Array:
    """Rotations (count, 3, 3): any angle about z, then a lean of about `tilt` radians."""
    spin, lean, toward = (
        rng.uniform(0, 2 * np.pi, count),
        rng.normal(0, tilt, count),
        rng.uniform(0, 7, count),
    )
    zero, one = np.zeros(count), np.ones(count)

    def about_z(angle: Array) -> Array:
        cos, sin = np.cos(angle), np.sin(angle)
        return np.stack([cos, -sin, zero, sin, cos, zero, zero, zero, one], -1).reshape(-1, 3, 3)

    cos, sin = np.cos(lean), np.sin(lean)
    about_x = np.stack([one, zero, zero, zero, cos, -sin, zero, sin, cos], -1).reshape(-1, 3, 3)
    return (about_z(toward) @ about_x @ about_z(spin)).astype(np.float32)


def blocks(centre: Array, half: Array, turn: Array, points: int, power: float = 10.0) -> Array:
    """Surfaces (5 * K, points, points, 3) of rounded boxes without bottoms, or of ellipsoids (power 2).

    centre: (K, 3). half: half the edges, (K, 3). turn: rotations (K, 3, 3).
    """
    a, b = np.meshgrid(*[np.linspace(-1, 1, points, dtype=np.float32)] * 2, indexing="ij")
    one = np.ones_like(a)
    sides = [(a, one, b), (a, -one, b), (one, a, b), (-one, a, b)]
    faces = [np.stack(face, -1) for face in [(a, b, one), *sides]]
    cube = np.stack(faces)
    cube /= (np.abs(cube) ** power).sum(-1, keepdims=True) ** (1 / power)
    placed = np.einsum("kij,fnmj,kj->kfnmi", turn, cube, half.astype(np.float32), optimize=True)
    return (placed + centre[:, None, None, None].astype(np.float32)).reshape(-1, points, points, 3)


def revolve(
    profile: Array,
    around: int,
    power: float = 2.0,
    aspect: float = 1.0,
    span: tuple[float, float] = (0, 2 * np.pi),
) -> Array:
    """Surface (1, P, around, 3) of a profile (P, 2) of radius and height turned about z.

    power: 2 round, larger is squarer. aspect: depth over width. span: the angles between which it is turned.
    """
    angle = np.linspace(*span, around, dtype=np.float32)
    cos, sin = np.cos(angle), np.sin(angle)
    reach = (np.abs(cos) ** power + np.abs(sin) ** power) ** (-1 / power)
    radius, height = np.split(profile.astype(np.float32), 2, axis=1)
    flat = radius * (reach * cos), radius * (reach * sin * aspect)
    return np.stack([*flat, np.repeat(height, around, 1)], -1)[None].astype(np.float32, copy=False)
