"""A server under load and under bad uploads.

python benchmarks/serve.py RUN PHOTOS [SECONDS] [MUTATED]: concurrent clients for some seconds beside the bare
Predictor in one thread, then mutated uploads: statuses, and memory before and after.
"""

from __future__ import annotations

import collections
import os
import random
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import numpy as np

from kimchi_vision.predict import Predictor

CLIENTS = 8


def start(run: Path) -> tuple[subprocess.Popen[bytes], str]:
    """A server in a process of its own, and its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "kimchi_vision", "serve", str(run), "--port", str(port)]
    server = subprocess.Popen([*command, "--per-minute", "1000000"])
    address = f"http://127.0.0.1:{port}"
    for _ in range(240):
        try:
            httpx.get(f"{address}/health")
            return server, address
        except httpx.TransportError:
            time.sleep(0.25)
    raise SystemExit("The server does not answer.")


def load(address: str, contents: list[bytes], seconds: float) -> None:
    """Clients that each wait for an answer before they ask again."""
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
        f"served: {len(waits) / seconds:.1f} photos/s, p50 {p50:.0f} ms, p99 {p99:.0f} ms, {dict(statuses)}"
    )


def bare(run: Path, contents: list[bytes], seconds: float) -> None:
    """Decoding and the network, one photo after the other."""
    predictor, count, end = Predictor(run), 0, time.perf_counter() + seconds
    predictor.predict(contents[:1])
    started = time.perf_counter()
    while time.perf_counter() < end:
        predictor.classify([predictor.prepare(contents[count % len(contents)])])
        count += 1
    print(f"bare:   {count / (time.perf_counter() - started):.1f} photos/s")


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


def fuzz(server: subprocess.Popen[bytes], address: str, contents: list[bytes], count: int) -> None:
    """Send mutated photos; print statuses and resident memory."""
    draw, statuses = random.Random(0), collections.Counter()
    with httpx.Client(timeout=60) as session:
        for number in range(count):
            if number == count // 4:
                before = _resident(server.pid)
            content = mutated(draw.choice(contents), draw)
            statuses[session.post(f"{address}/predict", files={"photos": content}).status_code] += 1
    print(f"fuzz: {count} uploads, {dict(statuses)}, memory {before:.0f} -> {_resident(server.pid):.0f} MB")


def _resident(process: int) -> float:
    lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith("VmRSS"))


def main(run: Path, photos: Path, seconds: float = 60, count: int = 2000) -> None:
    """Print figures."""
    contents = [file.read_bytes() for file in sorted(photos.rglob("*.jpg"))[:64]]
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    bare(run, contents, min(seconds, 10))
    server, address = start(run)
    try:
        load(address, contents, seconds)
        fuzz(server, address, contents, count)
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:5]))
