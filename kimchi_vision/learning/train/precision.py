"""Keys `train.precision` and `train.compile`: how training steps are computed.

Validation and predictions are float32 always.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from fastai.callback.fp16 import AMPMode, MixedPrecision
from fastai.learner import Learner

from kimchi_vision.base.errors import InputError
from kimchi_vision.config.sections import Train
from kimchi_vision.learning.train import depthwise

log = logging.getLogger(__name__)


class ScaledLoss(MixedPrecision):
    """fastai's fp16 without its autocast, which an error or a cancelled batch would leave on."""

    def before_batch(self) -> None:
        """The forward pass enters autocast itself."""

    def after_loss(self) -> None:
        """The forward pass has left it."""


@contextmanager
def applied(section: Train, learn: Learner) -> Iterator[None]:
    """Inside the block the learner's training steps use the section's precision.

    Raises InputError for fp16 without a GPU.
    """
    device = learn.dls.device or torch.device("cpu")
    with (
        autocast(section, learn.model, device) as precision,
        learn.added_cbs([ScaledLoss(AMPMode.FP16)]) if precision == "fp16" else nullcontext(),
    ):
        yield


@contextmanager
def autocast(section: Train, model: torch.nn.Module, device: torch.device) -> Iterator[str]:
    """Inside the block the model in training uses the precision given; with half, tensors lie channels last.

    fastai's MixedPrecision does nothing on a CPU, so the model's forward is wrapped in autocast.
    Raises InputError for fp16 without a GPU.
    """
    precision = _chosen(section.precision, device)
    if precision == "fp32":
        yield precision
        return
    model.to(memory_format=torch.channels_last)
    dtype = torch.bfloat16 if precision == "bf16" else torch.float16
    # torch.compile makes kernels of its own, and cannot look into the mode.
    routed = device.type == "cpu" and not section.compile and depthwise.is_needed(model)
    model.forward = _in_half(model, device.type, dtype, depthwise.FasterDepthwise if routed else nullcontext)
    try:
        yield precision
    finally:
        model.__dict__.pop("forward", None)
        # A layout that the export's other readers expect too.
        model.to(memory_format=torch.contiguous_format)


@contextmanager
def compiled(section: Train, learn: Learner) -> Iterator[None]:
    """Inside the block the network is compiled, if the section asks for it; its weights and names stay."""
    if section.compile:
        learn.model.compile()
    try:
        yield
    finally:
        learn.model._compiled_call_impl = None


def _chosen(precision: str, device: torch.device) -> str:
    """What `auto` means here: bf16 where the hardware multiplies it, fp16 on other GPUs, else fp32."""
    cuda = device.type == "cuda"
    if precision == "fp16" and not cuda:
        raise InputError("train.precision: fp16 needs a GPU. Set bf16, fp32 or auto.")
    if precision != "auto":
        return precision
    if cuda:
        return "bf16" if torch.cuda.get_device_capability(device) >= (8, 0) else "fp16"
    return "bf16" if device.type == "cpu" and _cpu_multiplies_bfloat16() else "fp32"


def _cpu_multiplies_bfloat16() -> bool:
    """Whether this processor has bf16 instructions; without them bf16 is slower than fp32."""
    names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, name, lambda: False)() for name in names)


def _in_half(model: torch.nn.Module, device: str, dtype: torch.dtype, routed: Any) -> Any:
    forward = model.forward

    def mixed(*inputs: Any) -> torch.Tensor:
        if not model.training:
            return forward(*inputs)
        with torch.autocast(device, dtype=dtype), routed():
            return forward(*inputs).float()

    return mixed
