"""model.pkl loads wherever fastai does: it holds names of fastai and torch, and text."""

import copy
import io
import json
import os
import pickle
import pickletools
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from fastai.learner import load_learner
from fastai.torch_core import trainable_params
from fastai.vision.learner import default_split
from PIL import Image, ImageCms

import kimchi_vision as kv
from kimchi_vision.data.photo import open_photo
from kimchi_vision.deploy.export import learner, plain
from kimchi_vision.learning.model.side_by_side import SideBySide
from kimchi_vision.results.preprocess import Preprocess

ALLOWED = re.compile(
    r"__builtin__ (eval|object|set|tuple)|collections OrderedDict|functools partial"
    r"|fasttransform\.transform Transform|(fastai|timm|torch|torchvision)(\.\w+)* \w+"
)
ELSEWHERE = [path for path in os.environ.get("KIMCHI_PYTHONS", "").split(os.pathsep) if path]


def opcodes(file):
    with zipfile.ZipFile(file) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        return list(pickletools.genops(archive.read(name)))


def by_hand(run):
    """What a user's `learn.export` writes, and may do so again."""
    learn = kv.Run.open(run.path).learner()
    learn.path = run.path / "by hand"
    learn.export("x.pkl")
    learn.export(pickle_protocol=2)
    file = learn.path / "export.pkl"
    assert opcodes(file)[1:] == opcodes(learn.path / "x.pkl")[1:]
    return file


@pytest.mark.parametrize("written", [lambda run: run.files.pkl, by_hand], ids=["a run", "learn.export"])
def test_it_holds_no_code_no_paths_and_no_names_but_those_of_fastai_and_torch(written, exported):
    run, _ = exported
    file = written(run)
    found = opcodes(file)
    names = {argument for opcode, argument, _ in found if opcode.name == "GLOBAL"}
    assert {name for name in names if not ALLOWED.fullmatch(name)} == set()
    assert not {"STACK_GLOBAL", "INST"} & {opcode.name for opcode, _, _ in found}
    content = file.read_bytes()
    machine = (run.path.parent, Path.home(), Path(__file__).parents[1], "kimchi_vision", "site-packages")
    assert [word for word in machine if str(word).encode() in content] == []


def with_profile(photo):
    photo.info["icc_profile"] = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    return photo


@pytest.mark.parametrize(
    ("photo", "options"),
    [
        (Image.new("RGB", (9, 6), "red"), {"format": "JPEG", "exif": True}),
        (Image.new("RGBA", (9, 6), (200, 10, 10, 99)), {"format": "PNG"}),
        (Image.fromarray(np.arange(54, dtype=np.uint16).reshape(6, 9) * 1200), {"format": "PNG"}),
        (with_profile(Image.new("RGB", (9, 6), "teal")), {"format": "PNG"}),
        (Image.new("P", (9, 6), 3), {"format": "GIF"}),
    ],
    ids=["turned", "transparent", "16 bits", "with a profile", "palette"],
)
def test_it_opens_photos_as_training_did(photo, options, tmp_path):
    file = tmp_path / "photo"
    if options.pop("exif", False):
        options["exif"] = photo.getexif()
        options["exif"][0x0112] = 6
    photo.paste("navy", (0, 0, 4, 3)) if photo.mode == "RGB" else None
    photo.save(file, **options)
    create = eval(plain.photo_opener())
    expected = np.asarray(open_photo(file))
    for source in (file, str(file), file.read_bytes(), Image.open(io.BytesIO(file.read_bytes()))):
        assert np.array_equal(np.asarray(create(source)), expected)
    assert np.array_equal(np.asarray(create(expected)), expected)


@pytest.mark.filterwarnings("ignore")  # of pickles of strangers
@pytest.mark.parametrize(
    ("network", "splitter"),
    [
        (torch.nn.Sequential(torch.nn.Conv2d(3, 2, 3)), default_split),
        (torch.nn.Linear(3, 2), trainable_params),
    ],
    ids=["body and head", "a network in one piece"],
)
def test_it_carries_the_temperature_and_how_the_network_is_split(network, splitter, exported, tmp_path):
    other, file = copy.copy(exported[1]), tmp_path / "model.pkl"
    other.model = network.to(memory_format=torch.channels_last)  # as it trains
    plain.save(other, file, temperature=2.5, protocol=4)
    assert opcodes(file)[0][1] == 4
    loaded = load_learner(file)
    assert (loaded.temperature, loaded.splitter) == (2.5, splitter)
    assert all(each.is_contiguous() for each in loaded.model.parameters())


def test_classes_stay_in_the_order_of_the_networks_answers():
    (make, _) = plain._dataloaders(Preprocess(resize=40, size=32), ["b", "c", "a"]).__reduce__()
    loaded = pickle.loads(pickle.dumps(make))()
    assert list(loaded.vocab) == ["b", "c", "a"]


def test_a_network_of_this_package_goes_along_as_text(exported, tmp_path):
    torch.manual_seed(0)
    bodies = [torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Conv2d(3, n, 1)) for n in (2, 4)]
    stats = [[[0.5] * 3, [0.2] * 3], [[0.4] * 3, [0.3] * 3]]
    other, photos = copy.copy(exported[1]), torch.rand(2, 3, 8, 8)
    other.model = SideBySide(bodies, [2, 4], stats).eval()
    assert learner.save(other, tmp_path / "model.pkl") == {}
    model = torch.load(tmp_path / "model.pkl", weights_only=False).model
    assert type(model) is not SideBySide  # made of the text, as where this package is not installed
    assert torch.equal(model.eval()(photos), other.model(photos))


class Own(torch.nn.Identity):
    """A layer of the user's own."""


def test_a_model_with_a_layer_of_ones_own_says_which_python_it_is_for(exported, tmp_path, caplog):
    _, learn = exported
    other = copy.copy(learn)
    body, head = learn.model
    other.model = torch.nn.Sequential(body, torch.nn.Sequential(*head, Own()))
    bound = learner.save(other, tmp_path / "model.pkl")
    assert bound == {"python": "{}.{}".format(*sys.version_info), "holds": f"{__name__}.Own"}
    assert learner.save(learn, tmp_path / "model.pkl") == {}
    assert f"on Python {bound['python']} alone" in str(learner.bound(**bound))
    learner.portable(other).export(tmp_path / "own.pkl")
    assert f"own.pkl: it holds {__name__}.Own" in caplog.text
    assert b"deploy.export" not in (tmp_path / "own.pkl").read_bytes()


@pytest.mark.slow
@pytest.mark.skipif(not ELSEWHERE, reason="KIMCHI_PYTHONS names no interpreters that have another fastai")
@pytest.mark.parametrize("python", ELSEWHERE)
def test_it_loads_on_other_pythons_and_answers_as_the_run_did(python, exported):
    run, _ = exported
    valid = run.predictions.part("valid")
    files = run.photos.files(valid.table)
    script = (
        "import sys, json; from fastai.vision.all import load_learner; learn = load_learner(sys.argv[1]);"
        "answers, _ = learn.get_preds(dl=learn.dls.test_dl(sys.argv[2:]));"
        "print(learn.predict(sys.argv[2])[0]); print(json.dumps(answers.tolist()))"
    )
    command = [python, "-W", "ignore", "-c", script, str(run.files.pkl), *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd="/")
    *_, label, answers = done.stdout.splitlines()
    assert np.array(json.loads(answers)) == pytest.approx(valid.probabilities, abs=1e-5)
    assert label.split("\r")[-1].strip().endswith(valid.table["predicted"].iloc[0])
