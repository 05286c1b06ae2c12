"""How long a piece of work takes here, once what happens only the first time is over."""

from __future__ import annotations

import time
from collections.abc import Callable


def shortest(work: Callable[[], object], times: int) -> float:
    """Seconds: the least of so many times, after one that is not counted, as it chooses kernels."""
    found = []
    for _ in range(times + 1):
        started = time.perf_counter()
        work()
        found.append(time.perf_counter() - started)
    return min(found[1:])
