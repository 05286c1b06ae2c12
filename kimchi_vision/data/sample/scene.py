"""A small renderer: surfaces are projected into a depth buffer, lit once, and photographed.

Deferred shading with ambient occlusion and shadows found in screen space; see Akenine-Möller, Haines and
Hoffman, Real-Time Rendering, 4th edition, chapters 11 and 20.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from kimchi_vision.data.sample.shapes import Array, length, mix, step

DISTANCE = 6.0
Paint = Callable[[Array, Array, Array], Array]


@dataclass(frozen=True)
class Camera:
    """Where the camera stands. Angles in radians, lengths in dish radii.

    size: width and height in rendered pixels. scale: rendered pixels a unit at the target. elevation: pi / 2
    looks straight down. roll: rotation of the picture. target: the point in the middle of the picture, (3,).
    """

    size: tuple[int, int]
    scale: float
    elevation: float
    roll: float
    target: Array

    @property
    def axes(self) -> Array:
        """Rows right, up and forward, (3, 3)."""
        cos, sin = np.cos(self.elevation), np.sin(self.elevation)
        return np.array([[1, 0, 0], [0, sin, cos], [0, cos, -sin]], np.float32)

    def project(self, points: Array) -> tuple[Array, Array, Array]:
        """Column, row and nearness (toward the camera from the target's plane) of points (..., 3)."""
        x, y, z = (points[..., i] - float(self.target[i]) for i in range(3))
        cos, sin = math.cos(self.elevation), math.sin(self.elevation)
        up, forward = sin * y + cos * z, cos * y - sin * z
        zoom = (self.scale * DISTANCE) / (DISTANCE + forward)
        cos, sin = math.cos(self.roll), math.sin(self.roll)
        column = self.size[0] / 2 + (cos * x - sin * up) * zoom
        return column, self.size[1] / 2 - (sin * x + cos * up) * zoom, -forward

    def table(self) -> tuple[Array, Array, Array]:
        """For each pixel (height, width): x and y where it sees the table, and the nearness there."""
        width, height = self.size
        column, row = np.meshgrid(*(np.arange(n, dtype=np.float32) + 0.5 for n in self.size))
        across, upward = (column - width / 2) / self.scale, (height / 2 - row) / self.scale
        cos, sin = math.cos(self.roll), math.sin(self.roll)
        right, up = cos * across + sin * upward, cos * upward - sin * across
        cos, sin = math.cos(self.elevation), math.sin(self.elevation)
        eye = [float(part) for part in self.target - self.axes[2] * DISTANCE]
        reach = -eye[2] / np.minimum(cos * up - sin * DISTANCE, -0.2)
        return eye[0] + reach * right, eye[1] + reach * (sin * up + cos * DISTANCE), DISTANCE * (1 - reach)


@dataclass(frozen=True)
class Light:
    """One window or lamp and the light of the room.

    azimuth, elevation: radians. warmth: -1 bluish to 1 yellowish. exposure: stops. ambient: share of room.
    """

    azimuth: float
    elevation: float
    warmth: float
    exposure: float
    ambient: float

    @property
    def direction(self) -> Array:
        """Unit vector toward the light, (3,)."""
        flat = np.cos(self.elevation)
        parts = flat * np.cos(self.azimuth), flat * np.sin(self.azimuth), np.sin(self.elevation)
        return np.array(parts, np.float32)

    @property
    def tint(self) -> Array:
        """Gain of red, green and blue, (3,)."""
        return np.array([1 + 0.16 * self.warmth, 1.0, 1 - 0.22 * self.warmth], np.float32)


@dataclass
class Scene:
    """Buffers of one picture, (height, width): colour, nearness, level above table, gloss, normals, food.

    ground: food below this height is hidden by its dish.
    """

    camera: Camera
    rng: np.random.Generator
    ground: float = 0.0
    rgb: Array = field(init=False)
    near: Array = field(init=False)
    level: Array = field(init=False)
    gloss: Array = field(init=False)
    normal: Array = field(init=False)
    food: Array = field(init=False)

    def lay(self, table: Callable[[Array, Array], Array], gloss: float) -> None:
        """Start with a bare table whose colour is a function of x and y."""
        x, y, self.near = (a.astype(np.float32) for a in self.camera.table())
        self.rgb = table(x, y).astype(np.float32)
        self.level = np.zeros_like(self.near)
        self.gloss = np.full_like(self.near, gloss)
        self.normal = np.zeros_like(self.rgb)
        self.normal[..., 2] = 1
        self.food = np.zeros(self.near.shape, bool)

    def samples(self, length: float, least: int = 4) -> int:
        """Points needed along that length so that the surface has no holes."""
        return max(int(length * self.camera.scale * 1.2) + 2, least)

    def place(self, points: Array, paint: Paint, gloss: float = 0.2, food: bool = True) -> None:
        """Put a surface (K, N, M, 3) into the picture.

        paint: piece number, places along and across (0..1) of the visible points → linear colours (n, 3).
        """
        points = points.astype(np.float32, copy=False)
        flat = points.reshape(-1, 3)
        pixel, index = self._visible(flat, self.ground if food else 0.0)
        _, along, across = points.shape[:3]
        piece, u, v = np.unravel_index(index, points.shape[:3])
        self.rgb.reshape(-1, 3)[pixel] = paint(
            piece, (u / max(along - 1, 1)).astype(np.float32), (v / max(across - 1, 1)).astype(np.float32)
        )
        self.level.reshape(-1)[pixel] = flat[index, 2]
        self.gloss.reshape(-1)[pixel] = gloss
        self.normal.reshape(-1, 3)[pixel] = self._normals(points, index, u, v)
        self.food.reshape(-1)[pixel] = food

    def _visible(self, flat: Array, ground: float) -> tuple[Array, Array]:
        """Pixels, and the points (of flat, (n, 3)) that are nearest there; nothing is seen below `ground`."""
        width, height = self.camera.size
        column, row, near = self.camera.project(flat)
        column, row = column.astype(np.int32), row.astype(np.int32)
        seen = (column >= 0) & (column < width) & (row >= 0) & (row < height) & (flat[:, 2] >= ground)
        index = np.flatnonzero(seen)
        pixel, near = row[index].astype(np.intp) * width + column[index], near[index]
        buffer = self.near.reshape(-1)
        np.maximum.at(buffer, pixel, near)
        nearest = near >= buffer[pixel]
        return pixel[nearest], index[nearest]

    def _normals(self, points: Array, index: Array, u: Array, v: Array) -> Array:
        """Unit normals (n, 3) at grid places u and v, from the neighbours on the grid."""
        flat, (rows, columns) = points.reshape(-1, 3), points.shape[1:3]
        below, above = index + columns * (u < rows - 1), index - columns * (u > 0)
        along = flat.take(below, 0) - flat.take(above, 0)
        across = flat.take(index + (v < columns - 1), 0) - flat.take(index - (v > 0), 0)
        normal = np.cross(along, across)
        normal /= length(normal)
        # Both sides of a leaf are drawn: turn each normal toward the camera.
        return normal * np.where(normal @ self.camera.axes[2] > 0, -1, 1).astype(np.float32)[:, None]

    def fill(self, inside: Array, height: float, tint: Array, murk: float) -> None:
        """Pour liquid up to `height` where `inside`; murk: how fast it hides what is deep."""
        depth = np.clip(height - self.level, 0, None) * inside
        wet = depth > 0
        self.rgb = mix(self.rgb, np.broadcast_to(tint, self.rgb.shape), (1 - np.exp(-murk * depth)) * 0.97)
        self.near = self.near + depth * math.sin(self.camera.elevation)
        self.level = np.where(wet, height, self.level)
        self.gloss = np.where(wet, 0.8, self.gloss)
        self.normal = np.where(wet[..., None], np.array([0, 0, 1], np.float32), self.normal)
        self.food |= wet

    def develop(self, light: Light) -> Array:
        """The lit picture (height, width, 3), display values 0..1."""
        toward, eye = light.direction, -self.camera.axes[2]
        facing = np.clip(self.normal @ toward * 0.85 + 0.15, 0, 1)
        lit = facing * (1 - 0.8 * self._shadow(toward))
        sky = (0.65 + 0.35 * self.normal[..., 2]) * (1 - self._occlusion())
        half = (toward + eye) / length(toward + eye)
        shine = np.clip(self.normal @ half, 0, 1) ** 2
        shine = (0.04 * shine**4 + 0.55 * shine**24) * self.gloss * lit
        room = np.array([0.99, 1.0, 1.02], np.float32)
        strength = (1.35 * (1 - light.ambient) * lit)[..., None] * light.tint
        strength += (light.ambient * sky)[..., None] * room
        value = (self.rgb * strength + shine[..., None] * light.tint) * 2.0 ** (light.exposure + 0.55)
        # Filmic shoulder: bright places roll off instead of clipping.
        value = value * (1 + value / 2.2) / (1 + value)
        return np.sqrt(np.clip(value, 0, 1))

    def _occlusion(self) -> Array:
        total = np.zeros_like(self.near)
        for cell, weight in ((4, 3.0), (12, 1.8), (32, 0.7)):
            around = _resized(_resized(self.near, 1 / cell), shape=self.near.shape)
            total += np.clip(around - self.near, 0, 0.25) * weight
        return np.clip(total, 0, 0.75)

    def _shadow(self, toward: Array) -> Array:
        """Share of light that nearer surfaces take away, found by walking toward the light."""
        near = self.near[::2, ::2]
        right, up, forward = (float(part) for part in self.camera.axes @ toward)
        shade = np.zeros_like(near)
        for reach in np.geomspace(0.03, 0.6, 9).tolist():
            across, down = (round(a * reach * self.camera.scale / 2) for a in (right, -up))
            blocker = _shifted(near, across, down) - (near - forward * reach)
            shade = np.maximum(shade, step(blocker, 0.01, 0.06) * (1 - step(blocker, 0.5, 0.9)))
        return _resized(_resized(shade, 1 / 2), shape=self.near.shape)


def _resized(field: Array, factor: float = 1.0, shape: tuple[int, int] | None = None) -> Array:
    if shape is None:
        size = max(int(field.shape[1] * factor), 2), max(int(field.shape[0] * factor), 2)
        return np.asarray(Image.fromarray(field).resize(size, Image.Resampling.BOX))
    return np.asarray(Image.fromarray(field).resize(shape[::-1], Image.Resampling.BICUBIC))


def _shifted(field: Array, across: int, down: int) -> Array:
    """field[row + down, column + across], with the border repeated."""
    rows = np.clip(np.arange(field.shape[0]) + down, 0, field.shape[0] - 1)
    columns = np.clip(np.arange(field.shape[1]) + across, 0, field.shape[1] - 1)
    return field[rows[:, None], columns]
