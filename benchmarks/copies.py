"""Which changed copies are found, and what is taken for one: python benchmarks/copies.py [--count 100]

Prints, for each kind of change, the share of copies of so many photos that are grouped with their photo, and
how many groups hold different photos; then the pairs found among all photos of the folder, and among shots of
one scene: the folders of ../shared/cases, whose photos are all different.

With --search 10000 20000 40000: what the search among so many drawn thumbnails costs, and its exponent.
"""

from __future__ import annotations

import argparse
import io
import resource
import tempfile
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from kimchi_vision.data import layout
from kimchi_vision.data.duplicates import candidates, groups
from kimchi_vision.data.memory import Memory
from kimchi_vision.data.photo import open_photo
from kimchi_vision.data.scan import scan
from kimchi_vision.data.windows import SIDE, sampled

BICUBIC = Image.Resampling.BICUBIC


def saved(photo, quality):
    """The photo after JPEG of this quality."""
    file = io.BytesIO()
    photo.save(file, "JPEG", quality=quality)
    return Image.open(file)


def cropped(photo, share, right, down):
    """A part of both sides' share."""
    width, height = photo.size
    left, top = (1 - share) * right * width, (1 - share) * down * height
    return photo.crop(tuple(map(round, (left, top, left + share * width, top + share * height))))


def tilted_inside(photo, degrees):
    """Turned, and cut so that no corner shows."""
    width, height = photo.size
    slope = np.tan(np.deg2rad(abs(degrees))) / 2
    turned = photo.rotate(degrees, BICUBIC)
    left, top = round(slope * height), round(slope * width)
    return turned.crop((left, top, width - left, height - top))


