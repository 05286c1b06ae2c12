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
from kimchi_vision.base.run_files import RunDir
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
from kimchi_vision.deploy.export.smaller import Interval
from kimchi_vision.deploy.export.validation import preprocess
from kimchi_vision.results.model_metadata import Facts

if TYPE_CHECKING:
    import pandas as pd
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
    predictions: pd.DataFrame,
    run: RunDir,
    interval: Interval,
) -> None:
    """Write the files that the section asks for, and export.json with the proof of each.

    predictions: what the learner itself said; a file must say the same. One that does not is refused:
    it is left out, export.json says why, and so does the log, but the run goes on.
    interval: of the accuracy that a smaller file loses.
    """
    wanted = {
        "pkl": section.pkl,
        "torch": section.weights,
        "onnx": section.onnx,
        "safetensors": section.safetensors,
        **{name: getattr(section, name) for name in smaller.KINDS},
    }
    source = _Source(learn, photos, predictions, run, interval)
    for refusal in source.write([name for name in FORMATS if wanted[name]]):
        log.error("%s", refusal)
    if section.timings:
        timings.write(photos, run)
    if run.onnx.is_file():
        write_text(run.card, card.text(run))


def again(run: RunDir, formats: Sequence[str], interval: Interval, trust: bool = False) -> list[Path]:
    """Write files of a finished run from its model.pkl; returns their paths.

    interval: as in write.
    trust: load a model.pkl that no run of this user on this machine wrote.
    Raises InputError when the folder or a format is wrong, RunError when a file is refused.
    """
    unknown = set(formats) - set(FORMATS)
    if unknown:
        raise InputError(f"--format {','.join(sorted(unknown))}: there are {', '.join(FORMATS)}.")
    vocab = tuple(run.read_json(run.labels))
    photos = Photos(Path(run.read_json(run.data)["root"]), run.read_table(run.items), vocab)
    predictions = run.read_table(run.predictions)
    files = [photos.root / path for path in predictions["path"]]
    missing = [file for file in files if not file.is_file()]
    if missing:
        raise InputError(
            f"{missing[0]} is missing, and {len(missing) - 1} more: files are proven on validation photos."
        )
    learn = None if set(formats) <= set(smaller.KINDS) else _learner(run, trust)
    source = _Source(learn, photos, predictions, run, interval, own=not trust)
    refusals = source.write([name for name in FORMATS if name in formats])
    if refusals:
        raise RunError("\n".join(refusals))
    if run.onnx.is_file():
        write_text(run.card, card.text(run))
    return [source.files[name] for name in formats]


def _learner(run: RunDir, trust: bool) -> Learner:
    learn = pickles.load(run.pkl, trust)
    learn.path = run.path
    return learn


def folder(run: RunDir, path: Path, space: bool) -> Path:
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
    predictions: pd.DataFrame
    run: RunDir
    interval: Interval
    own: bool = True

    @property
    def files(self) -> dict[str, Path]:
        run = self.run
        plain = {"pkl": run.pkl, "torch": run.weights, "onnx": run.onnx, "safetensors": run.safetensors}
        return plain | {name: run.smaller(name) for name in smaller.KINDS}

    def write(self, formats: Sequence[str]) -> list[str]:
        """Write files and their proofs; returns a sentence for each one that is refused."""
        known = self.run.read_json(self.run.export) if self.run.export.is_file() else {}
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
        write_json(self.run.export, known)
        return refusals

    def _write(self, file: Path, save: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
        with replacing(file) as temporary:
            proof = save(temporary)
            content = temporary.read_bytes()
        facts = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest(), **proof}
        log.info("%s: %s", file, ", ".join(f"{name} {value}" for name, value in proof.items()))
        if file == self.run.pkl and self.own:
            pickles.remember(facts["sha256"])
        return facts

    def _pkl(self, file: Path) -> dict[str, Any]:
        learner.save(self.learn, file)
        return learner.prove(file, self.photos, self.predictions)

    def _torch(self, file: Path) -> dict[str, Any]:
        return tensors.save_torch(self.learn.model, file)

    def _safetensors(self, file: Path) -> dict[str, Any]:
        return tensors.save_safetensors(self.learn.model, self._facts(), file)

    def _onnx(self, file: Path) -> dict[str, Any]:
        onnx.save(self.learn.model, self._facts(), file)
        return onnx.prove(file, self.photos, self.predictions)

    def _smaller(self, name: str, file: Path) -> dict[str, Any]:
        whole = self.run.onnx
        if not whole.is_file():
            raise RunError(f"it is made from {whole}, which is missing. Export onnx, too.")
        smaller.save(name, whole, self.photos, file)
        return smaller.cost(file, self.photos, self.predictions, self.interval)

    def _facts(self) -> Facts:
        facts = Facts(
            experiment=self.run.path.name,
            backbone=str(self.learn.arch),
            classes=self.photos.vocab,
            preprocess=validation.preprocess(self.learn.dls),
        )
        calibration = self.run.read_json(self.run.calibration) if self.run.calibration.is_file() else {}
        return facts.calibrated(calibration)
