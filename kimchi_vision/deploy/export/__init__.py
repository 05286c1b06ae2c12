"""Section `export`: files that leave the run, each checked before it gets its name."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from kimchi_vision.base.errors import InputError, KimchiError, RunError
from kimchi_vision.base.files import replacing, write_text
from kimchi_vision.base.plain import Json
from kimchi_vision.base.run_files import RunFiles
from kimchi_vision.base.sentence import Sentence, Sentences
from kimchi_vision.data.photo import Photos
from kimchi_vision.deploy.export import (
    card,
    folders,
    learner,
    onnx,
    pickles,
    plain,
    smaller,
    tensors,
    timings,
    web,
)
from kimchi_vision.results import validation_transforms
from kimchi_vision.results.model_metadata import Facts
from kimchi_vision.results.predictions import Predictions
from kimchi_vision.results.run import Run

if TYPE_CHECKING:
    from fastai.learner import Learner

    from kimchi_vision.config.sections import Export

__all__ = ["FORMATS", "again", "folder", "write"]

log = logging.getLogger(__name__)

FROM_ONNX = (*smaller.KINDS, "openvino")
FORMATS = ("pkl", "torch", "onnx", "safetensors", "coreml", "litert", *FROM_ONNX)
"""In the order in which they are written: the last are made from model.onnx."""


def write(
    section: Export,
    learn: Learner,
    photos: Photos,
    predictions: Predictions,
    files: RunFiles,
) -> None:
    """Write the files that the section asks for, and export.json with the proof of each.

    predictions: what the learner itself said; a file must say the same. One that does not is refused:
    it is left out, export.json says why, and so does the log; the run goes on to its report, see `missing`.
    """
    source = _Source(learn, photos, predictions, Run(files.path))
    for refusal in source.write(_wanted(section)):
        log.error("%s", refusal)
    if section.timings:
        timings.write(photos, files)
    if files.onnx.is_file():
        write_text(files.card, card.text(Run(files.path)))


def missing(run: Run) -> list[Sentence]:
    """A sentence for each file that the experiment asks for and that is not there; pooled folds have none."""
    if not run.files.export.is_file():
        return []
    files = _files(run.files)
    lost = [files[name] for name in _wanted(run.experiment.export) if not files[name].is_file()]
    proofs = run.json_if(run.files.export)
    return [_lost(file, proofs.get(file.name, {})) for file in lost]


def _lost(file: Path, proof: Json) -> Sentence:
    if "refused" not in proof:
        return Sentence("{file} is missing: it was not written", file=file)
    template, values = proof.get("sentence", (proof["refused"], {}))
    return Sentence("{file} is missing: {reason}", file=file, reason=Sentence(template, **values))


def _refused(error: Exception) -> Json:
    """What export.json says of a file that was refused: in English, and as a Sentence takes it."""
    found = {"refused": str(error)}
    if not isinstance(error, KimchiError):
        return found
    sentence = error.sentence
    plain = {
        key: value if isinstance(value, int | float) else str(value) for key, value in sentence.values.items()
    }
    return {**found, "sentence": [sentence.template, plain]}


def _wanted(section: Export) -> list[str]:
    wanted = section.model_dump() | {"torch": section.weights}
    return [name for name in FORMATS if wanted.get(name)]


def _files(own: RunFiles) -> dict[str, Path]:
    plain = {"pkl": own.pkl, "torch": own.weights, "onnx": own.onnx, "safetensors": own.safetensors}
    extras = {"coreml": own.coreml, "litert": own.litert, "openvino": own.openvino}
    return plain | extras | {name: own.smaller(name) for name in smaller.KINDS}


def again(run: Run, formats: Sequence[str], trust: bool = False) -> list[Path]:
    """Write files of a finished run from its model.pkl; returns their paths.

    trust: load a model.pkl that no run of this user on this machine wrote.
    Raises InputError when the folder or a format is wrong, RunError when a file is refused.
    """
    unknown = set(formats) - set(FORMATS)
    if unknown:
        raise InputError(
            "--format {wrong}: there are {formats}.",
            wrong=",".join(sorted(unknown)),
            formats=", ".join(FORMATS),
        )
    photos, predictions = run.photos, run.predictions
    missing = [file for path in predictions.paths if not (file := photos.root / path).is_file()]
    if missing:
        raise InputError(
            "{file} is missing, and {more} more: files are proven on validation photos.",
            file=missing[0],
            more=len(missing) - 1,
        )
    learn = None if set(formats) <= set(FROM_ONNX) else _learner(run, trust)
    source = _Source(learn, photos, predictions, run, own=not trust)
    refusals = source.write([name for name in FORMATS if name in formats])
    if refusals:
        raise RunError("{refusals}", refusals=Sentences(refusals))
    if run.files.onnx.is_file():
        write_text(run.files.card, card.text(run))
    return [source.files[name] for name in formats]


def _learner(run: Run, trust: bool) -> Learner:
    learn = pickles.load(run.files.pkl, trust)
    learn.path = run.path
    return learn


def folder(run: Run, path: Path, kind: Literal["space", "docker", "web"]) -> Path:
    """A folder with the model: a Hugging Face Space, for `docker build`, or a page that needs no server.

    Raises InputError.
    """
    return web.write(run, path) if kind == "web" else folders.write(run, path, kind == "space")


@dataclass(frozen=True)
class _Source:
    """A learner, the photos that it answered for, and where its files go.

    learn: None is enough for FROM_ONNX.
    own: False for a learner from elsewhere, whose pickles stay a stranger's.
    """

    learn: Learner | None
    photos: Photos
    predictions: Predictions
    run: Run
    own: bool = True

    @property
    def files(self) -> dict[str, Path]:
        return _files(self.run.files)

    def write(self, formats: Sequence[str]) -> list[Sentence]:
        """Write files and their proofs; returns a sentence for each one that is refused."""
        known = self.run.json_if(self.run.files.export)
        refusals = []
        for name in formats:
            file = self.files[name]
            save = partial(self._smaller, name) if name in smaller.KINDS else getattr(self, f"_{name}")
            try:
                known[file.name] = self._write(file, save)
            except OSError:
                raise  # the disk
            except Exception as error:  # exporters and onnxruntime have many kinds
                file.unlink(missing_ok=True)  # an older file has lost its proof
                said = error if isinstance(error, KimchiError) else str(error)
                refusals.append(Sentence("{file} was not written: {error}", file=file, error=said))
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
        facts = Facts(
            experiment=self.run.path.name,
            backbone=plain.backbone(self.learn),
            classes=self.photos.vocab,
            preprocess=validation_transforms.read(self.learn.dls),
        )
        return facts.calibrated(self.run.calibration)
