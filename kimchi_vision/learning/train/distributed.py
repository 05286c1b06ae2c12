"""Key `train.devices`: one training by several processes, a device each, each with its part of every batch.

The process that was asked has rank 0 and writes all that is written. The others build the same training and
take every step with it. fastai's distrib_ctx is not used: its loaders repeat photos to fill up a part, and
ask for CUDA. Nor is DistributedDataParallel: its hooks know what learned when it was made, and stages freeze
and thaw; here the gradients are added up once, after the backward pass.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from fastai.data.core import TfmdDL
from fastai.learner import Learner
from torch.nn.functional import batch_norm
from torch.overrides import TorchFunctionMode

from kimchi_vision.base.plain import Json
from kimchi_vision.learning import device
from kimchi_vision.learning.loader import FastDL
from kimchi_vision.learning.train import randomness

T = TypeVar("T")


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
