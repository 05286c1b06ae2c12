"""What looking through photos costs, and what it finds: python benchmarks/data.py [--photos ../shared/food10]

Prints, on this machine: the first scan against only decoding and hashing, the cached scan against a walk with
stat, peak memory at 1,000 and 10,000 photos, recall of planted copies in drawn photos, false groups among
real ones, and an import that was killed half-way. benchmarks/copies.py has more on copies.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from kimchi_vision.config.sections import Sample
from kimchi_vision.data import layout
from kimchi_vision.data.audit import audit
from kimchi_vision.data.duplicates import groups
from kimchi_vision.data.importing import import_photos
from kimchi_vision.data.memory import Memory
from kimchi_vision.data.sample import draw
from kimchi_vision.data.scan import scan

CORES = len(os.sched_getaffinity(0))


def seconds(work):
    """How long a call takes, and what it returns."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def processor_seconds(work):
    """Processor time of a call, all threads: on a busy machine the fairer measure."""
    start = time.process_time()
    work()
    return time.process_time() - start


def noisy(root, count, size=(640, 480)):
    """Class folders with photos that differ; 0.3 megapixel unless said otherwise."""
    generator = np.random.default_rng(0)
    for number in range(count):
        file = root / f"class{number % 10}" / f"{number:06}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        coarse = Image.fromarray(generator.integers(0, 256, (30, 40, 3), dtype=np.uint8))
        coarse.resize(size, Image.Resampling.BICUBIC).save(file, quality=85)


def decode_and_hash(file):
    """The least that any check of a photo does."""
    content = file.read_bytes()
    hashlib.sha256(content).digest()
    Image.open(io.BytesIO(content)).load()


def bare_walk(root):
    """The least that any look at a folder does."""
    return [os.stat(os.path.join(at, name)) for at, _, names in os.walk(root) for name in names]


def look(root, cache):
    """List and scan."""
    listing = layout.read(root)
    with closing(Memory(root, cache)) as memory:
        return scan(root, listing.photos, memory)


def peak(count, place):
    """Peak memory of a fresh process that scans so many photos, MiB."""
    noisy(place / str(count), count, (320, 240))
    work = "import sys; sys.path.insert(0, 'benchmarks'); import data; from pathlib import Path\n"
    work += f"data.look(Path({str(place / str(count))!r}), Path({str(place / 'peak')!r}))\n"
    # Not ru_maxrss: a child starts with its parent's.
    work += "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    shown = subprocess.run([sys.executable, "-c", work], capture_output=True, text=True, check=True)
    return int(shown.stdout) / 1024


def scans(place, count):
    """First and second scan."""
    root = place / "scans"
    noisy(root, count)
    files = sorted(root.rglob("*.jpg"))
    with ThreadPoolExecutor(CORES) as pool:
        bare, _ = seconds(lambda: list(pool.map(decode_and_hash, files)))
        bare_work = processor_seconds(lambda: list(pool.map(decode_and_hash, files)))
    first, _ = seconds(lambda: look(root, place / "cache"))
    work = processor_seconds(lambda: look(root, place / "another"))
    walks = [seconds(lambda: bare_walk(root))[0] for _ in range(5)]
    seconds_again = [seconds(lambda: look(root, place / "cache"))[0] for _ in range(5)]
    print(f"first scan of {count}: {first:.1f} s, {first / bare:.2f} x decoding and hashing ({bare:.1f} s)")
    print(f"    in processor time {work / bare_work:.2f} x")
    again, walk = min(seconds_again), min(walks)
    print(f"cached scan: {again * 1000:.0f} ms, {again / walk:.1f} x a walk with stat ({walk * 1000:.0f} ms)")


def copies(place):
    """Recall of planted copies by kind."""
    root = draw(Sample(per_class=40, duplicates=0.3, seed=1), place / "sample")
    truth = pd.read_csv(root / "truth.csv")
    listing = layout.read(root)
    with closing(Memory(root, place / "cache")) as memory:
        photos = scan(root, listing.photos, memory)
        group = dict(zip(photos["path"], groups(root, photos, memory), strict=True))
    planted = truth[truth["planted"] == "duplicate"]
    hit = planted["path"].map(group) == planted["source"].map(group)
    for change, hits in hit.groupby(planted["change"]):
        print(f"copies {change}: {hits.sum()} of {len(hits)} found")
    mixed = truth.assign(found=truth["path"].map(group)).groupby("found")["group"].nunique()
    print(f"drawn photos: {(mixed > 1).sum()} groups of different pictures among {len(truth)} photos")


def real(place, root):
    """Groups among photos that are taken to be different."""
    photos = audit(root, place / "cache").photos
    grouped = photos[photos.duplicated("group", keep=False)]
    print(f"{root}: {len(grouped)} of {len(photos)} photos in groups {grouped['path'].tolist()[:10]}")


def import_killed(place, count):
    """A synthetic kfood-shaped archive, imported in one go and killed half-way."""
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        for number in range(count):
            file = io.BytesIO()
            shade = (number % 256, number // 256 % 256, 90)
            Image.new("RGB", (32, 24), shade).save(file, "JPEG")
            archive.writestr(f"김치/class{number % 11}/Img_{number:06}.jpg", file.getvalue())
    with zipfile.ZipFile(place / "kfood.zip", "w") as archive:
        archive.writestr("김치.zip", inner.getvalue())
    took, _ = seconds(lambda: import_photos(place / "kfood.zip", place / "whole"))
    work = "from kimchi_vision.data.importing import import_photos; from pathlib import Path\n"
    work += f"import_photos(Path({str(place / 'kfood.zip')!r}), Path({str(place / 'twice')!r}))"
    process = subprocess.Popen([sys.executable, "-c", work])
    while sum(1 for _ in (place / "twice").rglob("*.jpg")) < count / 2 and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    half = sum(1 for _ in (place / "twice").rglob("*.jpg"))
    import_photos(place / "kfood.zip", place / "twice")
    whole, twice = (
        {path.relative_to(at): path.read_bytes() for path in at.rglob("*") if path.is_file()}
        for at in (place / "whole", place / "twice")
    )
    print(f"import of {count}: {took:.1f} s; killed at {half}, imported again: equal {whole == twice}")


def main():
    """Run all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--photos", type=Path, default=Path("../shared/food10"))
    parser.add_argument("--count", type=int, default=10_000)
    options = parser.parse_args()
    place = Path(tempfile.mkdtemp())
    try:
        scans(place, options.count)
        few, many = peak(1_000, place), peak(10_000, place)
        print(f"peak memory: {few:.0f} MiB at 1,000 photos, {many:.0f} MiB at 10,000")
        import_killed(place, 20_000)
        if options.photos.is_dir():
            real(place, options.photos)
        copies(place)
    finally:
        shutil.rmtree(place)


if __name__ == "__main__":
    main()
