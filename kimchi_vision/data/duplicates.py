"""Photos that must not be parted: copies of one picture, and what `data.group_by` holds together.

Copies are equal files, and those resized, brightened, turned, cropped or framed.
"""

import logging
import re
from collections import defaultdict
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from kimchi_vision.base.errors import DataError
from kimchi_vision.config.sections import Data
from kimchi_vision.data.alignment import settled
from kimchi_vision.data.hashes import near_pairs
from kimchi_vision.data.memory import Memory
from kimchi_vision.data.photo import thumbnail
from kimchi_vision.data.verify import SIDE, same_picture
from kimchi_vision.data.windows import PLACES, sampled

log = logging.getLogger(__name__)

SIMILAR = 0.6
"""Least correlation of a window and a thumbnail; a window is about what a copy shows."""
ALIKE = 0.88
"""Least correlation once they are laid over each other.

Measured on Food-101: 900 copies reach 0.89; of 85 other pairs that come so far, 4 reach this.
"""
NEAREST = 12
"""Photos whose thumbnails are laid over that of each: the most similar."""
CANDIDATES = 6
"""Photos that are opened and looked at for each: those whose thumbnails are most alike."""
MOST, MOST_SHARE = 5000, 0.2
"""No more pairs than the larger are opened, as a number and a share of the photos: the most alike.

Photos of Food-101 have one in 900; folders of shots of one scene have more than anyone can wait for.
"""
SCENE, SCENE_SHARE = 20, 0.2
"""More photos than both, as a number and a share of all, that show one picture are shots of one scene.

A camera that looks at one bench takes shots that saving leaves no noise to tell apart by.
"""
_BATCH = 1024


def groups(root: Path, photos: pd.DataFrame, memory: Memory) -> pd.Series:
    """A number for each photo, equal for photos that all show the picture of one of them.

    photos: columns path and sha256 of photos that can be read.
    """
    files = photos.drop_duplicates("sha256").set_index("sha256")["path"]
    paths = [root / path for path in files]
    found = [
        (photo, other)
        for (photo, other), place in zip(*candidates(memory.thumbnails(files.index)), strict=True)
        if same_picture(_green(paths[photo]), _green(paths[other]), place)
    ]
    pairs = np.array(found, np.int64).reshape(-1, 2)
    numbers = _around_one(len(files), _without_scenes(len(files), pairs))
    return photos["sha256"].map(dict(zip(files.index, numbers, strict=True))).rename("group")


def _without_scenes(count: int, pairs: np.ndarray) -> np.ndarray:
    """The pairs but those of many photos of one scene, linked to each other directly or through others."""
    numbers = connected(pairs[:, 0], pairs[:, 1], count)
    sizes = np.bincount(numbers)[numbers]
    return pairs[sizes[pairs[:, 0]] <= max(SCENE, SCENE_SHARE * count)]


def connected(ones: np.ndarray, others: np.ndarray, count: int) -> np.ndarray:
    """A number for each of `count` things, equal where pairs link them, directly or through others."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(len(ones)), (ones, others)), shape=(count, count))
    return connected_components(links, directed=False)[1]


def _around_one(count: int, pairs: np.ndarray) -> list[int]:
    """For each photo the one whose copies it is among: that with the most, directly.

    Chains would join pictures that nothing joins: each link a little off, the ends far apart.
    """
    copies = defaultdict(set)
    for photo, other in pairs.tolist():
        copies[photo].add(other)
        copies[other].add(photo)
    numbers, free = list(range(count)), set(copies)
    for photo in sorted(copies, key=lambda photo: (-len(copies[photo]), photo)):
        if photo in free:
            members = {photo, *(copies[photo] & free)}
            free -= members
            for member in members:
                numbers[member] = photo
    return numbers


def candidates(thumbnails: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows (photo, other), each pair once, in the order of the photos; and placements (pairs, 2, 3)."""
    near = _similar(thumbnails)
    places, scores = [np.empty((0, 2, 3))], [np.empty(0)]
    for start in range(0, len(near), _BATCH):
        photos, others, windows = near[start : start + _BATCH].T
        found = settled(thumbnails[photos], thumbnails[others], PLACES[windows])
        places.append(found[0])
        scores.append(found[1])
    scores = np.concatenate(scores)
    best = np.argsort(-scores, kind="stable")[: np.count_nonzero(scores >= ALIKE)]
    # How many pairs above have a photo in common, for the one of the two photos that has fewer.
    ends = pd.Series(near[best, :2].ravel())
    rank = ends.groupby(ends).cumcount().to_numpy().reshape(-1, 2).min(axis=1)
    best, most = best[rank < CANDIDATES], max(MOST, int(MOST_SHARE * len(thumbnails)))
    if len(best) > most:
        what = (
            "%d pairs of photos may show one picture, too many to open: the %d most alike are looked at. "
            "Copies among the others count as different photos. data.group_by holds together what belongs "
            "together."
        )
        log.warning(what, len(best), most)
    best = best[:most]
    best = best[np.lexsort((near[best, 1], near[best, 0]))]
    return near[best, :2], np.concatenate(places)[best]


