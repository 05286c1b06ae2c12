"""Training steps in half precision; everything else in float32."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from kimchi_vision.base.errors import InputError
from kimchi_vision.config.sections import Train
from kimchi_vision.learning import train
from kimchi_vision.learning.train import precision


@pytest.fixture
def learn():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.LazyLinear(2))
    model(torch.zeros(1, 3, 8, 8))
    return SimpleNamespace(model=model, dls=SimpleNamespace(device=torch.device("cpu")))


def section(name):
    return Train(stages=["lr_find"], precision=name)


def seen_by_convolutions(model, training):
    """The number format in which the first layer computes."""
    formats = []
    hook = model[0].register_forward_hook(lambda layer, inputs, output: formats.append(output.dtype))
    output = model.train(training)(torch.zeros(1, 3, 8, 8))
    hook.remove()
    assert output.dtype == torch.float32
    return formats[0]


def test_bf16_is_for_training_alone(learn):
    with precision.applied(section("bf16"), learn):
        assert seen_by_convolutions(learn.model, training=True) == torch.bfloat16
        assert seen_by_convolutions(learn.model, training=False) == torch.float32
    assert seen_by_convolutions(learn.model, training=True) == torch.float32


def test_nothing_is_left_behind_after_an_error(learn):
    with pytest.raises(RuntimeError, match="channels"), precision.applied(section("bf16"), learn):
        learn.model(torch.zeros(1, 5, 8, 8))
    assert "forward" not in vars(learn.model)
    assert learn.model[0].weight.is_contiguous()
    assert not torch.is_autocast_enabled("cpu")


def test_fp16_without_a_gpu_is_refused(learn):
    with pytest.raises(InputError, match="fp16 needs a GPU"), precision.applied(section("fp16"), learn):
        pass


@pytest.mark.parametrize(("able", "expected"), [(True, torch.bfloat16), (False, torch.float32)])
def test_auto_asks_the_processor(learn, monkeypatch, able, expected):
    monkeypatch.setattr(precision, "_cpu_multiplies_bfloat16", lambda: able)
    with precision.applied(section("auto"), learn):
        assert seen_by_convolutions(learn.model, training=True) == expected


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fp32", "bf16"])
def test_a_compiled_network_trains_and_is_plain_again(tiny_learner, name):
    section = Train(stages=[{"fit": {"epochs": 1}}], compile=True, precision=name)
    learn, run = tiny_learner(section, engine="fused")
    history = train.fit(section, learn, run.files)
    assert learn.model._compiled_call_impl is None
    with learn.no_logging():
        assert learn.validate()[0] == pytest.approx(history["valid_loss"].iloc[0], rel=1e-3)
