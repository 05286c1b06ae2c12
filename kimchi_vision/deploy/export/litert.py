"""model.tflite: the network for LiteRT on phones, run on real photos before it gets its name."""

import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from kimchi_vision.base.extras import load
from kimchi_vision.base.plain import Json
from kimchi_vision.base.threads import share
from kimchi_vision.data.photo import Photos, open_photo
from kimchi_vision.deploy.export.from_square import FromSquare, converting
from kimchi_vision.deploy.export.onnx import agreed
from kimchi_vision.deploy.runtime.speed import milliseconds
from kimchi_vision.results.model_metadata import KEY, Facts
from kimchi_vision.results.predictions import Predictions
from kimchi_vision.results.temperature import at_temperature

PHOTOS = 40
"""Validation photos that the file is run on, at most."""


def save(network: torch.nn.Module, facts: Facts, file: Path) -> None:
    """Write it: input float32 (1, side, side, 3), a square of 0 to 255; output probabilities (1, classes).

    labels.txt and kimchi_vision.json lie in the file as a zip, where readers of its metadata look for them.
    Raises InputError where litert-torch is missing, RunError for an operator that it does not have.
    """
    litert_torch = load("litert_torch")
    side = facts.preprocess.resize
    whole = litert_torch.to_channel_last_io(FromSquare(network, facts), args=[0])
    with converting("LiteRT"):
        made = litert_torch.convert(whole.eval(), (torch.zeros(1, side, side, 3),))
    with tempfile.TemporaryDirectory() as folder:  # it insists on the ending
        made.export(f"{folder}/model.tflite")
        file.write_bytes(Path(f"{folder}/model.tflite").read_bytes())
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("labels.txt", "\n".join(facts.classes))
        archive.writestr("kimchi_vision.json", facts.to_metadata()[KEY])


def prove(file: Path, facts: Facts, photos: Photos, predictions: Predictions) -> Json:
    """Agreement and gap beside the learner's own answers, and the milliseconds of a square.

    Raises RunError as for model.onnx.
    """
    sample = predictions.part("valid").spread(PHOTOS)
    ask = _asked(file)
    squares = [facts.preprocess.square(open_photo(each)) for each in photos.files(sample.table)]
    inputs = [np.asarray(square, np.float32)[None] for square in squares]
    found = np.concatenate([ask(each) for each in inputs])
    proof = agreed(at_temperature(sample.probabilities, facts.temperature), found)
    return {**proof, "milliseconds": round(float(np.median(milliseconds(ask, inputs))), 2)}


def _asked(file: Path) -> Callable[[np.ndarray], np.ndarray]:
    """A function from a square to the probabilities that the file gives."""
    made = load("ai_edge_litert.interpreter").Interpreter(str(file), num_threads=share())
    made.allocate_tensors()
    (given,), (said,) = made.get_input_details(), made.get_output_details()

    def ask(square: np.ndarray) -> np.ndarray:
        made.set_tensor(given["index"], square)
        made.invoke()
        return made.get_tensor(said["index"])

    return ask
