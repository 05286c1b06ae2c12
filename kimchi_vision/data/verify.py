"""Whether two photos that look alike are one picture, changed, or two pictures of one scene.

Laid over each other, copies agree in their fine structure everywhere, and in their noise. Two shots of one
scene have noise of their own; where something differs, such as a scratch or a digit, the error stands out
of what saving and resizing leave.
"""

from dataclasses import dataclass

import numpy as np

from kimchi_vision.data.alignment import LEAST, aligned, brightness, inverse, laid, shrunk

AGREES = 0.95
"""Least correlation of the fine structure at 128 pixels: 0.95 and more in copies; digits reach 0.98."""
STANDS_OUT = 1.4
"""Most error of a block of 8 x 8 of these pixels, in units of what it may be."""
ALONE = 10
"""Most error of a block over that of nine in ten, where it is large enough to be seen."""
SAVED = 10
"""Most mean square error that saving and resizing leave in half of the blocks, squared grey levels."""
SLIP = 0.2
"""Mean square of how far a copy may lie off, pixels."""
SAME_NOISE = 0.12
"""Least correlation of the faintest structure at 256 pixels: copies reach 0.23, two shots 0.02."""
SIDE = 256
"""Longest side in pixels that is compared."""
BLACK, BRIGHT, WHITE = 15, 190, 240
"""Levels below, and above, which a change of brightness may have cut off what was there."""


@dataclass(frozen=True)
class _Blocks:
    """Per block that both photos cover: means of squares of the fine structures, slopes and errors.

    slope: of the photo with the gentler slopes, grey levels a pixel.
    """

    first: np.ndarray
    second: np.ndarray
    both: np.ndarray
    slope: np.ndarray
    error: np.ndarray


def same_picture(photo: np.ndarray, other: np.ndarray, place: np.ndarray) -> bool:
    """Whether `other` is `photo`, or a part of it, but for brightness, contrast, size and saving.

    photo, other: one colour, float32, 0 to 255, longest side SIDE or more where the files have as much.
    place: about where the whole of `other` lies in `photo`, as data.alignment has it.
    """
    found = aligned(photo, other, place)
    # What a turn or a frame adds is no part of the photo: it is left out of that side which it was added to.
    return found is not None and (_agree(photo, other, found) or _agree(other, photo, inverse(found)))


def _agree(photo: np.ndarray, other: np.ndarray, place: np.ndarray) -> bool:
    coarse = _blocks(photo, other, place, side=128, reach=4.0, size=8)
    if coarse is None or _correlation(coarse) < AGREES or _stands_out(coarse):
        return False
    fine = _blocks(photo, other, place, side=SIDE, reach=1.5, size=16)
    return fine is not None and _noise_agrees(fine)


def _correlation(blocks: _Blocks) -> float:
    return blocks.both.sum() / np.sqrt(blocks.first.sum() * blocks.second.sum() + 1)


def _stands_out(blocks: _Blocks) -> bool:
    """Whether the error of a block is more than that of the others and a tenth of a pixel explain.

    Or much more than that of nine blocks in ten: a scratch beside an edge.
    """
    allowed = 4 * min(np.median(blocks.error), SAVED) + 4 + SLIP * blocks.slope
    errors = blocks.error / allowed
    most = errors.max()
    return most > STANDS_OUT or (most > STANDS_OUT / 2 and most > ALONE * np.quantile(errors, 0.9))


def _noise_agrees(blocks: _Blocks) -> bool:
    """Judged on the third with the least structure, of blocks with any; true where too few have."""
    faint = np.minimum(blocks.first, blocks.second)
    noisy = faint > 0.2
    if np.count_nonzero(noisy) < 8:
        return True
    third = noisy & (faint <= np.quantile(faint[noisy], 0.35))
    scale = np.sqrt(blocks.first[third].sum() * blocks.second[third].sum())
    return blocks.both[third].sum() / scale >= SAME_NOISE


def _blocks(
    photo: np.ndarray, other: np.ndarray, place: np.ndarray, side: int, reach: float, size: int
) -> _Blocks | None:
    """reach: pixels over which the mean is taken off, which leaves fine structure. None without overlap."""
    from scipy.ndimage import binary_erosion

    first, second = _of_one_scale(photo, other, place, side)
    there, covered = laid(first, place, second.shape)
    covered = binary_erosion(covered, iterations=3)  # without its rim
    if covered.mean() < LEAST:
        return None
    low, high = np.minimum(there, second), np.maximum(there, second)
    shown = covered & (low > 5) & (high < 245)  # neither black nor white: these pixels tell gain and offset
    shown = shown if shown.mean() > 0.3 else covered
    gain, offset = brightness(there[shown], second[shown])
    back, shift = brightness(second[shown], there[shown])
    if min(gain, back) < 0.1:
        return None
    expected = np.clip(gain * there + offset, 0, 255)
    fine = _fine_structure(covered, reach)
    # The lighter of two may have lost what the darker shows: the better of both ways counts.
    errors = (
        fine(_unsaturated(second, expected)) ** 2,
        (gain * fine(_unsaturated(there, np.clip(back * second + shift, 0, 255)))) ** 2,
    )
    whole = _means(covered.astype(np.float32), size) > 0.99
    if not whole.any():
        return None
    one, two = fine(expected), fine(second)
    slope = np.minimum(
        *(_means(np.square(np.gradient(each)).sum(axis=0), size) for each in (expected, second))
    )
    error = np.minimum(*(_means(each, size) for each in errors))
    squares, others, products = (_means(each, size) for each in (one**2, two**2, one * two))
    return _Blocks(*(each[whole] for each in (squares, others, products, slope, error)))


def _of_one_scale(
    photo: np.ndarray, other: np.ndarray, place: np.ndarray, side: int
) -> tuple[np.ndarray, np.ndarray]:
    """Both made so small that a pixel shows as much in each, and `other` fits into `side`."""
    turn = place[:, :2] * np.array(photo.shape)[:, None] / np.array(other.shape)[None]
    scale = max(np.sqrt(abs(np.linalg.det(turn))), 1e-3)
    share = min(1, side / max(other.shape), scale)
    first, second = shrunk(photo, share / scale), shrunk(other, share)
    if side > 128:
        return first, second
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(first, 0.7), gaussian_filter(second, 0.7)


def _fine_structure(covered: np.ndarray, reach: float):  # noqa: ANN202
    from scipy.ndimage import gaussian_filter

    weight = covered.astype(np.float32)
    share = gaussian_filter(weight, reach) + 1e-3
    return lambda values: np.where(covered, values - gaussian_filter(values * weight, reach) / share, 0)


def _unsaturated(seen: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """The error, 0 where both are black, or bright beside white: a change of brightness cuts off there."""
    from scipy.ndimage import maximum_filter

    low, high = np.minimum(seen, expected), np.maximum(seen, expected)
    cut_off = (low > BRIGHT) & (maximum_filter(high, 3) > WHITE)
    return np.where(cut_off | (high < BLACK), 0, seen - expected)


def _means(values: np.ndarray, size: int) -> np.ndarray:
    height, width = (side // size * size for side in values.shape)
    return values[:height, :width].reshape(height // size, size, width // size, size).mean(axis=(1, 3))
