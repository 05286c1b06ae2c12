"""Keys `train.precision` and `train.compile`: how training steps are computed, and how long they take.

Validation and predictions are float32 always.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from fastai.callback.fp16 import AMPMode, MixedPrecision
from fastai.learner import Learner
from torch import Tensor
from torch.nn.functional import conv2d
from torch.overrides import TorchFunctionMode

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.plain import Json
from kimchi_vision.config.sections import Train
from kimchi_vision.learning import device as devices
from kimchi_vision.learning.model import Backbone

log = logging.getLogger(__name__)

PHOTOS = 16
"""Photos of the batch that is measured."""


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
    routed = device.type == "cpu" and not section.compile and is_needed(model)
    model.forward = _in_half(model, device.type, dtype, FasterDepthwise if routed else nullcontext)
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


class FasterDepthwise(TorchFunctionMode):
    """Inside the block, conv2d of a depthwise layer takes its slow gradients in float32.

    oneDNN's bf16 kernels for the gradient of the input at a stride above 1, and for that of the weights of
    5 x 5 and larger kernels, can be several times, up to a hundred, slower than its float32 ones. The layer
    decides, not a clock: the bits of a run do not hang on how busy the machine is.
    """

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Json | None = None
    ) -> Any:
        """Leave every other call as it is."""
        if function is conv2d and not kwargs and len(args) == 7 and any(_slow(args[1], args[3], args[6])):
            photos, weight, bias, *options = args
            found = _Depthwise.apply(photos.as_subclass(Tensor).bfloat16(), weight.bfloat16(), *options)
            return found if bias is None else found + bias.bfloat16()[:, None, None]
        return function(*args, **(kwargs or {}))


def is_needed(model: torch.nn.Module) -> bool:
    """Whether the model has such layers."""
    layers = [layer for layer in model.modules() if isinstance(layer, torch.nn.Conv2d)]
    return any(any(_slow(layer.weight, layer.stride, layer.groups)) for layer in layers)


class _Depthwise(torch.autograd.Function):
    """torch.conv2d without bias; tensors are bf16."""

    @staticmethod
    def forward(
        ctx: Any, photos: Tensor, weight: Tensor, stride: Any, padding: Any, dilation: Any, groups: int
    ) -> Tensor:
        ctx.save_for_backward(photos, weight)
        ctx.options = [*stride], [*padding], [*dilation], groups
        return conv2d(photos, weight, None, stride, padding, dilation, groups)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        tensors = (gradient, *ctx.saved_tensors)
        slow = _slow(tensors[2], ctx.options[0], ctx.options[3])
        found = [
            _gradient(tensors, ctx.options, which, slow[which]) if ctx.needs_input_grad[which] else None
            for which in (0, 1)
        ]
        return (*found, None, None, None, None)


def _gradient(tensors: Any, options: Any, which: int, in_float32: bool) -> Tensor:
    """Of the input (0) or the weight (1), in bf16. tensors: gradient of the output, input, weight."""
    if in_float32:
        tensors = [tensor.float() for tensor in tensors]
    stride, padding, dilation, groups = options
    wanted = [which == 0, which == 1, False]
    found = torch.ops.aten.convolution_backward(
        *tensors, None, stride, padding, dilation, False, [0, 0], groups, wanted
    )
    return found[which].bfloat16()


def _slow(weight: Tensor, stride: Any, groups: int) -> tuple[bool, bool]:
    """Whether the gradients of the input and of the weight are slow."""
    depthwise = groups > 1 and weight.shape[1] == 1
    return depthwise and max(stride) > 1, depthwise and weight.shape[-1] >= 5


def pace(section: Train, backbone: Backbone, size: int) -> tuple[float, float]:
    """Seconds that a photo takes: one for a forward pass, one for a training step in the section's precision.

    backbone: whose body is measured, on the device that it would train on. size: side in pixels.
    """
    device = devices.pick()
    network = backbone.body(backbone.network()).to(device)
    photos = torch.randn(PHOTOS, 3, size, size, device=device)

    def forward() -> None:
        with torch.inference_mode():
            network.eval()(photos)
        devices.wait(device)

    def step() -> None:
        network.train()(photos).sum().backward()
        devices.wait(device)

    with autocast(section, network, device):
        return tuple(_seconds(work) / PHOTOS for work in (forward, step))


def _seconds(work: Callable[[], object]) -> float:
    """Those of the second time: the first one chooses kernels."""
    work()
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
