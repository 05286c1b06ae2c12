"""Gradients of depthwise convolutions in bf16 that processors compute sooner in float32.

oneDNN's bf16 kernels for the gradient of the input at a stride above 1, and for that of the weights of 5 x 5
and larger kernels, can be several times, up to a hundred, slower than its float32 ones. The layer decides,
not a clock: the bits of a run do not hang on how busy the machine is.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import conv2d
from torch.overrides import TorchFunctionMode

from kimchi_vision.base.plain import Json


class FasterDepthwise(TorchFunctionMode):
    """Inside the block, conv2d of a depthwise layer takes its slow gradients in float32."""

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
