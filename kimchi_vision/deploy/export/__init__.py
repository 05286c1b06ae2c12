"""Section `export`: files that leave the run, each checked before it gets its name."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kimchi_vision.base.errors import InputError, RunError
from kimchi_vision.base.files import replacing, write_json, write_text
from kimchi_vision.base.run_files import RunFiles
from kimchi_vision.data.photo import Photos
from kimchi_vision.deploy.export import (
    card,
    folders,
    learner,
    onnx,
    pickles,
    smaller,
    tensors,
    timings,
    validation,
)
from kimchi_vision.deploy.export.validation import preprocess
from kimchi_vision.results.model_metadata import Facts
from kimchi_vision.results.predictions import Predictions
from kimchi_vision.results.run import Run

if TYPE_CHECKING:
    from fastai.learner import Learner

    from kimchi_vision.config.sections import Export

__all__ = ["FORMATS", "again", "folder", "preprocess", "write"]

log = logging.getLogger(__name__)

FORMATS = ("pkl", "torch", "onnx", "safetensors", *smaller.KINDS)
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
    it is left out, export.json says why, and so does the log, but the run goes on.
    """
    wanted = {
        "pkl": section.pkl,
        "torch": section.weights,
        "onnx": section.onnx,
        "safetensors": section.safetensors,
        **{name: getattr(section, name) for name in smaller.KINDS},
    }
    source = _Source(learn, photos, predictions, Run(files.path))
    for refusal in source.write([name for name in FORMATS if wanted[name]]):
        log.error("%s", refusal)
    if section.timings:
        timings.write(photos, files)
    if files.onnx.is_file():
        write_text(files.card, card.text(Run(files.path)))


def again(run: Run, formats: Sequence[str], trust: bool = False) -> list[Path]:
    """Write files of a finished run from its model.pkl; returns their paths.

    trust: load a model.pkl that no run of this user on this machine wrote.
    Raises InputError when the folder or a format is wrong, RunError when a file is refused.
    """
    unknown = set(formats) - set(FORMATS)
    if unknown:
        raise InputError(f"--format {','.join(sorted(unknown))}: there are {', '.join(FORMATS)}.")
    photos, predictions = run.photos, run.predictions
    missing = [file for path in predictions.paths if not (file := photos.root / path).is_file()]
    if missing:
        raise InputError(
            f"{missing[0]} is missing, and {len(missing) - 1} more: files are proven on validation photos."
        )
    learn = None if set(formats) <= set(smaller.KINDS) else _learner(run, trust)
    source = _Source(learn, photos, predictions, run, own=not trust)
    refusals = source.write([name for name in FORMATS if name in formats])
    if refusals:
        raise RunError("\n".join(refusals))
    if run.files.onnx.is_file():
        write_text(run.files.card, card.text(run))
    return [source.files[name] for name in formats]


def _learner(run: Run, trust: bool) -> Learner:
    learn = pickles.load(run.files.pkl, trust)
    learn.path = run.path
    return learn


def folder(run: Run, path: Path, space: bool) -> Path:
    """A folder that serves the model: a Hugging Face Space, or for `docker build`. Raises InputError."""
    return folders.write(run, path, space)


@dataclass(frozen=True)
class _Source:
    """A learner, the photos that it answered for, and where its files go.

    learn: None is enough for smaller.KINDS.
    own: False for a learner from elsewhere, whose pickles stay a stranger's.
    """

    learn: Learner | None
    photos: Photos
    predictions: Predictions
    run: Run
    own: bool = True

    @property
    def files(self) -> dict[str, Path]:
        own = self.run.files
        plain = {"pkl": own.pkl, "torch": own.weights, "onnx": own.onnx, "safetensors": own.safetensors}
        return plain | {name: own.smaller(name) for name in smaller.KINDS}

    def write(self, formats: Sequence[str]) -> list[str]:
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
                refusals.append(f"{file} was not written: {error}")
                known[file.name] = {"refused": str(error)}
        write_json(self.run.files.export, known)
        return refusals

    def _write(self, file: Path, save: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
        with replacing(file) as temporary:
            proof = save(temporary)
            content = temporary.read_bytes()
        facts = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest(), **proof}
        log.info("%s: %s", file, ", ".join(f"{name} {value}" for name, value in proof.items()))
        if file == self.run.files.pkl and self.own:
            pickles.remember(facts["sha256"])
        return facts

    def _pkl(self, file: Path) -> dict[str, Any]:
        learner.save(self.learn, file, self._facts().temperature)
        return learner.prove(file, self.photos, self.predictions)

    def _torch(self, file: Path) -> dict[str, Any]:
        return tensors.save_torch(self.learn.model, file)

    def _safetensors(self, file: Path) -> dict[str, Any]:
        return tensors.save_safetensors(self.learn.model, self._facts(), file)

    def _onnx(self, file: Path) -> dict[str, Any]:
        onnx.save(self.learn.model, self._facts(), file)
        return onnx.prove(file, self.photos, self.predictions)

    def _smaller(self, name: str, file: Path) -> dict[str, Any]:
        whole = self.run.files.onnx
        if not whole.is_file():
            raise RunError(f"it is made from {whole}, which is missing. Export onnx, too.")
        smaller.save(name, whole, self.photos, file)
        return smaller.cost(file, self.photos, self.predictions)

    def _facts(self) -> Facts:
        facts = Facts(
            experiment=self.run.path.name,
            backbone=str(self.learn.arch),
            classes=self.photos.vocab,
            preprocess=validation.preprocess(self.learn.dls),
        )
        return facts.calibrated(self.run.calibration)
