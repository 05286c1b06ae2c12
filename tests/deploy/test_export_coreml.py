"""model.coreml.zip holds an image classifier, and what a Mac needs to check it."""

import sys
import zipfile
from dataclasses import replace
from importlib.util import find_spec
from unittest.mock import MagicMock

import numpy as np
import pandas as pd
import pytest
import torch
from small_models import SEVEN, answers, facts

from kimchi_vision.base.errors import InputError, RunError
from kimchi_vision.data.photo import Photos, open_photo
from kimchi_vision.deploy.export import phones
from kimchi_vision.results.predictions import Predictions
from kimchi_vision.results.preprocess import LARGEST_GAP

needs_coremltools = pytest.mark.skipif(
    find_spec("coremltools") is None, reason="coremltools is not installed"
)


@pytest.fixture
def said(tmp_path, photo):
    files = [photo(tmp_path / f"{seed}.jpg", seed) for seed in range(5)]
    items = pd.DataFrame({"path": [file.name for file in files], "label": SEVEN[0], "split": "valid"})
    photos = Photos(tmp_path, items.assign(sha256=items["path"]), SEVEN)
    shares = answers(facts(), [open_photo(file) for file in files])
    return photos, Predictions.from_probabilities(photos.items, shares, SEVEN)


def network():
    return torch.nn.Sequential(torch.nn.AvgPool2d(8), torch.nn.Flatten(), torch.nn.Linear(48, 7))


@needs_coremltools
@pytest.mark.filterwarnings("ignore")
def test_the_package_says_its_classes_and_brings_its_own_check(said, tmp_path):
    about = facts(temperature=2.0)
    phones.save_coreml(network(), about, *said, tmp_path / "model.coreml.zip")
    proof = phones.prove_coreml(tmp_path / "model.coreml.zip", about)
    assert proof["answers"].endswith("asks about 5 photos")
    with zipfile.ZipFile(tmp_path / "model.coreml.zip") as archive:
        names = archive.namelist()
        compile(archive.read("check.py"), "check.py", "exec")
        asked = np.load(archive.open("check.npz"))
        assert asked["squares"].shape == (5, 40, 40, 3)
        assert asked["probabilities"].sum(axis=1) == pytest.approx(1)
        assert list(asked["classes"]) == list(SEVEN)
    assert {name.split("/")[0] for name in names} == {"model.mlpackage", "check.py", "check.npz"}
    with pytest.raises(RunError, match="its classes or its size are others"):
        phones.prove_coreml(tmp_path / "model.coreml.zip", facts(tuple(reversed(SEVEN))))


def test_squares_are_prepared_inside_as_they_are_for_other_files(said):
    photos, _ = said
    about, identity = facts(temperature=1.0), torch.nn.Flatten()
    steps = replace(about.preprocess, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.25))
    about = replace(about, preprocess=steps)
    photo = open_photo(photos.files(photos.items)[0])
    square = torch.from_numpy(np.array(about.preprocess.square(photo))).permute(2, 0, 1)[None].float()
    inside = phones.FromSquare(identity, about)(square).detach().numpy()[0]
    expected = torch.softmax(torch.from_numpy(about.preprocess(photo)).flatten(), 0).numpy()
    assert np.log(inside) == pytest.approx(np.log(expected), abs=2 * LARGEST_GAP)


@pytest.mark.filterwarnings("ignore")
def test_an_operator_that_it_does_not_have_is_named(said, tmp_path, monkeypatch):
    apples = MagicMock()
    apples.convert.side_effect = NotImplementedError("no operator kimchi")
    monkeypatch.setitem(sys.modules, "coremltools", apples)
    with pytest.raises(RunError, match=r"Core ML cannot take it over \(no operator kimchi\)"):
        phones.save_coreml(network(), facts(), *said, tmp_path / "model.coreml.zip")


def test_without_coremltools_it_says_what_to_install(said, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "coremltools", None)
    with pytest.raises(InputError, match=r"coremltools, which is not installed: pip install .*\[coreml\]"):
        phones.save_coreml(network(), facts(), *said, tmp_path / "model.coreml.zip")
