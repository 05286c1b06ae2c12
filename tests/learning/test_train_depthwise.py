"""Slow bf16 gradients of depthwise convolutions, taken in float32."""

from contextlib import nullcontext

import pytest
import torch
from torch import nn

from kimchi_vision.learning.train import precision


def layer(kernel, stride, groups=8):
    torch.manual_seed(0)
    convolution = nn.Conv2d(8, 8, kernel, stride, padding=kernel // 2, groups=groups)
    return convolution.to(memory_format=torch.channels_last)


def gradients(convolution, context):
    torch.manual_seed(1)
    photos = torch.randn(2, 8, 16, 16, requires_grad=True)
    convolution.zero_grad()
    with torch.autocast("cpu", torch.bfloat16), context:
        found = convolution(photos)
    assert found.dtype == torch.bfloat16
    found.float().square().sum().backward()
    return [photos.grad, convolution.weight.grad, convolution.bias.grad]


@pytest.mark.parametrize(("kernel", "stride"), [(3, 2), (5, 1), (5, 2)])
def test_gradients_are_those_of_bf16(kernel, stride):
    convolution = layer(kernel, stride)
    assert precision.is_needed(convolution)
    plain = gradients(convolution, nullcontext())
    for ours, theirs in zip(gradients(convolution, precision.FasterDepthwise()), plain, strict=True):
        assert torch.linalg.norm(ours - theirs) < 0.02 * torch.linalg.norm(theirs)


@pytest.mark.parametrize("convolution", [layer(3, 1), layer(5, 2, groups=1)])
def test_other_layers_are_left_alone(convolution):
    assert not precision.is_needed(convolution)
