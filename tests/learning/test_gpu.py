"""What only a GPU can show. KIMCHI_DEVICE=cpu runs it on the processor, so that no line is untried."""

import os

import numpy as np
import pytest
import torch
from PIL import Image

from kimchi_vision.config.sections import Augment, Train
from kimchi_vision.learning import device as devices
from kimchi_vision.learning import train

pytestmark = pytest.mark.gpu


@pytest.fixture
def device():
    found = devices.pick()
    if found.type == "cpu" and os.environ.get("KIMCHI_DEVICE") != "cpu":
        pytest.skip("there is no GPU here")
    return found


SECTION = Train(stages=[{"fit_one_cycle": {"epochs": 2}}], seed=1)


def test_varied_photos_are_those_that_opencv_makes(device):
    from kimchi_vision.learning.augment.fused import Fused

    fused = Fused(Augment(resize=80, size=64), ((0.5,) * 3, (0.5,) * 3))
    smooth = np.random.default_rng(0).integers(0, 256, (8, 5, 5, 3), dtype=np.uint8)
    photos = [np.kron(photo, np.ones((16, 16, 1), np.uint8)) for photo in smooth]
    photos = [fused.presize(Image.fromarray(photo)) for photo in photos]
    draws = fused.draw(8, 8, seed=0)
    expected = fused.empty(8)
    fused(photos, draws, expected)
    windows = fused.room(8, device)
    fused.windows(photos, draws, windows.numpy())
    found = fused.on_device(windows, draws, device)
    assert found.device.type == device.type
    gap = np.abs(found.cpu().numpy().transpose(0, 2, 3, 1) - expected)
    assert np.quantile(gap, 0.99) < 0.05


def test_batches_lie_on_the_device_and_are_the_same_each_time(device, tiny_learner):
    epochs = []
    for name in ("one", "two"):
        learn, _ = tiny_learner(SECTION, name, engine="fused", workers=2)
        epochs.append([(photos.clone(), classes) for photos, classes in learn.dls.train])
    for (photos, classes), (again, same) in zip(*epochs, strict=True):
        assert photos.device.type == classes.device.type == device.type
        assert torch.equal(classes, same)
        torch.testing.assert_close(photos, again, rtol=0, atol=1e-5)


def test_training_goes_on_where_it_ended(device, tiny_learner):
    whole, run = tiny_learner(SECTION, "whole", engine="fused")
    train.fit(SECTION, whole, run.files)
    cut, run = tiny_learner(SECTION, "cut", engine="fused")
    train.fit(SECTION, cut, run.files, watch=lambda row: True)
    again, run = tiny_learner(SECTION, "cut", engine="fused")
    history = train.fit(SECTION, again, run.files)
    assert len(history) == 2
    for name, tensor in whole.model.state_dict().items():
        assert tensor.device.type == device.type
        torch.testing.assert_close(again.model.state_dict()[name], tensor, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("precision", ["auto", "bf16", "fp32"])
def test_steps_compute_in_the_format_that_was_asked_for(device, tiny_learner, precision):
    section = SECTION.model_copy(update={"precision": precision})
    learn, run = tiny_learner(section, engine="fused")
    formats = set()
    first = next(layer for layer in learn.model.modules() if isinstance(layer, torch.nn.Conv2d))
    first.register_forward_hook(lambda layer, given, output: formats.add((layer.training, output.dtype)))
    history = train.fit(section, learn, run.files)
    assert np.isfinite(history["train_loss"]).all()
    assert (False, torch.float32) in formats
    if device.type == "cuda" and precision == "auto":
        precision = "bf16" if torch.cuda.get_device_capability() >= (8, 0) else "fp16"
    wanted = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}
    if precision in wanted:
        assert (True, wanted[precision]) in formats


def test_frozen_features_are_computed_where_the_photos_are(device, tiny_learner):
    section = Train(stages=[{"feature_extract": {"epochs": 1}}])
    learn, run = tiny_learner(section, engine="fused")
    assert len(train.fit(section, learn, run.files)) == 1


def test_a_batch_that_is_too_large_goes_in_parts(device, tiny_learner):
    from kimchi_vision.learning.train.memory import Fitting

    cuda = device.type == "cuda"  # the one that can be told to have less memory
    learn, _ = tiny_learner(SECTION)
    layers = [torch.nn.Conv2d(3, 64, 3, padding=1), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()]
    learn.model = torch.nn.Sequential(*layers, torch.nn.Linear(64, 2)).to(device).train()
    learn.splitter = lambda model: [list(model.parameters())]
    learn.create_opt()
    learn.training, learn.iter = True, 0
    side = 256 if cuda else 8
    learn.xb = (torch.randn(64, 3, side, side, device=device),)
    learn.yb = (torch.zeros(64, dtype=torch.long, device=device),)
    fitting = Fitting(learn)
    if cuda:
        torch.cuda.empty_cache()
        whole = torch.cuda.get_device_properties(device).total_memory
        torch.cuda.set_per_process_memory_fraction(1.5 * 2**30 / whole)
    try:
        with fitting.applied():
            learn._do_one_batch()
    finally:
        if cuda:
            torch.cuda.set_per_process_memory_fraction(1.0)
    assert fitting.parts > 1 or not cuda
