"""How many threads this process may use: its cores, shared with the trainings beside it on this machine."""

from __future__ import annotations

import os
import platform
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from kimchi_vision.base import cache

if TYPE_CHECKING:
    import filelock

SET = "KIMCHI_THREADS"
"""Environment variable with a number that ends all counting; OMP_NUM_THREADS does, too."""
_QUOTA = Path("/sys/fs/cgroup")
_given: list[int] = []
"""What this process's own trainings were given; the last one holds."""


def cores() -> int:
    """Processors that this process may use: its affinity, and a container's quota, rounded up."""
    mine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _quota()
    return max(1, min(mine, -(-quota[0] // quota[1]))) if quota else mine


def share() -> int:
    """Threads that compute in this process, now: what its training was given, else its part of the cores."""
    return _given[-1] if _given else _set() or _part(_places() / "none")


def yield_to_others() -> None:
    """Let other threads go before this one, for good; on Linux, where a thread has a niceness of its own."""
    if platform.system() == "Linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)


@contextmanager
def training(wanted: int | None = None) -> Iterator[int]:
    """A training's threads: inside the block others on this machine count it, and its number stays.

    wanted: of a training that goes on, whose bits hang on the number that it began with.
    """
    place = _places() / f"{os.getpid()}-{len(_given)}.lock"
    lock = _held(place)
    _given.append(_set() or (min(wanted, cores()) if wanted else _part(place)))
    try:
        yield _given[-1]
    finally:
        _given.pop()
        if lock is not None:
            lock.release()
            with suppress(OSError):
                place.unlink()


def _held(place: Path) -> filelock.BaseFileLock | None:
    """This training's place; None where nothing can be written there, and others then do not count it."""
    import filelock

    lock = filelock.FileLock(place)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError:
        return None
    return lock


def _set() -> int | None:
    for name in (SET, "OMP_NUM_THREADS"):
        if (given := os.environ.get(name, "").partition(",")[0]).isdigit() and int(given):
            return int(given)
    return None


def _part(mine: Path) -> int:
    """The cores, by this process and the trainings of this user that hold another place on this machine."""
    places = [place for place in _places().glob("*.lock") if place != mine]
    if not places:
        return cores()
    import filelock

    held = 1
    for place in places:
        try:
            with filelock.FileLock(place, timeout=0), suppress(OSError):
                place.unlink()  # its process died
        except (filelock.Timeout, OSError):
            held += 1
    return max(1, cores() // held)


def _places() -> Path:
    return cache.root() / "running" / platform.node()


def _quota() -> tuple[int, int] | None:
    """Microseconds of processor time in a period of so many, by cgroups of either version."""
    with suppress(OSError, ValueError):
        used, period = (_QUOTA / "cpu.max").read_text().split()
        return None if used == "max" else (int(used), int(period))
    with suppress(OSError, ValueError):
        used, period = (int((_QUOTA / f"cpu/cpu.cfs_{n}_us").read_text()) for n in ("quota", "period"))
        return (used, period) if used > 0 else None
    return None
