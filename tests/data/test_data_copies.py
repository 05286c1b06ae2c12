"""What counts as one picture: copies turned, tilted, cropped and framed do, other shots of a scene do not."""

from contextlib import closing

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageDraw, ImageOps

from kimchi_vision import data
from kimchi_vision.config.sections import Data
from kimchi_vision.data import duplicates
from kimchi_vision.data.alignment import _correlation, aligned, brightness, inverse, settled
from kimchi_vision.data.duplicates import _around_one, _without_scenes, candidates, groups
from kimchi_vision.data.hashes import thumbnail
from kimchi_vision.data.memory import Memory
from kimchi_vision.data.scan import scan


def dish(seed):
    """A drawn dish: plates, spots and grain of its own."""
    generator = np.random.default_rng(seed)
    coarse = Image.fromarray(generator.integers(30, 200, (6, 8), dtype=np.uint8))
    photo = coarse.resize((320, 240), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(photo)
    for _ in range(60):
        x, y, size = generator.integers(0, 320), generator.integers(0, 240), generator.integers(4, 30)
        draw.ellipse((x, y, x + size, y + size * 0.7), fill=int(generator.integers(0, 256)))
    return noisy(photo, 3, generator)


def noisy(photo, strength, generator):
    values = np.asarray(photo, float) + generator.normal(0, strength, photo.size[::-1])
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))


def part(seed, scratched):
    """A part on a bench, about where the last one lay; a scratch makes it a bad one."""
    generator = np.random.default_rng(seed)
    photo = Image.new("L", (512, 512), 90)
    draw = ImageDraw.Draw(photo)
    x, y = 256 + generator.uniform(-8, 8, 2)
    for radius, shade in ((160, 165), (56, 60)):
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=shade)
    if scratched:
        turn = generator.uniform(0, 2 * np.pi)
        left, top = x + 105 * np.cos(turn), y + 105 * np.sin(turn)
        draw.line((left, top, left + 30, top + 20), fill=235, width=4)
    return noisy(photo.resize((256, 256), Image.Resampling.BOX), 2, generator)


def digit(seed):
    """A written zero, 64 pixels wide, of a few large pixels."""
    generator = np.random.default_rng(seed)
    photo = Image.new("L", (8, 8))
    ImageDraw.Draw(photo).ellipse((1, 0, 6, 7), outline=180)
    values = np.asarray(photo, float) * generator.uniform(0.5, 1.4, (8, 8))
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8)).resize(
        (64, 64), Image.Resampling.BICUBIC
    )


def found(tmp_path, photos, **options):
    """The groups of photos, as sets of their names."""
    for name, photo in photos.items():
        photo.save(tmp_path / name, **options)
    listing = pd.DataFrame({"path": list(photos), "bytes": 0, "mtime_ns": 0})
    with closing(Memory(tmp_path, tmp_path)) as memory:
        numbers = groups(tmp_path, scan(tmp_path, listing, memory), memory)
    return {frozenset(rows) for _, rows in listing["path"].groupby(numbers)}


def cropped(photo, share, right, down):
    width, height = photo.size
    left, top = (1 - share) * right * width, (1 - share) * down * height
    return photo.crop(tuple(map(round, (left, top, left + share * width, top + share * height))))


