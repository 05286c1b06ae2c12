"""A server under load and under bad uploads.

python benchmarks/serve.py RUN PHOTOS [SECONDS] [MUTATED]: concurrent clients for some seconds beside the bare
Predictor in one thread; the same beside hostile ones; memory while 16 photos of 64 megapixels are answered;
then mutated uploads of every kind of picture: statuses, and memory before and after.
"""

from __future__ import annotations

import collections
import contextlib
import functools
import io
import os
import random
import socket
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

from kimchi_vision.data.photo import open_photo
from kimchi_vision.deploy.predictor import Predictor

CLIENTS = 16
ON_ITS_SIDE = Image.Exif()
ON_ITS_SIDE[0x0112] = 6
ANIMATED = {"save_all": True}
MAKES = [
    ("RGB", "JPEG", {}),
    ("RGB", "JPEG", {"progressive": True}),
    ("RGB", "JPEG", {"exif": ON_ITS_SIDE}),
    ("L", "JPEG", {}),
    ("CMYK", "JPEG", {}),
    ("RGB", "MPO", ANIMATED),
    ("RGB", "PNG", {}),
    ("RGBA", "PNG", {}),
    ("P", "PNG", {"transparency": 0}),
    ("I;16", "PNG", {}),
    ("1", "PNG", {}),
    ("RGB", "PNG", ANIMATED),
    ("RGB", "WEBP", {}),
    ("RGBA", "WEBP", {"lossless": True}),
    ("RGB", "WEBP", ANIMATED),
    ("P", "GIF", {"transparency": 0}),
    ("RGB", "GIF", ANIMATED),
    ("RGB", "BMP", {}),
    ("1", "BMP", {}),
    ("RGB", "TIFF", {}),
    ("RGB", "TIFF", {"compression": "tiff_lzw"}),
    ("RGBA", "TIFF", {"compression": "tiff_adobe_deflate"}),
    ("RGB", "TIFF", {"compression": "jpeg"}),
    ("CMYK", "TIFF", {"compression": "packbits"}),
    ("I;16", "TIFF", {"compression": "tiff_lzw"}),
    ("1", "TIFF", {"compression": "group4"}),
    ("RGB", "AVIF", {}),
    ("RGBA", "AVIF", ANIMATED),
]
"""Colours, kind and options of the files that one photo becomes."""


@functools.cache
def large_png() -> bytes:
    """64 megapixels in some kilobytes."""
    file = io.BytesIO()
    Image.new("1", (8000, 8000)).save(file, "PNG")
    return file.getvalue()


