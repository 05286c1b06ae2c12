"""How fast a model file answers on this machine: measured in a process that does nothing else.

python -m kimchi_vision.deploy.runtime.speed MODEL.onnx reads a JSON list of [path, box or null] and prints
what `measure` returns, as JSON.
"""

import itertools
import json
import re
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import numpy as np

from kimchi_vision.base.plain import Json
from kimchi_vision.data.photo import Photo, open_photo
from kimchi_vision.deploy.runtime import Classifier

Asked = TypeVar("Asked")

WARM = 3
"""Photos that go first and are not counted: caches and threads start with them."""
SECONDS = 4.0
"""After this long no more photos are taken for either measurement."""
ONE_BY_ONE = 60
BULK = 256
CHUNK = 64
LEAST = 20
"""Answers that are timed however long they take: a 95th percentile of fewer would be their largest."""


def measure(file: Path, photos: Sequence[Photo]) -> Json:
    """latency_ms (p50, p95, photos), photos_per_second, and peak_memory_mb of this process.

    Latency is of one photo after the other, from file to probabilities: read, decode, resize, network.
    In bulk, photos are decoded in threads beside the network, as `predict` does.
    """
    classifier = Classifier(file)

    def ask(photo: Photo) -> None:
        classifier.probabilities([open_photo(photo)])

    milliseconds(ask, photos, WARM)
    times = milliseconds(ask, photos, max(LEAST, min(ONE_BY_ONE, len(photos))))
    p50, p95 = np.percentile(times, [50, 95])
    return {
        "latency_ms": {"p50": round(float(p50), 2), "p95": round(float(p95), 2), "photos": len(times)},
        "photos_per_second": round(_in_bulk(classifier, photos), 1),
        "peak_memory_mb": _peak_memory(),
    }


def milliseconds(ask: Callable[[Asked], object], inputs: Sequence[Asked], number: int = LEAST) -> list[float]:
    """What so many answers take, one after the other; the inputs are taken again where they are fewer."""
    times: list[float] = []
    for given in itertools.islice(itertools.cycle(inputs), number):
        started = time.perf_counter()
        ask(given)
        times.append(1000 * (time.perf_counter() - started))
        if sum(times) > 1000 * SECONDS and len(times) >= LEAST:
            break
    return times


def _in_bulk(classifier: Classifier, photos: Sequence[Photo]) -> float:
    """Photos a second."""
    waiting = itertools.islice(itertools.cycle(photos), max(CHUNK, min(BULK, len(photos))))

    def prepared(photo: Photo) -> np.ndarray:
        return classifier.facts.preprocess(open_photo(photo))

    done, started = 0, time.perf_counter()
    with ThreadPoolExecutor() as pool:
        while chunk := list(itertools.islice(waiting, CHUNK)):
            classifier.probabilities_of(list(pool.map(prepared, chunk)))
            done += len(chunk)
            if time.perf_counter() - started > SECONDS:
                break
    return done / (time.perf_counter() - started)


def _peak_memory() -> float | None:
    """Megabytes that this process held at most; None where the system does not say (Windows)."""
    with suppress(OSError, TypeError):
        # Linux counts what the process that started this one held into getrusage, but not into VmHWM.
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return round(int(re.search(r"VmHWM:\s*(\d+) kB", status)[1]) * 1024 / 1e6, 1)
    with suppress(ImportError):
        import resource

        unit = 1 if sys.platform == "darwin" else 1024
        return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6, 1)
    return None


if __name__ == "__main__":
    asked = [Photo(Path(path), box and tuple(box)) for path, box in json.load(sys.stdin)]
    print(json.dumps(measure(Path(sys.argv[1]), asked)))
