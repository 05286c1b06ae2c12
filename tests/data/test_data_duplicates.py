import io
import random
from contextlib import closing

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageEnhance, ImageOps

from kimchi_vision.data.duplicates import groups
from kimchi_vision.data.hashes import RADIUS, HashIndex, _about_median, _signs, photo_hashes, spectra
from kimchi_vision.data.memory import Memory
from kimchi_vision.data.photo import open_photo
from kimchi_vision.data.scan import scan
from kimchi_vision.data.windows import CROPS


def test_hashes_are_imagehash_phash():
    imagehash = pytest.importorskip("imagehash")
    thumbnails = np.random.default_rng(0).integers(0, 256, (20, 32, 32), dtype=np.uint8)
    hashes = _signs(_about_median(spectra(thumbnails)))
    for number, pixels in ((0, thumbnails), (len(CROPS), thumbnails[:, :, ::-1])):
        expected = [int(str(imagehash.phash(Image.fromarray(each))), 16) for each in pixels]
        assert hashes[:, number].tolist() == expected
    assert photo_hashes(thumbnails).tolist() == hashes[:, 0].tolist()


def each_bit(queries):
    """Every bit of a band is doubted alone."""
    return np.broadcast_to(np.uint64(1) << np.arange(16, dtype=np.uint64), (queries, 4, 16))


def test_the_index_finds_what_comparing_all_pairs_finds():
    generator = np.random.default_rng(1)
    hashes = generator.integers(0, 2**63, 300, dtype=np.uint64)
    flips = [
        sum(1 << int(bit) for bit in generator.choice(64, count % 12, replace=False)) for count in range(300)
    ]
    queries = hashes ^ np.array(flips, dtype=np.uint64)
    found = set(zip(*map(np.ndarray.tolist, HashIndex(hashes).near(queries, each_bit(300))), strict=True))
    distances = np.bitwise_count(queries[:, None] ^ hashes[None])
    assert set(zip(*map(np.ndarray.tolist, np.nonzero(distances <= 7)), strict=True)) <= found
    assert all(distances[pair] <= RADIUS for pair in found)


def cropped(photo):
    width, height = photo.size
    return photo.crop((0, round(0.04 * height), round(0.92 * width), height))


def recompressed(photo):
    file = io.BytesIO()
    photo.save(file, "JPEG", quality=35)
    return Image.open(file)


CHANGES = {
    "resized": lambda photo: photo.resize((200, 150)),
    "recompressed": recompressed,
    "brightened": lambda photo: ImageEnhance.Brightness(photo).enhance(1.25),
    "cropped": cropped,
    "mirrored": ImageOps.mirror,
}


def test_changed_copies_are_found_and_nothing_else(food10, tmp_path):
    files = random.Random(0).sample(sorted(food10.rglob("*.jpg")), 30)
    for number, file in enumerate(files):
        photo = open_photo(file)
        photo.save(tmp_path / f"{number}.jpg", quality=92)
        change = CHANGES[list(CHANGES)[number % len(CHANGES)]]
        change(photo).convert("RGB").save(tmp_path / f"{number}-copy.jpg", quality=85)
    names = sorted(path.name for path in tmp_path.iterdir())
    listing = pd.DataFrame({"path": names, "bytes": 0, "mtime_ns": 0})
    with closing(Memory(tmp_path, tmp_path)) as memory:
        photos = scan(tmp_path, listing, memory)
        found = groups(tmp_path, photos, memory)
    truth = photos["path"].str.extract(r"^(\d+)")[0]
    assert pd.crosstab(found, truth).gt(0).sum(axis=1).eq(1).all()
    assert found.nunique() == len(files)
