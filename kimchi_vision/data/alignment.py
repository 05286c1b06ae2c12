"""Lays one grey photo over another: which part of it the other shows, to a tenth of a pixel.

First thumbnails, many pairs at once, without opening a file (`settled`); then a pair of photos (`aligned`).

A placement is a matrix (2, 3): it takes a point (y, x, 1) of the other photo to the point (y, x) of the
first, both as shares of height and width, so that it holds at every size.
"""

import numpy as np
from PIL import Image

from kimchi_vision.data.windows import SIDE, sampled

LEAST = 0.2
"""Share of the other photo that the first must cover."""
LEVELS = ((64, 15), (128, 10))
"""Longest sides in pixels, from coarse to fine, and the most steps at each."""
ALIKE = 0.8
"""Least correlation at which the next level is worth its time; copies reach 0.83 at 64 pixels, most 0.94."""
ROUNDS, _LONGEST = 6, 0.15
_STILL = 0.02
_CAUCHY = 2.5


def shrunk(photo: np.ndarray, share: float) -> np.ndarray:
    """A grey float32 photo made smaller, sides times `share`; as it is when that is 1 or more."""
    if share >= 1:
        return photo
    size = tuple(max(8, round(side * share)) for side in photo.shape[::-1])
    return np.asarray(Image.fromarray(photo).resize(size, Image.Resampling.LANCZOS))


