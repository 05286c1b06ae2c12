"""A learner's files, each written under a temporary name and proven before it gets its own."""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fastai.learner import Learner

from kimchi_vision.base.errors import KimchiError, RunError
from kimchi_vision.base.files import replacing
from kimchi_vision.base.plain import Json
from kimchi_vision.base.run_files import RunFiles
from kimchi_vision.base.sentence import Sentence
from kimchi_vision.data.photo import Photos
from kimchi_vision.deploy.export import (
    coreml,
    learner,
    litert,
    onnx,
    openvino,
    plain,
    smaller,
    tensors,
)
from kimchi_vision.results import validation_transforms
from kimchi_vision.results.model_metadata import Facts
from kimchi_vision.results.predictions import Predictions
from kimchi_vision.results.run import Run

log = logging.getLogger(__name__)

FROM_ONNX = (*smaller.KINDS, "openvino")
"""Formats that are made from model.onnx."""


def _refused(error: Exception) -> Json:
    """What export.json says of a file that was refused: in English, and as a Sentence takes it."""
    if not isinstance(error, KimchiError):
        return {"refused": str(error)}
    values = {k: v if isinstance(v, int | float) else str(v) for k, v in error.sentence.values.items()}
    return {"refused": str(error), "sentence": [error.sentence.template, values]}


def files_of(own: RunFiles) -> dict[str, Path]:
    """The file of each format in a run folder."""
    plain = {"pkl": own.pkl, "torch": own.weights, "onnx": own.onnx, "safetensors": own.safetensors}
    extras = {"coreml": own.coreml, "litert": own.litert, "openvino": own.openvino}
    return plain | extras | {name: own.smaller(name) for name in smaller.KINDS}


@dataclass(frozen=True)
class Source:
    """A learner, the photos that it answered for, and where its files go.

    learn: None is enough for FROM_ONNX.
    own: False for a learner from elsewhere, whose pickles stay a stranger's.
    """

    learn: Learner | None
    photos: Photos
    predictions: Predictions
    run: Run
    own: bool = True

    def write(self, formats: Sequence[str]) -> list[Sentence]:
        """Write files and their proofs; returns a sentence for each one that is refused."""
        known = self.run.json_if(self.run.files.export)
        refusals = []
        for name in formats:
            file = files_of(self.run.files)[name]
            try:
                known[file.name] = self._write(name, file)
            except OSError:
                raise  # the disk
            except Exception as error:  # exporters and onnxruntime have many kinds
                file.unlink(missing_ok=True)  # an older file has lost its proof
                refusals.append(Sentence("{file} was not written: {error}", file=file, error=error))
                known[file.name] = _refused(error)
        self.run.write_json(self.run.files.export, known)
        return refusals

    def _write(self, name: str, file: Path) -> Json:
        save = self._from_onnx if name in FROM_ONNX else self._from_learner
        with replacing(file) as temporary:
            proof = save(name, temporary)
            content = temporary.read_bytes()
        facts = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest(), **proof}
        log.info("%s: %s", file, ", ".join(f"{name} {value}" for name, value in proof.items()))
        if file == self.run.files.pkl and self.own:
            learner.remember(facts["sha256"])
        return facts

    def _from_learner(self, name: str, file: Path) -> Json:
        network, facts, asked = self.learn.model, self._facts(), (self.photos, self.predictions)
        match name:
            case "pkl":
                bound = learner.save(self.learn, file, facts.temperature)
                if bound:
                    log.warning("%s: %s", self.run.files.pkl, learner.bound(**bound))
                return {**learner.prove(file, *asked), **bound}
            case "torch":
                return tensors.save_torch(network, file)
            case "safetensors":
                return tensors.save_safetensors(network, facts, file)
            case "onnx":
                onnx.save(network, facts, file)
                return onnx.prove(file, *asked, facts.temperature)
            case "coreml":
                coreml.save(network, facts, *asked, file)
                return coreml.prove(file, facts)
            case _:
                litert.save(network, facts, file)
                return litert.prove(file, facts, *asked)

    def _from_onnx(self, name: str, file: Path) -> Json:
        whole, asked = self._whole(), (self.photos, self.predictions)
        if name == "openvino":
            weights = self.run.files.openvino_weights
            openvino.save(whole, file, weights)
            return openvino.prove(file, weights, whole, *asked)
        smaller.save(name, whole, self.photos, file)
        return smaller.cost(file, *asked)

    def _whole(self) -> Path:
        whole = self.run.files.onnx
        if not whole.is_file():
            raise RunError("it is made from {file}, which is missing. Export onnx, too.", file=whole)
        return whole

    def _facts(self) -> Facts:
        steps, name = validation_transforms.read(self.learn.dls), plain.backbone(self.learn)
        facts = Facts(self.run.path.name, name, self.photos.vocab, steps)
        return facts.calibrated(self.run.calibration)
