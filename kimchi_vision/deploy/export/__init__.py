"""Section `export`: files that leave the run, each checked before it gets its name."""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fastai.learner import Learner

from kimchi_vision.base.errors import InputError, KimchiError, RunError
from kimchi_vision.base.files import replacing, write_text
from kimchi_vision.base.plain import Json
from kimchi_vision.base.run_files import RunFiles
from kimchi_vision.base.sentence import Sentence, Sentences
from kimchi_vision.config.sections import Export
from kimchi_vision.data.photo import Photos
from kimchi_vision.deploy.export import (
    card,
    folders,
    from_onnx,
    learner,
    onnx,
    phones,
    plain,
    tensors,
    timings,
)
from kimchi_vision.results import validation_transforms
from kimchi_vision.results.model_metadata import Facts
from kimchi_vision.results.predictions import Predictions
from kimchi_vision.results.run import Run

__all__ = ["FORMATS", "again", "folder", "write"]

log = logging.getLogger(__name__)

FROM_ONNX = (*from_onnx.KINDS, "openvino")
"""Formats that are made from model.onnx."""
FORMATS = ("pkl", "torch", "onnx", "safetensors", "coreml", "litert", *FROM_ONNX)
"""In the order in which they are written: the last are made from model.onnx."""


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
    return plain | extras | {name: own.smaller(name) for name in from_onnx.KINDS}


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
                phones.save_coreml(network, facts, *asked, file)
                return phones.prove_coreml(file, facts)
            case _:
                phones.save_litert(network, facts, file)
                return phones.prove_litert(file, facts, *asked)

    def _from_onnx(self, name: str, file: Path) -> Json:
        whole, asked = self.run.files.onnx, (self.photos, self.predictions)
        if not whole.is_file():
            raise RunError("it is made from {file}, which is missing. Export onnx, too.", file=whole)
        if name == "openvino":
            weights = self.run.files.openvino_weights
            from_onnx.save_openvino(whole, file, weights)
            return from_onnx.prove_openvino(file, weights, whole, *asked)
        from_onnx.save_smaller(name, whole, self.photos, file)
        return from_onnx.cost(file, *asked)

    def _facts(self) -> Facts:
        steps, name = validation_transforms.read(self.learn.dls), plain.backbone(self.learn)
        facts = Facts(self.run.path.name, name, self.photos.vocab, steps)
        return facts.calibrated(self.run.calibration)


def write(section: Export, learn: Learner, photos: Photos, predictions: Predictions, files: RunFiles) -> None:
    """Write the files that the section asks for, and export.json with the proof of each.

    predictions: what the learner itself said; a file must say the same. One that does not is refused:
    it is left out, export.json says why, and so does the log; the run goes on to its report, see `missing`.
    """
    source = Source(learn, photos, predictions, Run(files.path))
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
    files = files_of(run.files)
    lost = [files[name] for name in _wanted(run.experiment.export) if not files[name].is_file()]
    proofs = run.json_if(run.files.export)
    return [_lost(file, proofs.get(file.name, {})) for file in lost]


def _lost(file: Path, proof: Json) -> Sentence:
    if "refused" not in proof:
        return Sentence("{file} is missing: it was not written", file=file)
    template, values = proof.get("sentence", ("{reason}", {"reason": proof["refused"]}))
    return Sentence("{file} is missing: {reason}", file=file, reason=Sentence(template, **values))


def _wanted(section: Export) -> list[str]:
    wanted = section.model_dump() | {"torch": section.weights}
    return [name for name in FORMATS if wanted.get(name)]


def again(run: Run, formats: Sequence[str], trust: bool = False) -> list[Path]:
    """Write files of a finished run from its model.pkl; returns their paths.

    trust: load a model.pkl that no run of this user on this machine wrote.
    Raises InputError when the folder or a format is wrong, RunError when a file is refused.
    """
    unknown = set(formats) - set(FORMATS)
    if unknown:
        unknown_format = "--format {wrong}: there are {formats}."
        raise InputError(unknown_format, wrong=",".join(sorted(unknown)), formats=", ".join(FORMATS))
    photos, predictions = run.photos, run.predictions
    missing = [file for path in predictions.part("valid").paths if not (file := photos.root / path).is_file()]
    if missing:
        gone = "{file} is missing, and {more} more: files are proven on validation photos."
        raise InputError(gone, file=missing[0], more=len(missing) - 1)
    asks_learner = any(name not in FROM_ONNX for name in formats)
    learn = learner.load(run.files.pkl, trust) if asks_learner else None
    if learn is not None:
        learn.path = run.path
    source = Source(learn, photos, predictions, run, own=not trust)
    refusals = source.write([name for name in FORMATS if name in formats])
    if refusals:
        raise RunError("{refusals}", refusals=Sentences(refusals))
    if run.files.onnx.is_file():
        write_text(run.files.card, card.text(run))
    return [files_of(run.files)[name] for name in formats]


def folder(run: Run, path: Path, kind: Literal["space", "docker", "web"]) -> Path:
    """A folder with the model: a Hugging Face Space, for `docker build`, or a page that needs no server.

    Raises InputError when the run has no model.onnx that the folder can take, or it holds something already.
    """
    if path.exists() and any(path.iterdir()):
        raise InputError("{folder} is not empty. Give a new folder.", folder=path)
    return folders.page(run, path) if kind == "web" else folders.container(run, path, kind == "space")
