"""Key `train.devices`: one training by several processes, a device each, each with its part of every batch.

The process that was asked has rank 0 and writes all that is written. The others build the same training and
take every step with it. fastai's distrib_ctx is not used: its loaders repeat photos to fill up a part, and
ask for CUDA. Nor is DistributedDataParallel: its hooks know what learned when it was made, and stages freeze
and thaw; here the gradients are added up once, after the backward pass.
"""

from __future__ import annotations

import logging
import os
import random
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
from typing import TYPE_CHECKING, Any, TypeVar

import torch
import torch.distributed as dist
from torch.nn.functional import batch_norm
from torch.overrides import TorchFunctionMode

from kimchi_vision.base import child
from kimchi_vision.base.errors import InputError, RunError
from kimchi_vision.base.plain import Json
from kimchi_vision.base.sentence import Sentence
from kimchi_vision.base.threads import SET, share
from kimchi_vision.learning import device
from kimchi_vision.learning.loader.fast import FastDL
from kimchi_vision.learning.train import randomness

if TYPE_CHECKING:
    from fastai.data.core import TfmdDL
    from fastai.learner import Learner

T = TypeVar("T")

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
        raise InputError(
            "train.devices: {asked} are more than there are here: {there} of the kind {kind}, and {photos} "
            "{photos:photo/photos} in a batch. Give fewer, or auto.",
            asked=asked,
            there=there,
            kind=here.type,
            photos=batch_size,
        )
    return int(asked)


def rank() -> int:
    """This process among those of the training; 0 is the one that was asked, and writes."""
    return dist.get_rank() if _several() else 0


def count() -> int:
    """How many processes train together."""
    return dist.get_world_size() if _several() else 1


def _several() -> bool:
    return dist.is_available() and dist.is_initialized()


def rows(photos: int) -> slice:
    """Those of so many photos that are this device's; all where there is not one for each."""
    if photos < count():
        return slice(0, photos)
    return slice(photos * rank() // count(), photos * (rank() + 1) // count())


def rows_of(dl: TfmdDL, photos: int) -> slice:
    """Those of a batch of a loader, which may have made no others than this device's."""
    return slice(0, photos) if getattr(dl, "mine", None) else rows(photos)


def weight(photos: int, batch_size: int) -> float:
    """What the mean loss of so many photos counts in the sum over all devices; 1 for an equal part."""
    return photos * count() / batch_size if _several() else 1.0


def average(learn: Learner, photos: int) -> None:
    """Make gradients and loss, which have the `weight` of so many photos, those of all devices."""
    if not _several():
        return
    gradients = [each.grad for each in learn.model.parameters() if each.grad is not None]
    loss = learn.loss.detach()
    more = torch.stack([loss, loss.new_tensor(weight(photos, learn.dl.bs))]).as_subclass(torch.Tensor)
    flat = torch.cat([*(each.flatten() for each in gradients), more])
    dist.all_reduce(flat)
    *parts, (loss, weights) = flat.split([*(each.numel() for each in gradients), len(more)])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_((part / weights).view_as(gradient))
    learn.loss = loss / weights


def summed(number: int) -> int:
    """Over all devices."""
    if not _several():
        return number
    total = torch.tensor(number, device=device.pick())
    dist.all_reduce(total)
    return int(total)


def joined(part: torch.Tensor, photos: int) -> torch.Tensor:
    """The rows of all devices, of what this one computed for its `rows`."""
    if len(part) == photos:
        return part
    whole = part.new_zeros(photos, *part.shape[1:])
    whole[rows(photos)] = part
    dist.all_reduce(whole)
    return whole


def first(work: Callable[[], T]) -> T:
    """What the work gives in the process of rank 0, for each of them."""
    if not _several():
        return work()
    found = [work() if rank() == 0 else None]
    dist.broadcast_object_list(found)
    return found[0]


def in_turn(work: Callable[[], T]) -> T:
    """Rank 0 does it before the others do."""
    if rank():
        dist.barrier()
    found = work()
    if _several() and not rank():
        dist.barrier()
    return found


@contextmanager
def together(learn: Learner) -> Iterator[None]:
    """Inside the block each process trains on its part, from weights and random states of rank 0."""
    if not _several():
        yield
        return
    for tensor in learn.model.state_dict().values():
        dist.broadcast(tensor, 0)
    randomness.restore(first(lambda: randomness.state(learn.dls)), learn.dls)
    train = learn.dls.train
    if isinstance(train, FastDL):
        train.mine = rows
    try:
        with SyncedBatchNorm():
            yield
    finally:
        if isinstance(train, FastDL):
            train.mine = None


def draw_apart(learn: Learner) -> None:
    """Have dropout drop other things on other devices; the same ones when an interrupted run goes on."""
    if rank():
        order = random.Random()
        order.setstate(learn.dl.rng.getstate())
        torch.manual_seed(order.getrandbits(48) + count() * learn.iter + rank())


class SyncedBatchNorm(TorchFunctionMode):
    """Batch norms that train see the photos of all devices, on any kind of device.

    torch.nn.SyncBatchNorm is for GPUs only, and another layer, which exported files would name.
    """

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Json | None = None
    ) -> Any:
        """Leave every other call as it is."""
        return (_batch_norm if function is batch_norm else function)(*args, **(kwargs or {}))


class _Sum(torch.autograd.Function):
    """The sum over all devices. What each makes of it counts for what each put in."""

    @staticmethod
    def forward(ctx: Any, here: torch.Tensor) -> torch.Tensor:
        total = here.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        return _Sum.forward(ctx, gradient.contiguous())


def _batch_norm(
    x: torch.Tensor,
    running_mean: torch.Tensor | None,
    running_var: torch.Tensor | None,
    weight: torch.Tensor | None = None,
    bias: torch.Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> torch.Tensor:
    """As torch.nn.functional.batch_norm; training over the photos of all devices, in float32."""
    if not training:
        return batch_norm(x, running_mean, running_var, weight, bias, False, momentum, eps)
    values, dims = x.as_subclass(torch.Tensor).float(), [0, *range(2, x.dim())]
    shape = [1, -1, *[1] * (x.dim() - 2)]
    here = values.new_tensor([values.numel() / values.shape[1]])
    sums = _Sum.apply(torch.cat([values.sum(dims), here]))
    number = sums[-1].detach()
    mean = (sums[:-1] / number).view(shape)
    centred = values - mean  # a second sum, as that of squares loses digits
    var = _Sum.apply(centred.square().sum(dims)) / number
    if running_mean is not None:
        with torch.no_grad():
            running_mean.lerp_(mean.flatten(), momentum)
            running_var.lerp_(var * number / (number - 1), momentum)
    found = centred * (var + eps).rsqrt().view(shape)
    found = found if weight is None else found * weight.view(shape) + bias.view(shape)
    return found.to(x.dtype)


@contextmanager
def processes(devices: int, work: Callable[[], None]) -> Iterator[None]:
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
    words = others[number - 1][1].read_text("utf-8", "replace").strip().splitlines()
    if dead[number] < 0:
        why = Sentence("was killed by signal {signal}: is there too little memory?", signal=-dead[number])
    else:
        why = Sentence("ended: {words}", words=words[-1] if words else dead[number])
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
