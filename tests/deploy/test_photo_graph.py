"""model.onnx takes the pixels of a photo, and prepares them as training prepared validation photos."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from PIL import Image
from small_models import SEVEN, facts, save

from kimchi_vision.deploy.export import card, photo_graph
from kimchi_vision.deploy.runtime import Classifier
from kimchi_vision.results.preprocess import Preprocess, Sampling
from kimchi_vision.results.temperature import softmax

STATS = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
STEPS = [
    Preprocess(40, 32, **STATS),
    Preprocess(40, 32, "pad", **STATS),
    Preprocess(40, 32, "squish", Sampling("bicubic", "zeros", False)),
    Preprocess(32, 32, sampling=Sampling("nearest")),
    Preprocess(90, 32, sampling=Sampling(align_corners=False), **STATS),
]


def smooth(width, height):
    """A picture of soft spots, as photos are: noise is all edges."""
    coarse = np.random.default_rng(width).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def session(steps, file):
    about = facts(preprocess=steps, temperature=1.7, abstain_threshold=0.3)
    onnx.save(photo_graph.wrapped(onnx.load(save(file, about)), about), file)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return about, onnxruntime.InferenceSession(file, options)


@pytest.mark.parametrize("steps", STEPS, ids=str)
def test_pixels_give_what_prepared_photos_give(steps, tmp_path):
    about, whole = session(steps, tmp_path / "model.onnx")
    onnx.checker.check_model(tmp_path / "model.onnx")
    classifier = Classifier(tmp_path / "model.onnx")
    classifier.facts = replace(about, temperature=1.0)
    for size in [(301, 512), (97, 64), (32, 32), (9, 90), (30, 1)]:
        photo = smooth(*size)
        probabilities, threshold, logits = whole.run(None, {"photo": np.asarray(photo)})
        assert softmax(logits) == pytest.approx(classifier.probabilities([photo]), abs=2e-3)
        assert probabilities == pytest.approx(softmax(logits, 1.7), abs=1e-6)
        assert threshold == np.float32(0.3)


def test_a_batch_of_prepared_photos_goes_in_beside_a_photo(tmp_path):
    about, whole = session(STEPS[0], tmp_path / "model.onnx")
    prepared = np.stack([about.preprocess(smooth(side, 60)) for side in (50, 60, 70)])
    feeds = {"photo": np.zeros((1, 1, 3), np.uint8), "image": prepared}
    together = whole.run(["probabilities"], feeds)[0]
    assert together.shape == (3, 7)
    for answer, side in zip(together, (50, 60, 70), strict=True):
        assert answer == pytest.approx(
            whole.run(["probabilities"], {"photo": np.asarray(smooth(side, 60))})[0][0], abs=2e-3
        )


def test_the_network_comes_out_again_as_it_went_in(tmp_path):
    network = onnx.load(save(tmp_path / "network.onnx", facts()))
    again = photo_graph.network_of(photo_graph.wrapped(network, facts()))
    onnx.checker.check_model(again)
    assert list(again.graph.node) == list(network.graph.node)
    assert list(again.graph.initializer) == list(network.graph.initializer)
    assert photo_graph.network_of(network) is network


@pytest.mark.parametrize("page", ["card", "guide"])
def test_the_ten_lines_answer_with_onnxruntime_numpy_and_pillow_alone(page, tmp_path, exported):
    run, _ = exported
    guide = (Path(__file__).parents[2] / "docs" / "deploy.md").read_text(encoding="utf-8")
    text = card.text(run) if page == "card" else guide
    (code,) = [
        block for block in re.findall(r"```python\n(.*?)```", text, re.S) if "InferenceSession" in block
    ]
    assert len([line for line in code.splitlines() if line]) == 10
    (tmp_path / "model.onnx").symlink_to(run.files.onnx.resolve())
    first = run.predictions.part("valid").spread(1)
    (file,) = run.photos.files(first.table)
    turned = Image.open(file.path).transpose(Image.Transpose.ROTATE_90)
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save(tmp_path / "photo.jpg", exif=exif, quality=95)
    only = (
        "import sys; sys.modules |= dict.fromkeys(['torch', 'fastai', 'kimchi_vision', 'pandas', 'onnx'])\n"
    )
    command = [sys.executable, "-c", only + code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    label, probability = done.stdout.split()
    assert label == first.table["predicted"].iloc[0]
    assert float(probability) == pytest.approx(first.probabilities.max(), abs=0.02)  # saved once more as JPEG


def test_answers_of_a_file_of_before_are_read_as_they_were(tmp_path):
    about = facts()
    old = Classifier(save(tmp_path / "model.onnx", about))
    assert old.facts.classes == SEVEN
    assert old.probabilities([smooth(60, 50)]).sum() == pytest.approx(1)
