"""Photos of one picture: equal files, and copies resized, saved again, brightened, cropped or mirrored."""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageFilter, ImageOps

from kimchi_vision.data.hashes import near_pairs, window, window_box
from kimchi_vision.data.memory import Memory
from kimchi_vision.data.photo import thumbnail

SIMILAR = 0.85
"""Least correlation of two thumbnails that show the same picture.

Measured on 800 photos of Food-101: copies reach 0.87 and more (crops to 90 % a side; 0.92 for milder
changes), the closest of different photos 0.65. Photos of one layout can reach it too; hence DETAIL.
"""
DETAIL = 0.72
"""Least correlation of the fine structure of two such pictures.

Measured on crops of 100 of those photos and on drawn photos: copies 0.72 and more, median 0.92; of 68
different pairs with thumbnails above 0.75, the highest 0.71.
"""
_SIDE, _BLUR, _SHIFT = 64, 4, 3
_SLACK = (0, -0.025, 0.025)


def groups(root: Path, photos: pd.DataFrame, memory: Memory) -> pd.Series:
    """A number for each photo, equal for photos that show the same picture, directly or through others.

    photos: columns path and sha256 of photos that can be read.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    files = photos.drop_duplicates("sha256").set_index("sha256")["path"]
    pairs = _same_pictures([root / path for path in files], memory.thumbnails(files.index))
    links = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(files),) * 2)
    numbers = connected_components(links, directed=False)[1]
    return photos["sha256"].map(dict(zip(files.index, numbers, strict=True))).rename("group")


def _same_pictures(files: list[Path], thumbnails: np.ndarray) -> np.ndarray:
    """Rows (photo, other photo): hashes near, thumbnails alike, and details too."""
    found = []
    for pairs in near_pairs(thumbnails):
        photos, others, windows = pairs.T
        scores = _correlation(window(thumbnails[photos], windows), thumbnails[others])
        best = np.argsort(-scores, kind="stable")[: np.count_nonzero(scores >= SIMILAR)]
        _, first = np.unique(pairs[best, :2], axis=0, return_index=True)
        found += [
            (photo, other)
            for photo, other, number in pairs[best[first]].tolist()
            if _details_agree(files[photo], files[other], number)
        ]
    return np.array(found, dtype=np.int64).reshape(-1, 2)


def _details_agree(file: Path, other: Path, number: int) -> bool:
    """Whether fine structure agrees too, searching for the size and place that the windows leave open."""
    inner = slice(_SHIFT, _SIDE - _SHIFT)
    shifts = list(product(range(-_SHIFT, _SHIFT + 1), repeat=2))
    second = _details(other, 0, (0, 0))[inner, inner]
    for slack in product(_SLACK, repeat=2):
        first = _details(file, number, slack)
        moved = np.stack([np.roll(first, shift, (0, 1))[inner, inner] for shift in shifts])
        if _correlation(moved, np.broadcast_to(second, moved.shape)).max() >= DETAIL:
            return True
    return False


@lru_cache(maxsize=4096)
def _details(file: Path, number: int, slack: tuple[float, float]) -> np.ndarray:
    """What blurring removes from a window of a photo, (_SIDE, _SIDE) float32."""
    photo, (box, mirrored) = _small(file), window_box(number, slack)
    box = tuple(place * side for place, side in zip(box, photo.size * 2, strict=True))
    part = (ImageOps.mirror(photo) if mirrored else photo).resize(
        (_SIDE, _SIDE), Image.Resampling.BILINEAR, box=box, reducing_gap=2
    )
    return np.asarray(part, np.float32) - np.asarray(part.filter(ImageFilter.BoxBlur(_BLUR)), np.float32)


@lru_cache(maxsize=1024)
def _small(file: Path) -> Image.Image:
    return thumbnail(file, 4 * _SIDE).convert("L")


def _correlation(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Pearson's correlation of each picture with its partner; 0 for a picture of one colour."""
    first, second = (
        each.reshape(len(each), np.prod(each.shape[1:])).astype(np.float32) for each in (first, second)
    )
    first, second = (each - each.mean(axis=1, keepdims=True) for each in (first, second))
    scale = np.sqrt((first**2).sum(axis=1) * (second**2).sum(axis=1))
    return np.divide((first * second).sum(axis=1), scale, out=np.zeros_like(scale), where=scale > 1)