@contextlib.contextmanager
def serving(run: Path, **environment: str) -> Iterator[tuple[int, str]]:
    """A server in a process of its own: its number and its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "kimchi_vision", "serve", str(run), "--port", str(port)]
    server = subprocess.Popen([*command, "--per-minute", "1000000"], env={**os.environ, **environment})
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(address)
        yield server.pid, address
    finally:
        server.terminate()
        server.wait()


def _wait(address: str) -> None:
    for _ in range(240):
        try:
            httpx.get(f"{address}/health")
            return
        except httpx.TransportError:
            time.sleep(0.25)
    raise SystemExit("The server does not answer.")


def load(address: str, contents: list[bytes], seconds: float, beside: str = "") -> None:
    """Clients that each wait for an answer before they ask again. beside: who else asks, in words."""
    waits, statuses, end = [], collections.Counter(), time.perf_counter() + seconds

    def client(number: int) -> None:
        draw = random.Random(number)
        with httpx.Client(timeout=60) as session:
            while time.perf_counter() < end:
                started = time.perf_counter()
                reply = session.post(f"{address}/predict", files={"photos": draw.choice(contents)})
                waits.append(time.perf_counter() - started)
                statuses[reply.status_code] += 1

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    p50, p99 = (1000 * np.percentile(waits, q) for q in (50, 99))
    print(
        f"served{beside}: {len(waits) / seconds:.1f} photos/s, p50 {p50:.0f} ms, p99 {p99:.0f} ms, "
        f"{dict(statuses)}"
    )


@contextlib.contextmanager
def hostile(address: str) -> Iterator[None]:
    """Beside the block: 300 requests that never end, large pictures one after the other, and broken ones."""
    host, port = address.removeprefix("http://").split(":")
    ended, draw = threading.Event(), random.Random(0)
    half = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"

    def halves() -> None:
        while not ended.is_set():
            with contextlib.ExitStack() as open_ones:
                for _ in range(300):
                    opened = open_ones.enter_context(socket.create_connection((host, int(port))))
                    opened.sendall(half)
                ended.wait(5)

    def uploads() -> None:
        with httpx.Client(timeout=60) as session:
            while not ended.is_set():
                for content in (large_png(), draw.randbytes(10_000), large_png()[:5000]):
                    session.post(f"{address}/predict", files={"photos": content})

    threads = [threading.Thread(target=attack) for attack in (halves, uploads)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def large(server: int, address: str) -> None:
    """One request of 16 photos of 64 megapixels: memory before, at most, and a few seconds later."""
    before, most, done = _resident(server), 0.0, threading.Event()

    def watch() -> None:
        nonlocal most
        while not done.wait(0.02):
            most = max(most, _resident(server))

    watcher = threading.Thread(target=watch)
    watcher.start()
    reply = httpx.post(f"{address}/predict", files=[("photos", large_png())] * 16, timeout=300)
    done.set()
    watcher.join()
    time.sleep(3)
    after = _resident(server)
    print(f"large: {reply.status_code}, memory {before:.0f} -> {most:.0f} -> {after:.0f} MB")


def bare(run: Path, contents: list[bytes], seconds: float) -> None:
    """Decoding and the network, one photo after the other."""
    predictor, count, end = Predictor(run), 0, time.perf_counter() + seconds
    predictor.predict(contents[:1])
    started = time.perf_counter()
    while time.perf_counter() < end:
        predictor.classify([predictor.prepare(contents[count % len(contents)])])
        count += 1
    print(f"bare:   {count / (time.perf_counter() - started):.1f} photos/s")


def uploads(photos: list[Image.Image]) -> list[bytes]:
    """Each photo as files of every kind and of many makes, and the first as a JPEG of 12 megapixels."""
    large = _saved(photos[0].resize((4000, 3000)), "JPEG")
    return [*(content for photo in photos for content in _kinds(photo)), large]


def _kinds(photo: Image.Image) -> list[bytes]:
    grey, clear = photo.convert("L"), photo.copy()
    clear.putalpha(grey)
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    colours = {"RGB": photo, "RGBA": clear, "L": grey, "I;16": deep, "P": photo.quantize(16)}
    colours |= {mode: photo.convert(mode) for mode in ("1", "CMYK")}
    makes = [make for make in MAKES if make[1] in Image.SAVE]  # an older Pillow writes no AVIF
    return [*(_saved(colours[mode], kind, **options) for mode, kind, options in makes), _interlaced(photo)]


def _saved(image: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    if options.get("save_all"):
        options["append_images"] = [image.transpose(Image.Transpose.ROTATE_180)]
    image.save(file, kind, **options)
    return file.getvalue()


def _interlaced(photo: Image.Image) -> bytes:
    """An interlaced PNG, which Pillow reads and does not write. Source: PNG specification, Adam7."""
    steps = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    pixels = np.asarray(photo)
    rows = [row for top, left, down, right in steps for row in pixels[top::down, left::right] if row.size]
    head = struct.pack(">IIBBBBB", *photo.size, 8, 2, 0, 0, 1)
    data = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    parts = [b"IHDR" + head, b"IDAT" + data, b"IEND"]
    chunks = [struct.pack(">I", len(part) - 4) + part + struct.pack(">I", zlib.crc32(part)) for part in parts]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def mutated(content: bytes, draw: random.Random) -> bytes:
    """Bytes flipped, cut out, doubled or made up."""
    changed = bytearray(content)
    for _ in range(draw.randint(1, 20)):
        place = (
            draw.randrange(len(changed)) if draw.random() < 0.5 else draw.randrange(min(200, len(changed)))
        )
        changed[place] = draw.randrange(256)
    kind = draw.randrange(4)
    if kind == 0:
        return bytes(changed[: draw.randrange(len(changed))])
    if kind == 1:
        return bytes(changed) * 2
    return draw.randbytes(draw.randrange(5000)) if kind == 2 and draw.random() < 0.3 else bytes(changed)


def fuzz(server: int, address: str, contents: list[bytes], count: int) -> None:
    """Send photos, whole ones and then mutated ones; print statuses and resident memory.

    Memory is the least that was seen in the first and in the last quarter. server: number of its process.
    """
    draw, statuses, memory = random.Random(0), collections.Counter(), []
    with httpx.Client(timeout=60) as session:
        for content in contents:  # loads every decoder
            session.post(f"{address}/predict", files={"photos": content}).raise_for_status()
        for _ in range(count):
            content = mutated(draw.choice(contents), draw)
            statuses[session.post(f"{address}/predict", files={"photos": content}).status_code] += 1
            memory.append(_resident(server))
    before, after = min(memory[: count // 4]), min(memory[-count // 4 :])
    print(f"fuzz: {count} uploads, {dict(statuses)}, memory {before:.0f} -> {after:.0f} MB")


def _resident(process: int) -> float:
    lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith("VmRSS"))


def main(run: Path, photos: Path, seconds: float = 60, count: int = 2000) -> None:
    """Print figures."""
    contents = [file.read_bytes() for file in sorted(photos.rglob("*.jpg"))[:64]]
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    bare(run, contents, min(seconds, 10))
    with serving(run) as (server, address):
        load(address, contents, seconds)
        with hostile(address):
            load(address, contents, seconds, " beside hostile clients")
        large(server, address)
    seeds = uploads([open_photo(content) for content in contents[:3]])
    # Without it glibc keeps freed photos, up to hundreds of megabytes of them, and a leak would not be seen.
    with serving(run, MALLOC_MMAP_THRESHOLD_="65536") as (server, address):
        fuzz(server, address, seeds, count)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:5]))
