from itertools import count
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from kimchi_vision.config.sections import Train
from kimchi_vision.learning import train
from kimchi_vision.learning.train import precision as precision_room


class Tiny(nn.Module):
    """Remembers what it was called with, and in which mode."""

    def __init__(self):
        super().__init__()
        self.layer, self.calls = nn.Conv2d(3, 4, 3), []

    def forward(self, photos):
        found = self.layer(photos)
        self.calls.append((self.training, photos.shape[-1], found.dtype))
        return found


@pytest.mark.parametrize(("precision", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_a_training_step_is_timed_in_its_own_precision(monkeypatch, precision, dtype):
    """Each look at the clock is a second later, and a batch has 16 photos."""
    clock = SimpleNamespace(perf_counter=count().__next__)
    monkeypatch.setattr(precision_room, "time", clock)
    network = Tiny()
    backbone = SimpleNamespace(network=lambda: network, body=lambda network: network)
    assert train.pace(Train(precision=precision), backbone, 32) == (1 / 16, 1 / 16)
    assert set(network.calls) == {(False, 32, torch.float32), (True, 32, dtype)}
