"""Key `train.devices`: the processes of one training, a device each, and what is done when one dies."""

import logging
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path

import torch
import torch.distributed as dist

from kimchi_vision.base import child
from kimchi_vision.base.errors import InputError, RunError
from kimchi_vision.base.sentence import Sentence
from kimchi_vision.base.threads import SET, share
from kimchi_vision.learning import device

FEWEST = 16
"""Photos of a batch below which a device more costs more than it gains: `auto` keeps to it."""
WAITS = timedelta(minutes=30)
"""How long a process waits for the others, such as for a slow disk of the one that writes."""
NOTICED = 20
"""Seconds in which a process notices by itself that another has died."""

log = logging.getLogger(__name__)


def chosen(asked: int | str, batch_size: int) -> int:
    """How many devices train. Raises InputError when there are not so many, or photos in a batch."""
    here = device.pick()
    if here.type == "cuda":
        there = torch.cuda.device_count() - (here.index or 0)
    else:
        there = batch_size if here.type == "cpu" else 1  # as many processes as one likes
    if asked == "auto":
        return max(1, min(there, batch_size // FEWEST)) if here.type == "cuda" else 1
    if asked > min(there, batch_size):
        what = (
            "train.devices: {asked} are more than there are here: {there} of the kind {kind}, and {photos} "
            "{photos:photo/photos} in a batch. Give fewer, or auto."
        )
        raise InputError(what, asked=asked, there=there, kind=here.type, photos=batch_size)
    return int(asked)


@contextmanager
def several(devices: int, work: Callable[[], None]) -> Iterator[None]:
    """Inside the block this process has rank 0 of so many; in the others, begun here, the work is done.

    work: what can be pickled, such as the same training, which writes elsewhere.
    Raises RunError when one of them ends before the block does.
    """
    if devices == 1:
        yield
        return
    over, before = threading.Event(), torch.get_num_threads()
    threads = max(1, share() // devices)
    with tempfile.TemporaryDirectory() as place:
        others = [_begun(place, number, devices, threads, work) for number in range(1, devices)]
        threading.Thread(target=_watched, args=(others, over), daemon=True).start()
        try:
            torch.set_num_threads(threads)
            with _met(place, 0, devices):
                yield
        except RuntimeError as error:
            raise _loss(others) or error from error
        finally:
            over.set()
            torch.set_num_threads(before)
            for process, _ in others:
                _end(process)


Other = tuple[subprocess.Popen[bytes], Path]
"""A process, and the file of what it complains of."""


def _begun(place: str, number: int, devices: int, threads: int, work: Callable[[], None]) -> Other:
    here = device.pick()
    name = f"{here.type}:{(here.index or 0) + number}" if here.type == "cuda" else here.type
    environment, complaints = {"KIMCHI_DEVICE": name, SET: str(threads)}, Path(place, f"{number}.txt")
    with complaints.open("wb") as file:
        task = partial(_beside, place, number, devices, work)
        return child.begun(task, environment, stdout=subprocess.DEVNULL, stderr=file), complaints


def _beside(place: str, number: int, devices: int, work: Callable[[], None]) -> None:
    """In a process begun here: the work."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)  # a scheduler's, too: rank 0 ends the training in order
    torch.set_num_threads(share())
    with _met(place, number, devices):
        work()


@contextmanager
def _met(place: str, number: int, devices: int) -> Iterator[None]:
    """Inside the block the processes hear each other; nothing listens beyond this machine."""
    here = device.pick()
    if here.type == "cuda":
        torch.cuda.set_device(here.index or 0)
    loopback = next((name for _, name in socket.if_nameindex() if name in ("lo", "lo0")), None)
    names = [name for name in ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME") if loopback]
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, loopback))
    options = {"rank": number, "world_size": devices, "timeout": WAITS}
    try:
        dist.init_process_group(
            "nccl" if here.type == "cuda" else "gloo", f"file://{place}/meeting", **options
        )
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
        if dist.is_initialized():
            dist.destroy_process_group()


def _loss(others: list[Other]) -> RunError | None:
    """What is wrong with the process that died first; None when all are alive."""
    until = time.monotonic() + 5  # who dies closes its connections before it can be asked for its code
    while time.monotonic() < until and all(process.poll() is None for process, _ in others):
        time.sleep(0.1)
    codes = {number: process.poll() for number, (process, _) in enumerate(others, 1)}
    dead = {number: code for number, code in codes.items() if code}
    if not dead:
        return None
    number = min(dead, key=lambda number: (dead[number] > 0, number))  # what was killed had others fail
    if dead[number] < 0:
        why = Sentence("was killed by signal {signal}: is there too little memory?", signal=-dead[number])
    else:
        words = child.last_line(others[number - 1][1].read_text("utf-8", "replace"))
        why = Sentence("ended: {words}", words=words)
    return RunError(
        "train.devices: process {number} of {count} {why} The last checkpoint is kept; the same command goes "
        "on from there.",
        number=number + 1,
        count=len(others) + 1,
        why=why,
    )


def _watched(others: list[Other], over: threading.Event) -> None:
    """End this process when another has died and it does not notice, as it waits for a GPU."""
    while not over.wait(1):
        if any(process.poll() for process, _ in others):
            if not over.wait(NOTICED):
                log.error("%s", _loss(others))
                os._exit(1)
            return


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(OSError):
        process.stdin.close()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
