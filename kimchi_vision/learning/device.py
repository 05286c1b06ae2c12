"""Where a network trains and answers: chosen in one place, and what differs between processors and GPUs."""

import os

import torch

from kimchi_vision.base.errors import InputError

KINDS = ("cuda", "xpu", "mps")
"""Kinds of GPU by torch's names, the first that is there wins."""


def pick() -> torch.device:
    """The device that $KIMCHI_DEVICE names, such as cpu or cuda:1; else the first GPU, else the processor.

    Raises InputError for a name of none that is here.
    """
    asked = os.environ.get("KIMCHI_DEVICE")
    if not asked:
        return torch.device(next(filter(_is_here, KINDS), "cpu"))
    try:
        device = torch.device(asked)
    except RuntimeError:
        device = None
    if device is None or not (device.type == "cpu" or _is_here(device.type, device.index or 0)):
        here = ", ".join(["cpu", *filter(_is_here, KINDS)])
        raise InputError(
            "KIMCHI_DEVICE={asked}: there is no such device here. There is {here}.", asked=asked, here=here
        )
    return device


def _is_here(kind: str, number: int = 0) -> bool:
    # torch.mps of PyTorch 2.4 does not tell that itself.
    told_by = getattr(torch.backends if kind == "mps" else torch, kind, None)
    if told_by is None or not told_by.is_available():
        return False
    return number < getattr(torch, kind).device_count()


def wait(device: torch.device) -> None:
    """Until a GPU has done what it was asked for; only then does a clock tell the truth."""
    if device.type != "cpu":
        getattr(torch, device.type).synchronize()


def empty(device: torch.device) -> None:
    """Give what torch keeps of a GPU's memory back to it."""
    if device.type != "cpu":
        getattr(torch, device.type).empty_cache()


def sent(tensor: torch.Tensor, device: torch.device | str) -> torch.Tensor:
    """The tensor on a device; to a GPU it goes from pinned memory, and nobody waits for it."""
    device = torch.device(device)
    if device.type == "cuda" and tensor.device.type == "cpu":
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)


def room(shape: tuple[int, ...], device: torch.device) -> torch.Tensor:
    """Bytes on the processor's side that `sent` sends to this device with no copy before."""
    return torch.empty(shape, dtype=torch.uint8, pin_memory=device.type == "cuda")


def exact() -> None:
    """Convolutions of float32 are float32: TF32's 10 bits, torch's habit on NVIDIA's GPUs, would move
    probabilities by more than an exported file may differ.
    """
    torch.backends.cudnn.allow_tf32 = False