CHANGES = {
    "quarter turn": lambda photo: photo.transpose(Image.Transpose.ROTATE_90),
    "half turn": lambda photo: photo.transpose(Image.Transpose.ROTATE_180),
    "turned back": lambda photo: photo.transpose(Image.Transpose.ROTATE_270),
    "mirrored": ImageOps.mirror,
    "tilted by 3": lambda photo: photo.rotate(3, Image.Resampling.BICUBIC),
    "tilted by -5": lambda photo: photo.rotate(-5, Image.Resampling.BICUBIC),
    "tilted, all kept": lambda photo: photo.rotate(5, Image.Resampling.BICUBIC, expand=True),
    "cropped to 85 %": lambda photo: cropped(photo, 0.85, 0, 1),
    "cropped to 75 %": lambda photo: cropped(photo, 0.75, 0.5, 0.5),
    "bordered": lambda photo: ImageOps.expand(photo, 24, "white"),
    "letterboxed": lambda photo: ImageOps.pad(photo, (320, 426)),
    "pillarboxed": lambda photo: ImageOps.pad(photo, (426, 240)),
    "on a screen": lambda photo: ImageOps.pad(photo, (320, 640), color="white"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_found(tmp_path, change):
    photos = {f"{seed}.jpg": dish(seed) for seed in range(4)}
    copies = {f"{seed}-copy.jpg": CHANGES[change](dish(seed)) for seed in range(4)}
    expected = {frozenset({f"{seed}.jpg", f"{seed}-copy.jpg"}) for seed in range(4)}
    assert found(tmp_path, photos | copies, quality=85) == expected


@pytest.mark.parametrize("quality", [95, 75])
def test_shots_of_parts_on_one_bench_are_pictures_of_their_own(tmp_path, quality):
    photos = {f"{seed}.jpg": part(seed, scratched=seed % 2) for seed in range(8)}
    assert len(found(tmp_path, photos, quality=quality)) == 8


def test_a_copy_among_parts_on_one_bench_is_found(tmp_path):
    photos = {f"{seed}.jpg": part(seed, scratched=seed % 2) for seed in range(6)}
    photos["copy.jpg"] = part(3, scratched=1).point(lambda value: value * 1.1)
    pairs = [each for each in found(tmp_path, photos, quality=90) if len(each) > 1]
    assert pairs == [frozenset({"3.jpg", "copy.jpg"})]


def test_a_scratch_alone_makes_another_picture(tmp_path):
    """Of two files that are the same but for it."""
    photo = dish(1)
    scratched = photo.copy()
    ImageDraw.Draw(scratched).line((150, 100, 165, 110), fill=255, width=3)
    assert len(found(tmp_path, {"whole.png": photo, "scratched.png": scratched})) == 2


def test_digits_are_pictures_of_their_own(tmp_path):
    assert len(found(tmp_path, {f"{seed}.png": digit(seed) for seed in range(20)})) == 20


def test_good_and_bad_parts_are_all_trained_on(tmp_path):
    for seed in range(10):
        folder = tmp_path / "photos" / ("bad" if seed % 2 else "good")
        folder.mkdir(parents=True, exist_ok=True)
        part(seed, scratched=seed % 2).save(folder / f"{seed}.jpg", quality=90)
    photos = data.load(Data(path=tmp_path / "photos", splitter="stratified"), tmp_path / "cache")
    assert photos.items["label"].value_counts().to_dict() == {"bad": 5, "good": 5}
    assert len(photos.skipped) == 0


def test_links_are_no_chain():
    chain = np.array([(0, 1), (1, 2), (2, 3), (3, 4)])
    assert _around_one(6, chain) == [1, 1, 1, 3, 3, 5]


def test_a_scene_that_most_photos_show_is_no_picture():
    links = np.array([(0, other) for other in range(1, 30)])
    assert len(_without_scenes(100, links)) == 0
    assert len(_without_scenes(200, links)) == len(links)
    assert len(_without_scenes(20, links[:10])) == 10


def test_a_photo_is_laid_over_its_part_to_a_tenth_of_a_pixel():
    photo = dish(2)
    inside = photo.crop((40, 20, 300, 215)).point(lambda value: value * 0.8 + 20)
    values, other = (np.asarray(each, np.float32) for each in (photo, inside))
    found = aligned(values, other, np.array([[0.8, 0, 0.1], [0, 0.8, 0.1]]))
    true = np.array([[195 / 240, 0, 20 / 240], [0, 260 / 320, 40 / 320]])
    assert np.abs(found - true).max() < 0.1 / 128
    assert inverse(inverse(true)) == pytest.approx(true)
    assert aligned(values, np.asarray(dish(3), np.float32), np.array([[1, 0, 0], [0, 1, 0]])) is None


def test_thumbnails_are_laid_over_their_parts_many_at_once():
    photos = [dish(seed) for seed in range(5)]
    parts = [photo.crop((40, 20, 300, 215)) for photo in photos]
    first, second = (np.stack([thumbnail(each) for each in side]) for side in (photos, parts))
    near = np.array([[0.8, 0, 0.1], [0, 0.8, 0.1]])
    true = np.array([[195 / 240, 0, 20 / 240], [0, 260 / 320, 40 / 320]])
    places, alike = settled(first, second, np.broadcast_to(near, (5, 2, 3)))
    assert np.abs(places - true).max() < 0.2 / 32
    assert alike.min() > 0.95
    assert settled(first, second[::-1], np.broadcast_to(near, (5, 2, 3)))[1][[0, 1, 3, 4]].max() < 0.8


def test_of_a_folder_of_look_alikes_only_the_most_alike_are_opened(monkeypatch, caplog):
    photos = [thumbnail(digit(seed)) for seed in range(30)]
    pixels = np.stack([*photos, photos[4]])
    assert len(candidates(pixels)[0]) > 3
    several = np.stack([photos[4]] * 20)
    with monkeypatch.context() as fewer:
        fewer.setattr(duplicates, "NEAREST", 3)
        assert np.bincount(duplicates._similar(several)[:, 0]).max() <= 3
    monkeypatch.setattr(duplicates, "MOST", 1)
    monkeypatch.setattr(duplicates, "MOST_SHARE", 0.0)
    assert candidates(pixels)[0].tolist() in ([[4, 30]], [[30, 4]])
    assert "too many to open: the 1 most alike are looked at" in caplog.text


def test_a_brightness_is_found_in_one_round():
    shown = np.random.default_rng(0).uniform(0, 255, 500)
    assert brightness(shown, 2 * shown + 3, rounds=1) == pytest.approx((2, 3))


def test_photos_that_share_less_than_a_fifth_look_unlike():
    shown = np.arange(100.0).reshape(1, 100)
    few, enough = (np.arange(100)[None] < count for count in (19, 20))
    found = [_correlation(shown, 2 * shown + 1, inside.astype(float))[0] for inside in (few, enough)]
    assert found == pytest.approx([-1, 1], abs=1e-3)
