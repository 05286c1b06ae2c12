"""Section `export`: files that leave the run, each checked before it gets its name."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from fastai.learner import Learner

from kimchi_vision.base.errors import InputError, RunError
from kimchi_vision.base.files import write_text
from kimchi_vision.base.plain import Json
from kimchi_vision.base.run_files import RunFiles
from kimchi_vision.base.sentence import Sentence, Sentences
from kimchi_vision.config.sections import Export
from kimchi_vision.data.photo import Photos
from kimchi_vision.deploy.export import card, folders, pickles, smaller, timings, web
from kimchi_vision.deploy.export.source import Source, files_of
from kimchi_vision.results.predictions import Predictions
from kimchi_vision.results.run import Run

__all__ = ["FORMATS", "again", "folder", "write"]

log = logging.getLogger(__name__)

FROM_ONNX = (*smaller.KINDS, "openvino")
FORMATS = ("pkl", "torch", "onnx", "safetensors", "coreml", "litert", *FROM_ONNX)
"""In the order in which they are written: the last are made from model.onnx."""


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
    learn = None if set(formats) <= set(FROM_ONNX) else pickles.load(run.files.pkl, trust)
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
    return web.write(run, path) if kind == "web" else folders.write(run, path, kind == "space")
