"""What happens when a batch does not fit into memory: the allocators' errors, raised once."""

import pytest
import torch
from test_train_checkpoint import DieAfter, Killed
from torch import nn

from kimchi_vision.base.errors import RunError
from kimchi_vision.config.sections import Train
from kimchi_vision.learning import train

ERRORS = [
    RuntimeError("[enforce fail at alloc_cpu.cpp:114] . DefaultCPUAllocator: can't allocate memory"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:81] DefaultCPUAllocator: not enough memory: you tried to"),
    torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB."),
]


def section(**options) -> Train:
    return Train(stages=[{"fit": {"epochs": 2, "lr": 1e-3}}], freeze_bn=True, precision="fp32", **options)


@pytest.fixture
def make(tiny_learner):
    """A learner without batch norm over batches, so that parts and the whole must agree."""

    def learner(section: Train, name: str):
        learn, run = tiny_learner(section, name)
        learn.model[1] = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LazyLinear(2))
        with torch.no_grad():
            learn.model.eval()(torch.zeros(1, 3, 32, 32))
        learn.create_opt()
        return learn, run

    return learner


def short_of_memory(learn, error: Exception, more_than: int) -> None:
    """The network has room for so many photos."""

    def check(module, inputs):
        if len(inputs[0]) > more_than:
            raise error

    learn.model[1].register_forward_pre_hook(check)


@pytest.mark.parametrize("error", ERRORS)
def test_a_batch_is_halved_and_the_step_stays_the_same(make, error, caplog):
    learn, run = make(section(), "whole")
    whole = train.fit(section(), learn, run.files)
    small, run = make(section(), "small")
    short_of_memory(small, error, 2)
    halved = train.fit(section(), small, run.files)
    for loss in ("train_loss", "valid_loss"):
        assert halved[loss].tolist() == pytest.approx(whole[loss].tolist(), rel=1e-3)
    assert "each batch of 4 goes through the network in 2 parts" in caplog.text
    assert "the effective batch stays 4" in caplog.text
    for one, other in zip(learn.model.parameters(), small.model.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


def test_parts_are_remembered_by_the_checkpoint_and_mixing_goes_along(make, caplog):
    mixed = section(mixup=0.4, checkpoint_minutes=1e-9)
    learn, run = make(mixed, "run")
    short_of_memory(learn, ERRORS[0], 2)
    learn.add_cb(DieAfter(3))
    with pytest.raises(Killed):
        train.fit(mixed, learn, run.files)
    assert caplog.text.count("not enough memory") == 1
    again, run = make(mixed, "run")
    short_of_memory(again, ERRORS[0], 2)
    train.fit(mixed, again, run.files)
    assert caplog.text.count("not enough memory") == 1
    assert "_do_one_batch" not in vars(again)


def test_without_room_for_two_photos_the_run_says_what_to_try(make):
    learn, run = make(section(), "run")
    short_of_memory(learn, ERRORS[2], 0)
    with pytest.raises(RunError, match=r"not enough memory even for 2 photos.*augment.size"):
        train.fit(section(), learn, run.files)
