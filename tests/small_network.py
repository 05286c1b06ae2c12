"""A network that trains in milliseconds, with what fastai looks for: a body, its pooling, and a head."""

from itertools import pairwise

from fastcore.foundation import L
from torch import nn

WIDTH = 16
"""Features that the body has."""


def small(pretrained: bool = False) -> nn.Module:
    """An architecture for vision_learner: three convolutions, each with a batch norm."""
    widths = (3, 8, 8, WIDTH)
    body = []
    for inner, outer in pairwise(widths):
        body += [nn.Conv2d(inner, outer, 3, stride=2, padding=1), nn.BatchNorm2d(outer), nn.ReLU()]
    return nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(WIDTH, 2))


def three_groups(model: nn.Module) -> L:
    """The parameter groups that learn at rates of their own: two parts of the body, and the head."""
    return L(model[0][:6], model[0][6:], model[1:]).map(lambda part: list(part.parameters()))