def _similar(thumbnails: np.ndarray) -> np.ndarray:
    """Rows (photo, other, window), of each pair the window that is most like the other photo."""
    found, scores = [np.empty((0, 3), np.int64)], [np.empty(0)]
    for near in near_pairs(thumbnails):
        alike = np.empty(len(near))
        for start in range(0, len(near), _BATCH):
            photos, others, windows = near[start : start + _BATCH].T
            seen = sampled(thumbnails[photos], PLACES[windows])
            alike[start : start + _BATCH] = _correlation(seen, thumbnails[others])
        best = np.argsort(-alike, kind="stable")[: np.count_nonzero(alike >= SIMILAR)]
        best = best[pd.Series(near[best, 0]).groupby(near[best, 0]).cumcount().to_numpy() < NEAREST]
        found.append(near[best])
        scores.append(alike[best])
    pairs = np.concatenate(found)
    pairs = pairs[np.argsort(-np.concatenate(scores), kind="stable")]
    ends = np.sort(pairs[:, :2], axis=1)
    return pairs[np.sort(np.unique(ends, axis=0, return_index=True)[1])]


@lru_cache(maxsize=512)
def _green(file: Path) -> np.ndarray:
    """Not grey: what is brightened beyond white is cut off for each colour, and grey levels tell no more."""
    return np.asarray(thumbnail(file, SIDE * 3 // 2).getchannel("G"), np.float32)


def _correlation(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Pearson's correlation of each picture with its partner; 0 for a picture of one colour."""
    first, second = (
        each.reshape(len(each), np.prod(each.shape[1:])).astype(np.float32) for each in (first, second)
    )
    first, second = (each - each.mean(axis=1, keepdims=True) for each in (first, second))
    scale = np.sqrt((first**2).sum(axis=1) * (second**2).sum(axis=1))
    return np.divide((first * second).sum(axis=1), scale, out=np.zeros_like(scale), where=scale > 1)


def find(root: Path, photos: pd.DataFrame, section: Data, memory: Memory) -> pd.Series:
    """A number for each photo, equal for copies of one picture; all different when none is looked for."""
    if section.duplicates == "keep":
        return pd.Series(np.arange(len(photos)), index=photos.index)
    return groups(root, photos, memory)


def copies(photos: pd.DataFrame, section: Data) -> pd.DataFrame:
    """With `duplicates: skip`, all but the first photo of each picture: columns path, label, reason."""
    first = photos.groupby("group")["path"].transform("first")
    rows = photos[["path", "label"]].assign(reason="shows the same picture as " + first)
    return rows[(photos["path"] != first) & (section.duplicates == "skip")]


def joined(photos: pd.DataFrame, pattern: str | None) -> np.ndarray:
    """Numbers that are equal for photos of one picture, and for photos whose paths match `pattern` alike.

    The first bracketed part of the pattern counts, or all that it matches; a path without a match is alone.
    Raises DataError when the pattern is no regular expression or matches nothing.
    """
    if pattern is None:
        return photos["group"].to_numpy()
    left, right = pd.factorize(photos["group"])[0], pd.factorize(matches(photos, pattern))[0]
    right = right + left.max() + 1
    return connected(left, right, right.max() + 1)[left]


def matches(photos: pd.DataFrame, pattern: str) -> pd.Series:
    """What the pattern finds in each path, or the path where it finds nothing. Errors as in `joined`."""
    try:
        found = [re.search(pattern, path) for path in photos["path"]]
    except re.error as error:
        raise DataError(
            "`data.group_by`: {pattern} is not a regular expression: {reason}.", pattern=pattern, reason=error
        ) from None
    if not any(found):
        no_match = "`data.group_by`: {pattern} matches no path, such as {one}."
        raise DataError(no_match, pattern=pattern, one=photos["path"].iloc[0])
    pairs = zip(found, photos["path"], strict=True)
    return pd.Series([m[m.re.groups and 1] if m else path for m, path in pairs], index=photos.index)
