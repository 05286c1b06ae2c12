"""Files for phones, from the square of a photo to calibrated probabilities: Core ML's and LiteRT's.

model.coreml.zip is an image classifier for Apple's devices, with a check of its answers to run on a Mac;
model.tflite is run on real photos before it gets its name.
"""

import copy
import json
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from kimchi_vision.base.errors import RunError
from kimchi_vision.base.extras import load
from kimchi_vision.base.plain import Json
from kimchi_vision.base.threads import share
from kimchi_vision.data.photo import Photos, open_photo
from kimchi_vision.deploy.export.onnx import agreed, converting
from kimchi_vision.deploy.runtime.speed import milliseconds
from kimchi_vision.results.model_metadata import KEY, Facts
from kimchi_vision.results.predictions import Predictions
from kimchi_vision.results.temperature import at_temperature

PHOTOS = 40
"""Validation photos that a file is run on, or that check.py asks for, at most."""
PACKAGE = "model.mlpackage"
CHECK = Path(__file__).with_name("templates") / "check_coreml.py"


class FromSquare(torch.nn.Module):
    """From the square that Preprocess.square gives, 0 to 255, to calibrated probabilities."""

    def __init__(self, network: torch.nn.Module, facts: Facts) -> None:
        super().__init__()
        steps, self.temperature = facts.preprocess, facts.temperature
        self.network = copy.deepcopy(network).float().cpu().eval()
        mean, std = (torch.tensor(each)[:, None, None] for each in (steps.mean, steps.std))
        sampling = steps.sampling.matrix(steps.resize, steps.size)
        self.register_buffer("sampling", torch.from_numpy(sampling).float())
        self.register_buffer("scale", 1 / (255 * std))
        self.register_buffer("shift", mean / std)

    def forward(self, square: torch.Tensor) -> torch.Tensor:
        """square: (1, 3, side, side), 0 to 255. Gives (1, classes)."""
        sampled = self.sampling @ square @ self.sampling.T
        return torch.softmax(self.network(sampled * self.scale - self.shift) / self.temperature, dim=1)


def _squares(facts: Facts, photos: Photos, predictions: Predictions) -> tuple[list[np.ndarray], np.ndarray]:
    """Some validation photos as a phone takes them, and what the learner itself says about them."""
    sample = predictions.part("valid").spread(PHOTOS)
    squares = [np.asarray(facts.preprocess.square(open_photo(each))) for each in photos.files(sample.table)]
    return squares, at_temperature(sample.probabilities, facts.temperature)


def save_coreml(
    network: torch.nn.Module, facts: Facts, photos: Photos, predictions: Predictions, file: Path
) -> None:
    """Write the package, check.py, and the squares of validation photos with the answers that it expects.

    Raises InputError where coremltools is missing, RunError for an operator that Core ML does not have.
    """
    ct = load("coremltools")
    squares, answers = _squares(facts, photos, predictions)
    side = facts.preprocess.resize
    square = torch.zeros(1, 3, side, side)
    with torch.no_grad():
        traced = torch.jit.trace(FromSquare(network, facts), square, check_trace=False)
    with converting("Core ML"):
        model = ct.convert(
            traced,
            inputs=[ct.ImageType(name="image", shape=square.shape, color_layout=ct.colorlayout.RGB)],
            classifier_config=ct.ClassifierConfig(list(facts.classes)),
            convert_to="mlprogram",
            minimum_deployment_target=ct.target.iOS16,
        )
    model.short_description = f"{facts.experiment}: {len(facts.classes)} classes of photos"
    model.user_defined_metadata[KEY] = facts.to_metadata()[KEY]
    with tempfile.TemporaryDirectory() as folder:
        model.save(f"{folder}/{PACKAGE}")
        expected = {
            "squares": np.stack(squares),
            "probabilities": answers,
            "classes": np.array(facts.classes),
        }
        np.savez_compressed(f"{folder}/check.npz", **expected)
        (Path(folder) / "check.py").write_bytes(CHECK.read_bytes())
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for each in sorted(path for path in Path(folder).rglob("*") if path.is_file()):
                archive.write(each, each.relative_to(folder))


def prove_coreml(file: Path, facts: Facts) -> Json:
    """What the file says of itself, read back. Core ML runs on Apple's systems alone: check.py asks it there.

    Raises RunError when it is not the classifier that was meant.
    """
    ct = load("coremltools")
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(file) as archive:
        archive.extractall(folder)
        spec = ct.utils.load_spec(f"{folder}/{PACKAGE}")
        asked = int(np.load(f"{folder}/check.npz")["squares"].shape[0])
    (image,), side = spec.description.input, facts.preprocess.resize
    classes = tuple(_labels(spec))
    kind = image.type.imageType
    stated = json.loads(spec.description.metadata.userDefined[KEY])["classes"]
    if (kind.width, kind.height, classes, tuple(stated)) != (side, side, facts.classes, facts.classes):
        raise RunError("read back, its classes or its size are others.")
    return {"structure": "read back", "answers": f"python check.py, on a Mac, asks about {asked} photos"}


def _labels(spec: Any) -> list[str]:
    """The classes of an ML program, in the order of its probabilities."""
    blocks = [
        each for main in spec.mlProgram.functions.values() for each in main.block_specializations.values()
    ]
    last = next(each for block in blocks for each in block.operations if each.type == "classify")
    values = last.inputs["classes"].arguments[0].value.immediateValue.list.values
    return [value.immediateValue.tensor.strings.values[0] for value in values]


def save_litert(network: torch.nn.Module, facts: Facts, file: Path) -> None:
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


def prove_litert(file: Path, facts: Facts, photos: Photos, predictions: Predictions) -> Json:
    """Agreement and gap beside the learner's own answers, and the milliseconds of a square.

    Raises RunError as for model.onnx.
    """
    (squares, answers), ask = _squares(facts, photos, predictions), _asked(file)
    inputs = [square.astype(np.float32)[None] for square in squares]
    proof = agreed(answers, np.concatenate([ask(each) for each in inputs]))
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
