"""Perceptual hashes of thumbnails, and an index that finds the near ones without comparing all pairs."""

from collections.abc import Iterator

import numpy as np
from PIL import Image

from kimchi_vision.data.windows import CROPS, FLIPS, PLACES, SIDE, TILTS, sampled

RADIUS = 10
"""Two hashes are near when at most so many of their 64 bits differ.

Measured on 100 photos of Food-101: by kind of change, one of the windows of 98 to 100 % of copies
differs by no more; by 8 or less in 93 to 100 %.
"""
_BANDS, _BAND_BITS = 4, 16
_BATCH = 256
_CROWD = 16


def thumbnail(photo: Image.Image) -> np.ndarray:
    """A grey photo squeezed to SIDE x SIDE, uint8."""
    small = photo.reduce(max(1, min(photo.size) // (2 * SIDE)))
    return np.asarray(small.resize((SIDE, SIDE), Image.Resampling.BILINEAR))


def _resampler(share: float, place: float) -> np.ndarray:
    """The matrix that stretches a part of a row of SIDE pixels to the whole row, linearly."""
    start = (1 - share) * place * SIDE
    centres = np.clip(start + (np.arange(SIDE) + 0.5) * share - 0.5, 0, SIDE - 1)
    left = np.minimum(centres.astype(int), SIDE - 2)
    matrix = np.zeros((SIDE, SIDE))
    matrix[np.arange(SIDE), left] = 1 - (centres - left)
    matrix[np.arange(SIDE), left + 1] = centres - left
    return matrix


_COSINES = 2 * np.cos(np.pi * np.arange(8)[:, None] * (2 * np.arange(SIDE) + 1) / (2 * SIDE))
_LOW = {
    crop: (_COSINES @ _resampler(*crop)).astype(np.float32) for crop in {c for pair in CROPS for c in pair}
}
_DIRECTION = {1: np.ones(8, np.float32), -1: np.where(np.arange(8) % 2, -1, 1).astype(np.float32)}
WINDOWS = len(PLACES)
"""Parts and turns of a photo that are hashed."""


def _of_tilt(place: np.ndarray) -> np.ndarray:
    """(64, SIDE * SIDE): from a thumbnail to the spectrum of its tilted part."""
    units = np.eye(SIDE * SIDE, dtype=np.float32).reshape(-1, SIDE, SIDE)
    tilted = sampled(units, np.broadcast_to(place, (len(units), 2, 3)))
    low = _COSINES.astype(np.float32)
    return (low @ tilted @ low.T).reshape(len(units), 64).T


_TILTED = np.concatenate([_of_tilt(place) for place in TILTS])


def spectra(thumbnails: np.ndarray) -> np.ndarray:
    """The 8 x 8 lowest DCT coefficients of every window, (photos, WINDOWS, 64) float32.

    Two matrix products each: cropping, stretching, turning and the DCT are linear.
    """
    count, pixels = len(thumbnails), thumbnails.astype(np.float32)
    found = np.empty((count, WINDOWS, 8, 8), np.float32)
    by_rows = {rows: _LOW[rows] @ pixels for rows in dict.fromkeys(rows for rows, _ in CROPS)}
    for number, (rows, columns) in enumerate(CROPS):
        found[:, number] = by_rows[rows] @ _LOW[columns].T
    whole, turned = found[:, 0], found[:, 0].transpose(0, 2, 1)
    for number, (quarter, down, right) in enumerate(FLIPS, len(CROPS)):
        # After a quarter turn the rows of the window are columns of the photo, each in its own direction.
        source, rows, columns = (turned, right, down) if quarter else (whole, down, right)
        found[:, number] = source * _DIRECTION[rows][:, None] * _DIRECTION[columns]
    tilted = pixels.reshape(count, -1) @ _TILTED.T
    found[:, len(CROPS) + len(FLIPS) :] = tilted.reshape(count, len(TILTS), 8, 8)
    return found.reshape(count, WINDOWS, 64)


def photo_hashes(thumbnails: np.ndarray) -> np.ndarray:
    """pHash of the whole photos, (photos,) uint64, as imagehash.phash has it.

    Zauner, 2010: signs of the 8 x 8 lowest DCT coefficients about their median.
    """
    low = _LOW[CROPS[0][0]]
    whole = (low @ thumbnails.astype(np.float32) @ low.T).reshape(len(thumbnails), 1, 64)
    return _signs(_about_median(whole))[:, 0]


def _about_median(spectra: np.ndarray) -> np.ndarray:
    # Sorting all 64 takes a seventh of the time that partitioning them does.
    return spectra - np.sort(spectra, axis=2)[:, :, 31:33].mean(axis=2, keepdims=True)


def _signs(coefficients: np.ndarray) -> np.ndarray:
    return np.packbits(coefficients > 0, axis=2).view(">u8")[:, :, 0].astype(np.uint64)


class HashIndex:
    """Finds hashes within RADIUS bits: multi-index hashing (Norouzi et al., 2012, arXiv:1307.2982).

    Of two hashes that differ in at most 7 bits, one of four bands of 16 bits differs in at most one. So each
    band is looked up as it is and with bits flipped that may be the one; nothing else is compared. Where more
    than _CROWD hashes have a band in common, those are compared that come next in the order of the bits after
    it.
    """

    def __init__(self, hashes: np.ndarray) -> None:
        """Index a vector of uint64 hashes."""
        self._order, self._sorted, self._starts = [], [], []
        for band in range(_BANDS):
            turned = _turned(hashes, band)
            self._order.append(np.argsort(turned, kind="stable"))
            self._sorted.append(turned[self._order[-1]])
            counts = np.bincount(_key(turned), minlength=1 << _BAND_BITS)
            self._starts.append(np.concatenate([[0], np.cumsum(counts)]))

    def near(self, queries: np.ndarray, doubted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pairs (place in queries, place in the index) of near hashes; a pair may come more than once.

        doubted: (queries, _BANDS, ways) uint64, bits that are flipped in each band.
        """
        found = [
            self._near_in_band(queries, band, flip)
            for band in range(_BANDS)
            for flip in (0, *doubted[:, band].T)
        ]
        queried, indexed = (np.concatenate(places) for places in zip(*found, strict=True))
        return queried, indexed

    def _near_in_band(
        self, queries: np.ndarray, band: int, flip: np.ndarray | int
    ) -> tuple[np.ndarray, np.ndarray]:
        plain = _turned(queries, band)
        turned = plain ^ (np.uint64(flip) << np.uint64(64 - _BAND_BITS))
        keys = _key(turned)
        first, end = self._starts[band][keys], self._starts[band][keys + 1]
        crowded = np.flatnonzero(end - first > _CROWD)
        if len(crowded):
            middle = np.searchsorted(self._sorted[band], turned[crowded])
            first[crowded] = np.clip(middle - _CROWD // 2, first[crowded], end[crowded] - _CROWD)
            end[crowded] = first[crowded] + _CROWD
        counts = end - first
        asked = np.repeat(np.arange(len(queries)), counts)
        places = np.arange(len(asked)) + (first - (np.cumsum(counts) - counts))[asked]
        # Turned bits differ in as many places, and those of a band lie side by side.
        close = np.flatnonzero(np.bitwise_count(plain[asked] ^ self._sorted[band][places]) <= RADIUS)
        return asked[close], self._order[band][places[close]]


def _turned(hashes: np.ndarray, band: int) -> np.ndarray:
    """The same bits, those of the band first."""
    up = np.uint64(64 - (band + 1) * _BAND_BITS)
    return hashes if up == 0 else (hashes << up) | (hashes >> (np.uint64(64) - up))


def _key(turned: np.ndarray) -> np.ndarray:
    return (turned >> np.uint64(64 - _BAND_BITS)).astype(np.int64)


def _doubted(coefficients: np.ndarray) -> np.ndarray:
    """(photos, windows, _BANDS, 3): the two bits of each band nearest to the median, each and both."""
    # The first coefficient is the highest bit, hence of the last band.
    bands = np.abs(coefficients).reshape(*coefficients.shape[:2], _BANDS, _BAND_BITS)[:, :, ::-1]
    one = bands.argmin(axis=3)
    np.put_along_axis(bands, one[..., None], np.inf, axis=3)
    bits = np.uint64(1) << (_BAND_BITS - 1 - np.stack([one, bands.argmin(axis=3)], axis=3)).astype(np.uint64)
    return np.concatenate([bits, bits.sum(axis=3, keepdims=True, dtype=np.uint64)], axis=3)


def near_pairs(thumbnails: np.ndarray) -> Iterator[np.ndarray]:
    """Batches of rows (photo, other photo, window): the window of the first that is most like the second."""
    whole = np.concatenate([photo_hashes(part) for part in _parts(thumbnails)])
    index, start = HashIndex(whole), 0
    for part in _parts(thumbnails):
        coefficients = _about_median(spectra(part))
        hashes = _signs(coefficients).ravel()
        queried, others = index.near(hashes, _doubted(coefficients).reshape(len(hashes), _BANDS, -1))
        photos, windows = np.divmod(queried, WINDOWS)
        distances = np.bitwise_count(hashes[queried] ^ whole[others])
        pairs = np.stack([photos + start, others, windows], axis=1)
        apart = pairs[:, 0] != pairs[:, 1]
        pairs = pairs[apart][np.lexsort((windows[apart], distances[apart]))]
        yield pairs[np.unique(pairs[:, :2], axis=0, return_index=True)[1]]
        start += len(part)


def _parts(thumbnails: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(thumbnails), _BATCH):
        yield thumbnails[start : start + _BATCH]
