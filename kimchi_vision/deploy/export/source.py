"""A learner's files, each written under a temporary name and proven before it gets its own."""

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fastai.learner import Learner

from kimchi_vision.base.errors import KimchiError, RunError
from kimchi_vision.base.files import replacing
from kimchi_vision.base.plain import Json
from kimchi_vision.base.run_files import RunFiles
from kimchi_vision.base.sentence import Sentence
from kimchi_vision.data.photo import Photos
from kimchi_vision.deploy.export import learner, onnx, pickles, plain, smaller, tensors
from kimchi_vision.results import validation_transforms
from kimchi_vision.results.model_metadata import Facts
from kimchi_vision.results.predictions import Predictions
from kimchi_vision.results.run import Run

log = logging.getLogger(__name__)


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
            save = partial(self._smaller, name) if name in smaller.KINDS else getattr(self, f"_{name}")
            try:
                known[file.name] = self._write(file, save)
            except OSError:
                raise  # the disk
            except Exception as error:  # exporters and onnxruntime have many kinds
                file.unlink(missing_ok=True)  # an older file has lost its proof
                refusals.append(Sentence("{file} was not written: {error}", file=file, error=error))
                known[file.name] = _refused(error)
        self.run.write_json(self.run.files.export, known)
        return refusals

    def _write(self, file: Path, save: Callable[[Path], Json]) -> Json:
        with replacing(file) as temporary:
            proof = save(temporary)
            content = temporary.read_bytes()
        facts = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest(), **proof}
        log.info("%s: %s", file, ", ".join(f"{name} {value}" for name, value in proof.items()))
        if file == self.run.files.pkl and self.own:
            pickles.remember(facts["sha256"])
        return facts

    def _pkl(self, file: Path) -> Json:
        bound = learner.save(self.learn, file, self._facts().temperature)
        if bound:
            log.warning("%s: %s", self.run.files.pkl, learner.bound(**bound))
        return {**learner.prove(file, self.photos, self.predictions), **bound}

    def _torch(self, file: Path) -> Json:
        return tensors.save_torch(self.learn.model, file)

    def _safetensors(self, file: Path) -> Json:
        return tensors.save_safetensors(self.learn.model, self._facts(), file)

    def _onnx(self, file: Path) -> Json:
        facts = self._facts()
        onnx.save(self.learn.model, facts, file)
        return onnx.prove(file, self.photos, self.predictions, facts.temperature)

    def _smaller(self, name: str, file: Path) -> Json:
        smaller.save(name, self._whole(), self.photos, file)
        return smaller.cost(file, self.photos, self.predictions)

    def _coreml(self, file: Path) -> Json:
        from kimchi_vision.deploy.export import coreml  # an extra

        facts = self._facts()
        coreml.save(self.learn.model, facts, self.photos, self.predictions, file)
        return coreml.prove(file, facts)

    def _litert(self, file: Path) -> Json:
        from kimchi_vision.deploy.export import litert  # an extra

        facts = self._facts()
        litert.save(self.learn.model, facts, file)
        return litert.prove(file, facts, self.photos, self.predictions)

    def _openvino(self, file: Path) -> Json:
        from kimchi_vision.deploy.export import openvino  # an extra

        whole, weights = self._whole(), self.run.files.openvino_weights
        openvino.save(whole, file, weights)
        return openvino.prove(file, weights, whole, self.photos, self.predictions)

    def _whole(self) -> Path:
        whole = self.run.files.onnx
        if not whole.is_file():
            raise RunError("it is made from {file}, which is missing. Export onnx, too.", file=whole)
        return whole

    def _facts(self) -> Facts:
        steps, name = validation_transforms.read(self.learn.dls), plain.backbone(self.learn)
        facts = Facts(self.run.path.name, name, self.photos.vocab, steps)
        return facts.calibrated(self.run.calibration)
