"""A picture from above, made of points: what lies highest is seen, and its slopes make light and shade.

Lengths are in units of a dish's radius; x points right, y up in the picture, z toward the camera. A surface
of K pieces is an array (K, N, M, 3): N points along each piece and M across it.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import uniform_filter

Array = NDArray[np.floating]
Paint = Callable[[Array, Array, Array], Array]
"""From piece numbers and places along and across (0..1) to linear colours (n, 3)."""
Stops = tuple[tuple[float, str], ...]
"""Places in rising order, each with the sRGB code of its colour."""

STEEPEST = 1.6
"""Largest slope that light sees: at an edge one pixel drops by much more."""


def colour(code: str) -> Array:
    """Linear light (3,) of an sRGB code such as "c8102e"."""
    return (np.array([int(code[i : i + 2], 16) for i in (0, 2, 4)], np.float32) / 255) ** 2


def ramp(position: ArrayLike, *stops: tuple[float, str]) -> Array:
    """Colours (..., 3) between the stops."""
    places = [place for place, _ in stops]
    table = np.array([colour(code) for _, code in stops])
    return np.stack([np.interp(position, places, channel) for channel in table.T], -1).astype(np.float32)


def mix(first: Array, second: Array, share: ArrayLike) -> Array:
    """`first` where share is 0, `second` where it is 1; share has no colour axis."""
    return first + (second - first) * np.asarray(share, np.float32)[..., None]


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


class Canvas:
    """Buffers of one picture, (height, width): linear colour, level above the table, gloss, food.

    size: width and height in pixels. scale: pixels a unit. centre: x and y in the middle of the picture.
    """

    def __init__(
        self, size: tuple[int, int], scale: float, centre: tuple[float, float], rng: np.random.Generator
    ) -> None:
        self.scale, self.rng = scale, rng
        columns, rows = np.meshgrid(*(np.arange(side, dtype=np.float32) + 0.5 - side / 2 for side in size))
        self.x, self.y = columns / scale + centre[0], centre[1] - rows / scale
        self.rgb = np.zeros((*self.x.shape, 3), np.float32)
        self.level, self.gloss = np.zeros_like(self.x), np.zeros_like(self.x)
        self.food = np.zeros(self.x.shape, bool)

    def samples(self, length: float, least: int = 4) -> int:
        """Points needed along that length so that a surface has no holes."""
        return max(int(length * self.scale * 1.3) + 2, least)

    def cover(self, where: Array, rgb: Array, gloss: float) -> None:
        """Give the pixels of a mask these colours: of the whole picture, (height, width, 3)."""
        self.rgb[where], self.gloss[where] = rgb[where], gloss

    def place(self, points: Array, paint: Paint, gloss: float, food: bool = True) -> None:
        """Put a surface into the picture."""
        height, width = self.level.shape
        x, y, z = points.reshape(-1, 3).astype(np.float32).T
        column = ((x - self.x[0, 0]) * self.scale + 0.5).astype(np.int64)
        row = ((self.y[0, 0] - y) * self.scale + 0.5).astype(np.int64)
        index = np.flatnonzero((column >= 0) & (column < width) & (row >= 0) & (row < height))
        pixel, level = row[index] * width + column[index], self.level.reshape(-1)
        np.maximum.at(level, pixel, z[index])
        highest = z[index] >= level[pixel]
        pixel, index = pixel[highest], index[highest]
        _, along, across = points.shape[:3]
        piece, u, v = np.unravel_index(index, points.shape[:3])
        self.rgb.reshape(-1, 3)[pixel] = paint(piece, u / max(along - 1, 1), v / max(across - 1, 1))
        self.gloss.reshape(-1)[pixel] = gloss
        self.food.reshape(-1)[pixel] |= food

    def pour(self, inside: Array, height: float, tint: Array, murk: float) -> None:
        """Liquid up to `height` where `inside`; murk: how fast it hides what is deep."""
        depth = np.clip(height - self.level, 0, None) * inside
        wet = depth > 0
        self.rgb = mix(self.rgb, tint, (1 - np.exp(-murk * depth)) * 0.97)
        self.level, self.gloss = np.where(wet, height, self.level), np.where(wet, 0.8, self.gloss)
        self.food |= wet

    def develop(self, rng: np.random.Generator) -> Array:
        """The picture (height, width, 3), display values 0..1, lit by one window or lamp and by the room."""
        azimuth, elevation = float(rng.uniform(0, 2 * np.pi)), float(np.radians(rng.uniform(28, 68)))
        warmth = float(rng.uniform(-0.8, 1.4))  # bluish to yellowish
        exposure = float(rng.normal(-0.05, 0.4))  # stops
        ambient = float(rng.uniform(0.3, 0.6))  # the room's share
        down, right = (np.clip(slope * self.scale, -STEEPEST, STEEPEST) for slope in np.gradient(self.level))
        upright = 1 / np.sqrt(1 + down**2 + right**2)
        east, north = np.cos(azimuth), np.sin(azimuth)
        high, low = np.sin(elevation), np.cos(elevation)
        facing = np.clip((high + low * (north * down - east * right)) * upright * 0.85 + 0.15, 0, 1)
        lit = facing * (1 - 0.8 * self._shadow(east, north, np.tan(elevation)))
        shine = np.clip((1 + high + low * (north * down - east * right)) * upright, 0, None)
        shine = (shine / np.sqrt(2 + 2 * high)) ** 2
        shine = (0.04 * shine**4 + 0.55 * shine**24) * self.gloss * lit
        tint = np.array([1 + 0.16 * warmth, 1.0, 1 - 0.22 * warmth], np.float32)
        sky = ambient * (0.65 + 0.35 * upright) * (1 - self._occlusion())
        strength = mix(np.zeros(3, np.float32), 1.35 * (1 - ambient) * tint, lit) + sky[..., None]
        value = (self.rgb * strength + shine[..., None] * tint) * 2.0 ** (exposure + 0.55)
        # Filmic shoulder: bright places roll off instead of clipping.
        return np.sqrt(np.clip(value * (1 + value / 2.2) / (1 + value), 0, 1))

    def _occlusion(self) -> Array:
        around = (
            (uniform_filter(self.level, cell), weight) for cell, weight in ((5, 3.0), (15, 1.8), (41, 0.7))
        )
        return np.clip(
            sum(np.clip(level - self.level, 0, 0.25) * weight for level, weight in around), 0, 0.75
        )

    def _shadow(self, east: float, north: float, rise: float) -> Array:
        """Share of light that higher places take away, found by walking toward the"""
        shade = np.zeros_like(self.level)
        for reach in np.geomspace(0.02, 0.8, 16).tolist():
            shift = round(north * reach * self.scale), round(-east * reach * self.scale)
            blocker = np.roll(self.level, shift, (0, 1)) - self.level - rise * reach
            shade = np.maximum(shade, step(blocker, 0.0, 0.05))
        return uniform_filter(shade, 5)
