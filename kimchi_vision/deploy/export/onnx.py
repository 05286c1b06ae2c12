"""model.onnx: the network in one file, run on real photos before it gets its name."""

import copy
import logging
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import onnx
import torch

from kimchi_vision.base.child import last_line
from kimchi_vision.base.errors import RunError
from kimchi_vision.base.numbers import percent
from kimchi_vision.base.plain import Json
from kimchi_vision.data.photo import Photo, Photos, open_photo
from kimchi_vision.deploy.export import photo_graph
from kimchi_vision.deploy.runtime import Classifier
from kimchi_vision.results.model_metadata import Facts
from kimchi_vision.results.predictions import Predictions
from kimchi_vision.results.temperature import at_temperature, softmax

PHOTOS = 256
"""Validation photos that a file is run on, at most."""

LARGEST_GAP = 1e-3
"""A probability of an fp32 file may differ by this much from the learner's own, of a prepared photo."""
LARGEST_GAP_OF_PIXELS = 1e-2
"""The same where the file resizes: a few values in a thousand are rounded the other way than by Pillow."""

_ELSEWHERE = """
import sys
import numpy as np
import onnxruntime
onnxruntime.set_default_logger_severity(3)
session = onnxruntime.InferenceSession(sys.argv[1])
answers = []
while line := sys.stdin.buffer.readline():
    height, width = map(int, line.split())
    photo = np.frombuffer(sys.stdin.buffer.read(3 * height * width), np.uint8).reshape(height, width, 3)
    answers.append(session.run(["probabilities"], {"photo": photo})[0][0])
sys.stdout.buffer.write(np.stack(answers).tobytes())
"""


def save(model: torch.nn.Module, facts: Facts, file: Path) -> None:
    """Write an fp32 model with the inputs and outputs that photo_graph has."""
    model = copy.deepcopy(model).float().cpu().eval()
    photos = torch.zeros(2, 3, facts.preprocess.size, facts.preprocess.size)
    with warnings.catch_warnings(), torch.no_grad(), _plain_attention():
        # The exporter that replaces this one takes three times as long for the same file.
        warnings.simplefilter("ignore")
        ends = {"input_names": ["image"], "output_names": ["logits"], "dynamic_axes": {"image": [0]}}
        torch.onnx.export(model, (photos,), file, dynamo=False, opset_version=photo_graph.OPSET, **ends)
    onnx.save(photo_graph.wrapped(onnx.load(file), facts), file)


@contextmanager
def _plain_attention() -> Iterator[None]:
    """torch.nn.MultiheadAttention as the operators that it is made of; its fused one has no ONNX form."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


def prove(file: Path, photos: Photos, predictions: Predictions, temperature: float = 1.0) -> Json:
    """Photos to probabilities by this file, beside the learner's own: photos, agreement and gap.

    Prepared photos go in in this process; pixels, of the same photos, in a process of their own.
    predictions: the learner's own. temperature: that of the file.
    Raises RunError when a prepared photo's top-1 class differs, or its probabilities by more than
    LARGEST_GAP, or those of pixels by more than LARGEST_GAP_OF_PIXELS.
    """
    sample = predictions.part("valid").spread(PHOTOS)
    files = photos.files(sample.table)
    proof = agreed(sample.probabilities, probabilities(Classifier(file), files))
    expected = at_temperature(sample.probabilities, temperature)
    pixels_same, pixels_gap = _beside(expected, elsewhere(file, files))
    if not pixels_gap <= LARGEST_GAP_OF_PIXELS:
        raise RunError("what it says about pixels of photos differs by up to {gap:.1e}.", gap=pixels_gap)
    return {**proof, "pixels_agreement": pixels_same, "pixels_gap": pixels_gap}


def agreed(expected: np.ndarray, found: np.ndarray) -> Json:
    """photos, agreement and largest_gap of a file's probabilities beside the learner's own.

    Raises RunError when a class differs, or a probability by more than LARGEST_GAP.
    """
    same, gap = _beside(expected, found)
    if same < 1 or not gap <= LARGEST_GAP:
        what = (
            "on {photos} validation {photos:photo/photos} {same} of its answers are the learner's own, and "
            "its probabilities differ by up to {gap:.1e}; 100 % and {most:.0e} are asked for."
        )
        raise RunError(what, photos=len(expected), same=percent(same, 2), gap=gap, most=LARGEST_GAP)
    return {"photos": len(expected), "agreement": same, "largest_gap": gap}


def _beside(expected: np.ndarray, found: np.ndarray) -> tuple[float, float]:
    """Share of photos with the same class, and the largest difference of a probability."""
    same = expected.argmax(axis=1) == found.argmax(axis=1)
    return float(same.mean()), float(np.abs(expected - found).max())


def elsewhere(file: Path, files: list[Photo]) -> np.ndarray:
    """What the file says about pixels of photos in a process that has onnxruntime and NumPy alone."""
    command, pipe = [sys.executable, "-c", _ELSEWHERE, str(file)], subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as child:
        with suppress(BrokenPipeError):  # it has ended, and says why
            for photo in map(open_photo, files):
                child.stdin.write(f"{photo.height} {photo.width}\n".encode() + photo.tobytes())
        answers, said = child.communicate()
    if child.returncode:
        reason = last_line(said.decode(errors="replace"))
        raise RunError("it does not run in a fresh process: {reason}", reason=reason)
    return np.frombuffer(answers, np.float32).reshape(len(files), -1)


@contextmanager
def converting(runtime: str) -> Iterator[None]:
    """What a converter raises inside the block, of many kinds, is a RunError, which names the operator.

    OpenVINO's leaves all loggers silent then, by the root logger's level and a filter: both are put back.
    """
    root = logging.getLogger()
    level, filters = root.level, [*root.filters]
    try:
        yield
    except Exception as error:
        what = "{runtime} cannot take it over ({reason}). onnx is what works everywhere."
        raise RunError(what, runtime=runtime, reason=error) from error
    finally:
        root.setLevel(level)
        root.filters[:] = filters


def probabilities(classifier: Classifier, files: list[Photo]) -> np.ndarray:
    """Of photo files, before calibration: (photos, classes)."""
    # The first photo goes alone: a batch of one is what a user sends.
    parts = [files[:1], *(files[start : start + 32] for start in range(1, len(files), 32))]
    logits = [
        classifier.logits([classifier.facts.preprocess(open_photo(each)) for each in part]) for part in parts
    ]
    return softmax(np.concatenate(logits))
