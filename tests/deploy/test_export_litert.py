"""model.tflite answers as the network does, and says its classes."""

import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from small_models import SEVEN, facts

from kimchi_vision.base.errors import InputError, RunError
from kimchi_vision.data.photo import Photos, open_photo
from kimchi_vision.deploy.export import phones
from kimchi_vision.results.predictions import Predictions

needs_litert = pytest.mark.skipif(find_spec("litert_torch") is None, reason="litert-torch is not installed")


@pytest.fixture
def network():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.AvgPool2d(8), torch.nn.Flatten(), torch.nn.Linear(48, 7)).eval()


@pytest.fixture
def said(tmp_path, photo, network):
    files = [photo(tmp_path / f"{seed}.jpg", seed) for seed in range(5)]
    items = pd.DataFrame({"path": [file.name for file in files], "label": SEVEN[0], "split": "valid"})
    photos = Photos(tmp_path, items.assign(sha256=items["path"]), SEVEN)
    prepared = np.stack([facts().preprocess(open_photo(file)) for file in files])
    logits = network(torch.from_numpy(prepared)).detach().numpy()
    return photos, Predictions.from_logits(photos.items, logits, SEVEN)


class ChannelsLast(torch.nn.Module):
    """As litert_torch.to_channel_last_io(network, args=[0])."""

    def __init__(self, network, args):
        super().__init__()
        self.network = network
        assert args == [0]

    def forward(self, square):
        return self.network(square.permute(0, 3, 1, 2))


class Interpreter:
    """As LiteRT's: PyTorch answers in its place."""

    converted: list[torch.nn.Module]

    def __init__(self, path, num_threads):
        assert num_threads >= 1
        assert Path(path).read_bytes().startswith(b"flat")

    def allocate_tensors(self):
        self.tensors = {}

    def get_input_details(self):
        return [{"index": 4}]

    def get_output_details(self):
        return [{"index": 7}]

    def set_tensor(self, index, value):
        assert value.dtype == np.float32
        self.tensors[index] = torch.from_numpy(value)

    def invoke(self):
        self.tensors[7] = self.converted[-1](self.tensors[4]).detach().numpy()

    def get_tensor(self, index):
        return self.tensors[index]


@pytest.fixture
def stand_in(monkeypatch):
    """Both packages of LiteRT, as far as they are asked; the slow test below asks the real ones."""
    monkeypatch.setattr(Interpreter, "converted", [], raising=False)

    def convert(whole, inputs):
        assert not whole.training
        assert whole(*inputs).shape == (1, 7)
        Interpreter.converted.append(whole)
        return SimpleNamespace(export=lambda path: Path(path).write_bytes(b"flat"))

    package = SimpleNamespace(to_channel_last_io=ChannelsLast, convert=convert)
    monkeypatch.setitem(sys.modules, "litert_torch", package)
    reader = SimpleNamespace(Interpreter=Interpreter)
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", reader)
    return package


def test_it_is_proven_on_photos_or_refused(said, network, tmp_path, stand_in, monkeypatch):
    prove_and_refuse(said, network, tmp_path)
    timed = []
    monkeypatch.setattr(phones, "milliseconds", lambda ask, inputs: timed.extend(inputs) or [1.234, 9, 1.0])
    file = tmp_path / "model.tflite"
    file.write_bytes(b"flat")
    monkeypatch.setattr(phones, "agreed", lambda *given: {})
    assert phones.prove_litert(file, facts(temperature=2.0), *said) == {"milliseconds": 1.23}
    assert [square.shape for square in timed] == [(1, 40, 40, 3)] * 5


def test_an_operator_that_it_does_not_have_is_named(network, tmp_path, stand_in):
    def convert(whole, inputs):
        raise NotImplementedError("no operator kimchi")

    stand_in.convert = convert
    with pytest.raises(RunError, match=r"LiteRT cannot take it over \(no operator kimchi\)"):
        phones.save_litert(network, facts(), tmp_path / "model.tflite")


@needs_litert
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_real_one_is_proven_on_photos_or_refused(said, network, tmp_path):
    prove_and_refuse(said, network, tmp_path)


def prove_and_refuse(said, network, tmp_path):
    file, about = tmp_path / "model.tflite", facts(temperature=2.0)
    phones.save_litert(network, about, file)
    proof = phones.prove_litert(file, about, *said)
    assert (proof["photos"], proof["agreement"]) == (5, 1)
    assert proof["largest_gap"] < 1e-4
    assert proof["milliseconds"] > 0
    assert zipfile.ZipFile(file).read("labels.txt").decode().split("\n") == list(SEVEN)
    torch.nn.init.zeros_(network[2].weight)
    phones.save_litert(network, about, file)
    with pytest.raises(RunError, match="of its answers are the learner's own"):
        phones.prove_litert(file, about, *said)


def test_without_the_package_it_says_what_to_install(network, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "litert_torch", None)
    with pytest.raises(InputError, match=r"litert-torch.* is not installed: pip install"):
        phones.save_litert(network, facts(), tmp_path / "model.tflite")
