"""Which photos show one picture, on drawn photos: from the hash to the last detail."""

from contextlib import closing

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageFilter

from kimchi_vision import data
from kimchi_vision.config.sections import Data
from kimchi_vision.data import hashes, memory, windows
from kimchi_vision.data.duplicates import groups
from kimchi_vision.data.hashes import (
    WINDOWS,
    HashIndex,
    _about_median,
    _signs,
    near_pairs,
    photo_hashes,
    spectra,
)
from kimchi_vision.data.scan import scan


def smooth(seed, size=(32, 32)):
    """Few waves, so that cropping and stretching change values little."""
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 5), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


def thumbnails(*seeds):
    return np.stack([np.asarray(smooth(seed)) for seed in seeds])


def correlation(first, second):
    return np.corrcoef(np.ravel(first), np.ravel(second))[0, 1]


UPRIGHT = slice(0, len(windows.CROPS))
TURNED = slice(len(windows.CROPS), len(windows.CROPS) + len(windows.FLIPS))


def seen(photo, places):
    """What windows with these placements show of a thumbnail."""
    return windows.sampled(np.repeat(photo[None], len(places), axis=0), places)


def test_an_upright_window_is_the_part_of_the_photo_that_its_placement_says():
    photo = smooth(3)
    places = windows.PLACES[UPRIGHT]
    for place, pixels in zip(places, seen(np.asarray(photo), places), strict=True):
        (high, _, top), (_, wide, left) = place
        box = tuple(32 * side for side in (left, top, left + wide, top + high))
        part = photo.resize((32, 32), Image.Resampling.BOX, box=box)
        assert np.abs(pixels - np.asarray(part, float)).mean() < 8
    assert windows.PLACES[0].tolist() == [[1, 0, 0], [0, 1, 0]]
    assert len({place.tobytes() for place in windows.PLACES}) == WINDOWS


def test_windows_show_each_mirrored_and_quarter_turned_photo_once():
    photo = np.asarray(smooth(3))
    expected = [np.rot90(each, turns) for each in (photo, photo[:, ::-1]) for turns in range(4)][1:]
    found = seen(photo, windows.PLACES[TURNED])
    assert {each.round().astype(np.uint8).tobytes() for each in found} == {
        np.ascontiguousarray(each).tobytes() for each in expected
    }


def test_the_hash_of_a_window_is_that_of_the_photo_cut_so():
    photos = thumbnails(1, 2)
    found = _signs(_about_median(spectra(photos)))
    for photo, own in zip(photos, found, strict=True):
        alone = photo_hashes(seen(photo, windows.PLACES))
        assert np.bitwise_count(alone ^ own).max() <= 2  # coefficients near the median may round either way


def each_bit(queries):
    """Every bit of a band is doubted alone."""
    return np.broadcast_to(np.uint64(1) << np.arange(16, dtype=np.uint64), (queries, 4, 16))


def test_hashes_are_near_at_ten_bits_and_not_at_eleven():
    spread = [sum(1 << (16 * (place % 4) + place) for place in range(count)) for count in (7, 8, 11)]
    found, _ = HashIndex(np.zeros(1, np.uint64)).near(np.array(spread, np.uint64), each_bit(3))
    assert set(found) == {0}  # by 8 bits, two in every band, is the case that the index may miss
    narrow = [(1 << count) - 1 for count in (10, 11)]
    found, _ = HashIndex(np.zeros(1, np.uint64)).near(np.array(narrow, np.uint64), each_bit(2))
    assert set(found) == {0}


@pytest.mark.parametrize("bit", range(64))
def test_one_other_bit_in_each_band_is_found(bit):
    hashes_ = np.array([0x0123456789ABCDEF, 0xFEDCBA9876543210], np.uint64)
    others = [1 << ((bit + 16 * band) % 64) for band in range(4)]
    found = HashIndex(hashes_).near(hashes_ ^ np.uint64(sum(others)), each_bit(2))
    assert set(zip(*map(np.ndarray.tolist, found), strict=True)) == {(0, 0), (1, 1)}


def test_pairs_beyond_one_block_are_those_of_one_block(monkeypatch):
    pixels = thumbnails(*range(12))
    pixels[[9, 11]] = pixels[[1, 5]]
    whole = np.concatenate(list(near_pairs(pixels)))
    assert {(1, 9), (9, 1), (5, 11), (11, 5)} == {tuple(pair) for pair in whole[:, :2].tolist()}
    monkeypatch.setattr(hashes, "_BATCH", 5)
    blocks = list(near_pairs(pixels))
    assert len(blocks) == 3
    assert np.concatenate(blocks).tolist() == whole.tolist()


def test_a_copy_beyond_two_thousand_photos_is_found():
    pixels = np.random.default_rng(0).integers(0, 256, (2060, 32, 32), dtype=np.uint8)
    pixels[2055] = pixels[7]
    pairs = np.concatenate(list(near_pairs(pixels)))
    assert {(7, 2055), (2055, 7)} <= {tuple(pair) for pair in pairs[:, :2].tolist()}


SIZE = (128, 96)


