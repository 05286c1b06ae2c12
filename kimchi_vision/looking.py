"""A finished run asked where it looks on photos."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from kimchi_vision import explain, model
from kimchi_vision.classifier import Classifier
from kimchi_vision.config import load
from kimchi_vision.errors import InputError
from kimchi_vision.predict import find_photos
from kimchi_vision.rundir import RunDir


def look(run: RunDir, photos: Sequence[Path]) -> list[tuple[Path, Path, str, float]]:
    """For each photo: itself, the picture that shows where the network looks, its answer and probability.

    The network is built from experiment.yaml and model.safetensors: no pickle is read. The pictures land in
    figures/explain of the run. Raises InputError when a file is missing or a photo cannot be read, ModelError
    when the network has no map to look at.
    """
    for file in (run.safetensors, run.onnx):
        if not file.is_file():
            raise InputError(f"{file} is missing; `export {run.path} --format onnx,safetensors` writes it.")
    labels = run.read_json(run.labels)
    network = model.restored(load(run.experiment).model, run.safetensors, len(labels))
    found, rows = find_photos(photos), []
    try:
        seen = list(explain.explained(network, Classifier(run.onnx).facts.preprocess, found))
    except (ValueError, OSError) as error:
        raise InputError(str(error)) from None
    for photo, each in zip(found, seen, strict=True):
        file = run.figures / "explain" / f"{photo.parent.name}-{photo.stem}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(each.picture).save(file, quality=90)
        rows.append((photo, file, labels[each.answer], each.probability))
    return rows
