"""How fast a network learns on this machine, so that a recipe can keep to a budget."""

import time
from collections.abc import Callable

import torch

from kimchi_vision.config.sections import Train
from kimchi_vision.learning import device as devices
from kimchi_vision.learning.model import Backbone
from kimchi_vision.learning.train import precision

PHOTOS = 16
"""Photos of the batch that is measured."""


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

    with precision.autocast(section, network, device):
        return tuple(_seconds(work) / PHOTOS for work in (forward, step))


def _seconds(work: Callable[[], object]) -> float:
    """Those of the second time: the first one chooses kernels."""
    work()
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
