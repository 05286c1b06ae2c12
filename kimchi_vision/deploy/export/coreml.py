"""model.coreml.zip: an image classifier for Apple's devices, and a check of its answers to run on a Mac."""

import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from kimchi_vision.base.errors import RunError
from kimchi_vision.base.extras import load
from kimchi_vision.base.plain import Json
from kimchi_vision.data.photo import Photos, open_photo
from kimchi_vision.deploy.export.from_square import FromSquare, converting
from kimchi_vision.results.model_metadata import KEY, Facts
from kimchi_vision.results.predictions import Predictions
from kimchi_vision.results.temperature import at_temperature

PHOTOS = 40
"""Validation photos that check.py asks for, at most."""
PACKAGE = "model.mlpackage"
CHECK = Path(__file__).with_name("templates") / "check_coreml.py"


def save(
    network: torch.nn.Module, facts: Facts, photos: Photos, predictions: Predictions, file: Path
) -> None:
    """Write the package, check.py, and the squares of validation photos with the answers that it expects.

    Raises InputError where coremltools is missing, RunError for an operator that Core ML does not have.
    """
    ct = load("coremltools")
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
        np.savez_compressed(f"{folder}/check.npz", **_expected(facts, photos, predictions))
        (Path(folder) / "check.py").write_bytes(CHECK.read_bytes())
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for each in sorted(path for path in Path(folder).rglob("*") if path.is_file()):
                archive.write(each, each.relative_to(folder))


def prove(file: Path, facts: Facts) -> Json:
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


def _expected(facts: Facts, photos: Photos, predictions: Predictions) -> dict[str, np.ndarray]:
    sample = predictions.part("valid").spread(PHOTOS)
    squares = [np.asarray(facts.preprocess.square(open_photo(each))) for each in photos.files(sample.table)]
    answers = at_temperature(sample.probabilities, facts.temperature)
    return {"squares": np.stack(squares), "probabilities": answers, "classes": np.array(facts.classes)}
