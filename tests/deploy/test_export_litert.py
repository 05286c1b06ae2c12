"""model.tflite answers as the network does, and says its classes."""

import sys
import zipfile
from importlib.util import find_spec

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


@needs_litert
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_it_is_proven_on_photos_or_refused(said, network, tmp_path):
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