def detailed(seed, detail_seed=None, strength=30):
    """A drawn dish: smooth, with a fine structure of its own."""
    fine = np.random.default_rng(1000 + (seed if detail_seed is None else detail_seed))
    grain = np.kron(fine.normal(0, strength, (48, 64)), np.ones((2, 2)))
    values = np.asarray(smooth(seed, SIZE), float) / 2 + 64 + grain
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))


def found(tmp_path, **photos):
    """The groups of photos, as sets of their names."""
    for name, photo in photos.items():
        photo.save(tmp_path / f"{name}.png")
    listing = pd.DataFrame({"path": [f"{name}.png" for name in photos], "bytes": 0, "mtime_ns": 0})
    with closing(memory.Memory(tmp_path, tmp_path)) as known:
        numbers = groups(tmp_path, scan(tmp_path, listing, known), known)
    return {frozenset(rows.str.removesuffix(".png")) for _, rows in listing["path"].groupby(numbers)}


def sets(*names):
    return {frozenset(each.split()) for each in names}


def test_copies_are_found_and_look_alikes_are_not(tmp_path):
    dish = detailed(1)
    whole = found(
        tmp_path,
        dish=dish,
        same=dish.copy(),
        cut=dish.crop((0, 5, 118, 96)),
        between=dish.crop((5, 2, 124, 93)),
        mirrored=dish.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        bright=dish.point(lambda value: value * 1.15),
        small=dish.resize((96, 72)),
        alike=detailed(1, detail_seed=2),
        other=detailed(2),
    )
    assert whole == sets("dish same cut between mirrored bright small", "alike", "other")


@pytest.mark.parametrize(("share", "same"), [(0.62, False), (0.85, False), (0.99, True)])
def test_how_much_fine_structure_is_shared_decides(tmp_path, share, same):
    first, second = (np.asarray(detailed(1, detail_seed=seed), float) for seed in (1, 2))
    base = np.asarray(detailed(1, strength=0), float)
    mixed = base + share * (first - base) + np.sqrt(1 - share**2) * (second - base)
    mixed = Image.fromarray(np.clip(mixed, 0, 255).astype(np.uint8))
    expected = sets("first mixed") if same else sets("first", "mixed")
    assert found(tmp_path, first=detailed(1), mixed=mixed) == expected


def test_a_copy_lit_from_one_side_is_a_copy(tmp_path):
    first = detailed(13, strength=20)
    tilt = np.linspace(-30, 30, SIZE[0])[None] * np.ones((SIZE[1], 1))
    tilted = Image.fromarray(np.clip(np.asarray(first, float) + tilt, 0, 255).astype(np.uint8))
    assert found(tmp_path, first=first, tilted=tilted) == sets("first tilted")


def test_copies_of_one_photo_are_one_picture_however_little_they_share(tmp_path):
    dish = detailed(5)
    left, right = dish.crop((0, 0, 96, 72)), dish.crop((32, 24, 128, 96))
    assert found(tmp_path, left=left, right=right) == sets("left", "right")
    assert found(tmp_path, dish=dish, left=left, right=right) == sets("dish left right")


@pytest.mark.parametrize("box", [(0, 2, 128, 88), (0, 8, 128, 94), (4, 0, 120, 96), (8, 0, 124, 96)])
def test_a_copy_cut_between_two_windows_is_found(tmp_path, box):
    assert found(tmp_path, dish=detailed(5), cut=detailed(5).crop(box)) == sets("dish cut")


def test_photos_of_one_colour_are_no_copies_unless_their_files_are(tmp_path):
    plain = {name: Image.new("L", (64, 48), shade) for name, shade in (("a", 40), ("b", 200), ("c", 200))}
    assert found(tmp_path, **plain) == sets("a", "b c")


def test_a_thumbnail_is_the_whole_photo_made_small():
    for size in ((640, 480), (48, 700), (33, 20), (64, 64), (127, 300)):
        photo = smooth(6, size)
        expected = np.asarray(photo.resize((32, 32), Image.Resampling.BILINEAR), float)
        assert np.abs(hashes.thumbnail(photo) - expected).mean() < 4


def test_training_is_told_that_look_alikes_differ(tmp_path):
    root = tmp_path / "photos"
    for number in range(12):
        (root / "ab"[number % 2]).mkdir(parents=True, exist_ok=True)
        detailed(1, detail_seed=number).save(root / "ab"[number % 2] / f"{number:02}.png")
    photos = data.load(Data(path=root, splitter="stratified"), tmp_path / "cache")
    assert photos.items["group"].nunique() == len(photos.items) == 12
    kept = data.load(Data(path=root, splitter="stratified", duplicates="keep"), tmp_path / "cache")
    assert kept.items["group"].tolist() == list(range(12))


def test_a_blurred_copy_is_a_copy(tmp_path):
    dish = detailed(8, strength=45)
    soft = dish.filter(ImageFilter.GaussianBlur(0.6))
    assert found(tmp_path, dish=dish, soft=soft) == sets("dish soft")


def test_a_thumbnail_is_no_brighter_and_no_darker_than_its_photo():
    edges = np.where(np.arange(96) // 12 % 2, 200, 60).astype(np.uint8)
    found = hashes.thumbnail(Image.fromarray(np.tile(edges, (96, 1))))
    assert (found.min(), found.max()) == (60, 200)
