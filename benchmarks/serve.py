"""A server under load and under bad uploads.

python -m benchmarks.serve RUN PHOTOS [SECONDS] [MUTATED]: the bare Predictor in one thread; 16 clients for
some seconds, and for as many beside hostile ones, by turns; memory while 16 photos of 64 megapixels are
answered; then mutated uploads of every kind of picture: statuses, and memory before and after. Exit code 1
where an honest client met an error, or 99 of 100 waited more than twice as long beside hostile ones.
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
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

from kimchi_vision.data.photo import open_photo
from kimchi_vision.deploy.predictor import Predictor

CLIENTS = 16
TURNS = 6
"""Of quiet and of hostile traffic."""
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


@dataclass
class Seen:
    """What clients saw: seconds that each answer took, and statuses."""

    name: str
    seconds: float = 0.0
    waits: list[float] = field(default_factory=list)
    statuses: collections.Counter[int] = field(default_factory=collections.Counter)

    def after(self, share: float) -> float:
        """Milliseconds within which this share of the answers, in percent, came."""
        return 1000 * float(np.percentile(self.waits, share))

    def __str__(self) -> str:
        rate = f"{len(self.waits) / self.seconds:.1f} photos/s"
        waits = f"p50 {self.after(50):.0f} ms, p99 {self.after(99):.0f} ms"
        return f"{self.name}: {rate}, {waits}, statuses {dict(self.statuses)}"


def ask(address: str, contents: list[bytes], seconds: float, seen: Seen) -> None:
    """Clients that each wait for an answer before they ask again."""
    started = time.perf_counter()

    def client(number: int) -> None:
        draw = random.Random(number)
        with httpx.Client(timeout=60) as session:
            while (asked := time.perf_counter()) < started + seconds:
                reply = session.post(f"{address}/predict", files={"photos": draw.choice(contents)})
                seen.waits.append(time.perf_counter() - asked)
                seen.statuses[reply.status_code] += 1

    _all_at_once([functools.partial(client, number) for number in range(CLIENTS)])
    seen.seconds += time.perf_counter() - started


def load(server: int, address: str, contents: list[bytes], seconds: float) -> bool:
    """Whether honest clients are served as well as may be beside hostile ones; by turns, so that what else
    this machine does falls on both.
    """
    quiet, beside = Seen("quiet"), Seen("beside hostile clients")
    with watched(server) as memory:
        for _ in range(TURNS):
            ask(address, contents, seconds / TURNS, quiet)
            with hostile(address):
                ask(address, contents, seconds / TURNS, beside)
    ratio = beside.after(99) / quiet.after(99)
    print(f"{quiet}\n{beside}\np99 {ratio:.2f} times the quiet one, memory {memory}")
    return ratio <= 2 and {*quiet.statuses, *beside.statuses} == {200}


def _all_at_once(works: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@contextlib.contextmanager
def hostile(address: str) -> Iterator[None]:
    """Beside the block: 300 requests that never end, large pictures in a row, and what is refused."""
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
        headers = ({}, {}, {}, {"Host": "evil.example"}, {"Origin": "http://evil.example"}, {})
        contents = (large_png(), draw.randbytes(10_000), large_png()[:5000], b"", b"", bytes(25_000_000))
        with httpx.Client(timeout=60) as session:
            while not ended.is_set():
                for header, content in zip(headers, contents, strict=True):
                    with contextlib.suppress(httpx.TransportError):  # a server may hang up on such a client
                        session.post(f"{address}/predict", files={"photos": content}, headers=header)

    attacks = threading.Thread(target=_all_at_once, args=([halves, uploads],))
    attacks.start()
    try:
        yield
    finally:
        ended.set()
        attacks.join()


@dataclass
class Memory:
    """Resident megabytes of a process: at first, and at most."""

    first: float
    most: float

    def __str__(self) -> str:
        return f"{self.first:.0f} MB at first, {self.most:.0f} at most"


@contextlib.contextmanager
def watched(server: int) -> Iterator[Memory]:
    """The memory of a process while the block runs."""
    memory, done = Memory(_resident(server), 0.0), threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            memory.most = max(memory.most, _resident(server))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield memory
    finally:
        done.set()
        watcher.join()


def large(server: int, address: str) -> None:
    """One request of 16 photos of 64 megapixels: memory before, at most, and a few seconds later."""
    with watched(server) as memory:
        reply = httpx.post(f"{address}/predict", files=[("photos", large_png())] * 16, timeout=300)
    time.sleep(3)
    print(f"large: {reply.status_code}, memory {memory}, {_resident(server):.0f} afterwards")


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


def main(run: Path, photos: Path, seconds: float = 60, count: int = 5000) -> bool:
    """Print figures; whether honest clients are served as well as may be."""
    contents = [file.read_bytes() for file in sorted(photos.rglob("*.jpg"))[:64]]
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    bare(run, contents, min(seconds, 10))
    with serving(run) as (server, address):
        served = load(server, address, contents, seconds)
        large(server, address)
    seeds = uploads([open_photo(content) for content in contents[:3]])
    # Without it glibc keeps freed photos, up to hundreds of megabytes of them, and a leak would not be seen.
    with serving(run, MALLOC_MMAP_THRESHOLD_="65536") as (server, address):
        fuzz(server, address, seeds, count)
    return served


if __name__ == "__main__":
    sys.exit(not main(Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:5])))
