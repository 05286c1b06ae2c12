"""Where a network trains: what is asked for, else the first GPU, else the processor."""

import pytest
import torch

from kimchi_vision.base.errors import InputError
from kimchi_vision.learning import device


@pytest.fixture
def here(monkeypatch):
    """Say which kinds of GPU there are, and how many of each."""

    def say(**counts: int) -> None:
        for kind in device.KINDS:
            told_by = torch.backends.mps if kind == "mps" else getattr(torch, kind)
            monkeypatch.setattr(told_by, "is_available", lambda kind=kind: kind in counts)
            monkeypatch.setattr(getattr(torch, kind), "device_count", lambda kind=kind: counts.get(kind, 0))

    monkeypatch.delenv("KIMCHI_DEVICE", raising=False)
    return say


def test_the_first_gpu_is_taken_and_the_processor_where_there_is_none(here):
    here()
    assert device.pick().type == "cpu"
    here(mps=1)
    assert device.pick().type == "mps"
    here(mps=1, cuda=2)
    assert device.pick().type == "cuda"


@pytest.mark.parametrize(("name", "found"), [("cpu", "cpu"), ("cuda", "cuda"), ("cuda:1", "cuda:1")])
def test_a_device_is_the_one_that_is_asked_for(here, monkeypatch, name, found):
    here(cuda=2)
    monkeypatch.setenv("KIMCHI_DEVICE", name)
    assert str(device.pick()) == found


@pytest.mark.parametrize("name", ["cuda:2", "xpu", "tpu"])
def test_a_device_that_is_not_here_is_refused_with_those_that_are(here, monkeypatch, name):
    here(cuda=2)
    monkeypatch.setenv("KIMCHI_DEVICE", name)
    with pytest.raises(
        InputError, match=f"KIMCHI_DEVICE={name}: there is no such device .* There is cpu, cuda."
    ):
        device.pick()