def screenshot(photo):
    """On a phone's screen, with a clock above and buttons below."""
    screen = Image.new("RGB", (540, 1170), (18, 18, 18))
    small = photo.resize((540, round(photo.height * 540 / photo.width)))
    screen.paste(small, (0, (1170 - small.height) // 2))
    draw = ImageDraw.Draw(screen)
    draw.text((20, 10), "12:04", fill="white")
    draw.rectangle((470, 12, 510, 26), fill="white")
    for left in range(60, 540, 130):
        draw.ellipse((left, 1110, left + 30, 1140), outline="white")
    return screen


CHANGES = {
    "saved at quality 35": lambda photo: saved(photo, 35),
    "saved at quality 15": lambda photo: saved(photo, 15),
    "resized to 200 x 150": lambda photo: photo.resize((200, 150)),
    "brightness x 1.25": lambda photo: ImageEnhance.Brightness(photo).enhance(1.25),
    "contrast x 1.3": lambda photo: ImageEnhance.Contrast(photo).enhance(1.3),
    "mirrored": ImageOps.mirror,
    "turned by 90": lambda photo: photo.transpose(Image.Transpose.ROTATE_90),
    "turned by 180": lambda photo: photo.transpose(Image.Transpose.ROTATE_180),
    "turned by 270": lambda photo: photo.transpose(Image.Transpose.ROTATE_270),
    "tilted by 3": lambda photo: photo.rotate(3, BICUBIC),
    "tilted by 5": lambda photo: photo.rotate(5, BICUBIC),
    "tilted by -5, all kept": lambda photo: photo.rotate(-5, BICUBIC, expand=True),
    "tilted by 3, cut inside": lambda photo: tilted_inside(photo, 3),
    "tilted by -5, cut inside": lambda photo: tilted_inside(photo, -5),
    "85 % of the sides, corner": lambda photo: cropped(photo, 0.85, 0, 0),
    "80 % of the sides, middle": lambda photo: cropped(photo, 0.8, 0.5, 0.5),
    "75 % of the sides, middle": lambda photo: cropped(photo, 0.75, 0.5, 0.5),
    "75 % of the sides, anywhere": lambda photo: cropped(photo, 0.75, 0.3, 0.8),
    "border of 10 %, white": lambda photo: ImageOps.expand(photo, round(0.1 * min(photo.size)), "white"),
    "border of 10 %, black": lambda photo: ImageOps.expand(photo, round(0.1 * min(photo.size)), "black"),
    "letterboxed to 9 : 16": lambda photo: ImageOps.pad(photo, (photo.width, round(photo.width * 16 / 9))),
    "pillarboxed to 16 : 9": lambda photo: ImageOps.pad(photo, (round(photo.height * 16 / 9), photo.height)),
    "screenshot": screenshot,
}


def grouped(root, listing, cache):
    """A table of the photos with column group, and the seconds of processor time that grouping took."""
    with closing(Memory(root, cache)) as memory:
        photos = scan(root, listing, memory)
        start = time.process_time()
        photos["group"] = groups(root, photos, memory)
    return photos, time.process_time() - start


def changed(originals, change, place):
    """Share of copies found, and groups of different photos."""
    for number, photo in enumerate(originals):
        photo.save(place / f"{number:03}.jpg", quality=92)
        CHANGES[change](photo).convert("RGB").save(place / f"{number:03}-copy.jpg", quality=85)
    names = sorted(path.name for path in place.glob("*.jpg"))
    photos, took = grouped(place, pd.DataFrame({"path": names, "bytes": 0, "mtime_ns": 0}), place)
    truth = photos["path"].str[:3]
    found = photos["group"].groupby(truth).nunique() == 1
    mixed = truth.groupby(photos["group"]).nunique() > 1
    print(f"| {change} | {found.mean():.0%} | {mixed.sum()} | {took:.0f} s |", flush=True)


def different(root):
    """Photos of a folder that are taken for copies; none should be."""
    with tempfile.TemporaryDirectory() as cache:
        photos, took = grouped(root, layout.read(root).photos, Path(cache))
    sizes = photos["group"].value_counts()
    pairs = int((sizes * (sizes - 1) // 2).sum())
    in_groups = int(sizes[sizes > 1].sum())
    print(f"{root}: {len(photos)} photos, {pairs} pairs, {in_groups} photos in groups, {took:.0f} s")


def drawn(count, planted=0.02):
    """Thumbnails with the spectrum of photos, of which a share is another one, cropped and brighter."""
    generator = np.random.default_rng(0)
    down, right = np.meshgrid(np.fft.fftfreq(SIDE), np.fft.fftfreq(SIDE), indexing="ij")
    spectrum = 1 / np.maximum(np.hypot(down, right), 1 / SIDE) ** 1.2
    spectrum[0, 0] = 0
    pixels = np.empty((count, SIDE, SIDE), np.uint8)
    for start in range(0, count, 1000):
        noise = generator.normal(size=pixels[start : start + 1000].shape)
        waves = np.fft.ifft2(np.fft.fft2(noise) * spectrum).real
        waves *= 50 / waves.std(axis=(1, 2), keepdims=True)
        pixels[start : start + 1000] = np.clip(128 + waves, 0, 255)
    copies = int(planted * count)
    inner = np.broadcast_to([[0.85, 0, 0.05], [0, 0.85, 0.1]], (copies, 2, 3))
    pixels[-copies:] = np.clip(1.1 * sampled(pixels[:copies], inner), 0, 255)
    return pixels, copies


def search(counts):
    """Processor time and peak memory of the search for pairs that are opened, and its exponent."""
    spent = []
    for count in counts:
        pixels, copies = drawn(count)
        start = time.process_time()
        pairs = {frozenset(pair) for pair in candidates(pixels)[0].tolist()}
        spent.append(time.process_time() - start)
        found = sum(frozenset((each, count - copies + each)) in pairs for each in range(copies))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"{count} thumbnails: {spent[-1]:.1f} s, peak {peak:.0f} MiB, {found} of {copies} planted copies "
            f"among {len(pairs)} pairs to open",
            flush=True,
        )
    exponent = np.polyfit(np.log(counts), np.log(spent), 1)[0]
    print(f"time grows with the number of photos to the power of {exponent:.2f}")


def main():
    """Run all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--photos", type=Path, default=Path("../shared/food10"))
    parser.add_argument("--cases", type=Path, default=Path("../shared/cases"))
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--search", type=int, nargs="+", default=())
    options = parser.parse_args()
    if options.search:
        search(options.search)
        return
    files = sorted(options.photos.rglob("*.jpg"))
    picked = np.random.default_rng(0).choice(len(files), options.count, replace=False)
    originals = [open_photo(files[number]) for number in picked]
    print("| change | found | groups of different photos | time |\n|---|---|---|---|")
    for change in CHANGES:
        with tempfile.TemporaryDirectory() as place:
            changed(originals, change, Path(place))
    for root in (
        options.photos,
        options.cases / "digits_duplicates/data",
        options.cases / "bench_photos_conflict/data",
    ):
        if root.is_dir():
            different(root)


if __name__ == "__main__":
    main()
