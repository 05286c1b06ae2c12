"""model.openvino.xml and its .bin: the network for Intel's OpenVINO, run on real photos and timed."""

import shutil
import tempfile
from pathlib import Path

import numpy as np
import onnx

from kimchi_vision.base.extras import load
from kimchi_vision.base.files import replacing
from kimchi_vision.base.plain import Json
from kimchi_vision.data.photo import Photos, open_photo
from kimchi_vision.deploy.export import photo_graph
from kimchi_vision.deploy.export.from_square import converting
from kimchi_vision.deploy.export.onnx import PHOTOS, agreed, probabilities
from kimchi_vision.deploy.runtime import Classifier, OpenVinoClassifier
from kimchi_vision.deploy.runtime.speed import LEAST, milliseconds
from kimchi_vision.results.model_metadata import KEY
from kimchi_vision.results.predictions import Predictions


def save(whole: Path, file: Path, weights: Path) -> None:
    """Write the network of model.onnx, and its weights. Raises RunError for an operator that has no form."""
    facts = Classifier(whole).facts
    ov = load("openvino")
    with tempfile.TemporaryDirectory() as folder:
        onnx.save(photo_graph.network_of(onnx.load(whole)), f"{folder}/network.onnx")
        with converting("OpenVINO"):
            model = ov.convert_model(f"{folder}/network.onnx")
        model.set_rt_info(facts.to_metadata()[KEY], [KEY])
        ov.save_model(model, f"{folder}/model.xml", compress_to_fp16=False)
        shutil.copyfile(f"{folder}/model.xml", file)
        with replacing(weights) as temporary:
            shutil.copyfile(f"{folder}/model.bin", temporary)


def prove(file: Path, weights: Path, whole: Path, photos: Photos, predictions: Predictions) -> Json:
    """Agreement and gap beside the learner's own answers, and how many times faster than onnxruntime it is.

    Raises RunError as for model.onnx.
    """
    sample = predictions.part("valid").spread(PHOTOS)
    files = photos.files(sample.table)
    with tempfile.TemporaryDirectory() as folder:  # OpenVINO finds weights by the name of the file
        shutil.copyfile(file, f"{folder}/model.xml")
        shutil.copyfile(weights, f"{folder}/model.bin")
        mine, other = OpenVinoClassifier(Path(folder) / "model.xml"), Classifier(whole)
    proof = agreed(sample.probabilities, probabilities(mine, files))
    prepared = [mine.facts.preprocess(open_photo(file)) for file in files[:LEAST]]
    other_ms, own_ms = (
        float(np.median(milliseconds(lambda one, each=each: each.probabilities_of([one]), prepared)))
        for each in (other, mine)
    )
    size = {"bytes": file.stat().st_size + weights.stat().st_size}
    return {**size, **proof, "milliseconds": round(own_ms, 2), "times_faster": round(other_ms / own_ms, 2)}