def laid(photo: np.ndarray, place: np.ndarray, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """What `photo` shows at each pixel of another of that shape, and where it shows anything."""
    from scipy.ndimage import affine_transform

    sides = np.array(photo.shape)
    turn = place[:, :2] * sides[:, None] / np.array(shape)[None]
    start = place[:, 2] * sides - 0.5 + turn @ np.array([0.5, 0.5])
    there = affine_transform(photo, turn, start, output_shape=shape, order=1, mode="nearest", prefilter=False)
    y, x = _grid(shape)
    rows, columns = (each[0] * y + each[1] * x + each[2] for each in place)
    height, width = 0.5 / sides
    covered = (rows > height) & (rows < 1 - height) & (columns > width) & (columns < 1 - width)
    return there, covered


def settled(photos: np.ndarray, others: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each pair of thumbnails the placement near the given one, and the correlation that it reaches.

    photos, others: (pairs, SIDE, SIDE). As `aligned`, without light from a side and weights, in compositional
    form: each round changes the part that is seen now (Baker and Matthews, 2004).
    """
    points = np.stack([*_grid((SIDE, SIDE)), np.ones((SIDE, SIDE))]).reshape(3, -1)
    y, x = points[:2].astype(np.float32)
    wanted = others.reshape(len(others), -1).astype(np.float32)
    photos, best = photos.astype(np.float32), np.full(len(photos), -1.0)
    for step in range(ROUNDS + 1):
        seen = sampled(photos, places)
        inside = np.all(np.abs(places @ points - 0.5) < 0.5 - 0.5 / SIDE, axis=1).astype(np.float32)
        flat = seen.reshape(len(seen), -1)
        best = np.maximum(best, _correlation(flat, wanted, inside))
        if step == ROUNDS:
            break
        down, right = (SIDE * each.reshape(flat.shape) for each in np.gradient(seen, axis=(1, 2)))
        rows = np.stack([down * y, down * x, down, right * y, right * x, right, flat, np.ones_like(flat)], 1)
        change = _changes(rows, rows * inside[:, None], wanted)
        places = np.concatenate(
            [places[:, :, :2] @ (np.eye(2) + change[:, :, :2]),
             places[:, :, :2] @ change[:, :, 2:] + places[:, :, 2:]], axis=2
        )  # fmt: skip
    return places, best


def _changes(rows: np.ndarray, weighted: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """(pairs, 2, 3): least squares for each pair, cut to a step that the slopes can vouch for."""
    normal = (weighted @ rows.transpose(0, 2, 1)).astype(np.float64)
    ends = np.arange(rows.shape[1])
    normal[:, ends, ends] = normal[:, ends, ends] * (1 + 1e-3) + 1e-3
    found = np.linalg.solve(normal, (weighted @ wanted[:, :, None]).astype(np.float64))[:, :, 0]
    gain = np.where(np.abs(found[:, 6:7]) < 0.1, 0.1, found[:, 6:7])
    change = (found[:, :6] / gain).reshape(-1, 2, 3)
    size = np.abs(change).max(axis=(1, 2), keepdims=True)
    return change * np.minimum(1, _LONGEST / np.maximum(size, 1e-9))


def _correlation(first: np.ndarray, second: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Pearson's, over the pixels inside; -1 where those are too few."""
    count = inside.sum(axis=1, keepdims=True) + 1e-6
    first, second = (
        (each - (each * inside).sum(axis=1, keepdims=True) / count) * inside for each in (first, second)
    )
    found = (first * second).sum(axis=1) / np.sqrt((first**2).sum(axis=1) * (second**2).sum(axis=1) + 1)
    return np.where(count[:, 0] < LEAST * inside.shape[1], -1, found)


def aligned(photo: np.ndarray, other: np.ndarray, place: np.ndarray) -> np.ndarray | None:
    """The placement near `place` at which `photo` looks like `other`, but for brightness and contrast.

    photo, other: grey, float32. None when there is none, or when they look alike nowhere near.
    Lucas and Kanade (1981) from coarse to fine: six numbers of an affine map, two of brightness and two of
    light from a side, with weights that fall with the error (Cauchy), so that a sticker does not pull.
    """
    from scipy.ndimage import gaussian_filter

    for side, steps in LEVELS:
        first, second = (
            gaussian_filter(shrunk(each, side / max(each.shape)), 1.0) for each in (photo, other)
        )
        found = _refined(first, second, place, steps)
        if found is None:
            return None
        place, correlation = found
        if correlation < ALIKE:
            return None
    return place


def _refined(
    photo: np.ndarray, other: np.ndarray, place: np.ndarray, steps: int
) -> tuple[np.ndarray, float] | None:
    """The placement after so many steps at one size, and the correlation before the last."""
    down, right = np.gradient(photo)
    down, right = down * photo.shape[0], right * photo.shape[1]
    y, x = _grid(other.shape)
    correlation = 0.0
    for _ in range(steps):
        there, covered = laid(photo, place, other.shape)
        if covered.mean() < LEAST:
            return None
        p, q = there[covered], other[covered]
        if min(p.std(), q.std()) < 1:
            return None
        by, bx = (laid(slope, place, other.shape)[0][covered] for slope in (down, right))
        ys, xs = y[covered], x[covered]
        correlation = float(np.corrcoef(p, q)[0, 1])
        change = _step((by * ys, by * xs, by, bx * ys, bx * xs, bx), (ys, xs), p, q)
        if change is None:
            return None
        place = place + change
        if np.abs(change).max() * max(other.shape) < _STILL:
            break
    return place, correlation


def _step(
    slopes: tuple[np.ndarray, ...], light: tuple[np.ndarray, ...], p: np.ndarray, q: np.ndarray
) -> np.ndarray | None:
    """The change of the placement that brings gain * p + offset nearest to q; None when none is seen.

    light: what else may be added to p, such as light from one side.
    """
    gain, offset = brightness(p, q, rounds=1)
    if gain < 0.05:
        return None
    rows = np.stack([*(gain * slope for slope in slopes), p, np.ones_like(p), *light])
    error = q - gain * p - offset
    lit = _solved(rows[6:], rows[6:], error) @ rows[6:]
    weight = _weights(error - lit)
    change = _solved(rows, rows * weight, error)[:6].reshape(2, 3)
    size = np.abs(change).max()
    if not np.isfinite(size):
        return None
    return change * min(1, 0.3 / max(size, 1e-9))


def _solved(rows: np.ndarray, weighted: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Least squares, with a little damping where the rows say nothing."""
    normal = weighted @ rows.T
    ends = np.diag_indices(len(rows))
    normal[ends] *= 1 + 1e-4
    normal[ends] += 1e-6
    return np.linalg.solve(normal, weighted @ values)


def inverse(place: np.ndarray) -> np.ndarray:
    """Where the first photo lies in the other."""
    return np.linalg.inv(np.vstack([place, [0, 0, 1]]))[:2]


def brightness(p: np.ndarray, q: np.ndarray, rounds: int = 5) -> tuple[float, float]:
    """Gain and offset with which p comes nearest to q, whatever a few pixels say; some thousand tell."""
    every = max(1, len(p) // 4096)
    p, q = p[::every], q[::every]
    weight = np.ones_like(p)
    for _ in range(rounds):
        total = weight.sum()
        mean_p, mean_q = (p * weight).sum() / total, (q * weight).sum() / total
        spread = ((p - mean_p) ** 2 * weight).sum() + 1e-6
        gain = ((p - mean_p) * (q - mean_q) * weight).sum() / spread
        offset = mean_q - gain * mean_p
        weight = _weights(q - gain * p - offset)
    return float(gain), float(offset)


def _weights(errors: np.ndarray) -> np.ndarray:
    spread = 1.4826 * np.median(np.abs(errors[:: max(1, len(errors) // 4096)])) + 1
    return 1 / (1 + (errors / (_CAUCHY * spread)) ** 2)


def _grid(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Row and column of each pixel's middle, as shares."""
    height, width = shape
    y, x = (np.arange(height) + 0.5) / height, (np.arange(width) + 0.5) / width
    return np.broadcast_to(y[:, None], shape), np.broadcast_to(x[None], shape)
