"""What a finished run's network finds in photos: which are alike, and a map of them."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from safetensors import SafetensorError, safe_open
from torch import nn

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.files import sha256_of, write_table
from kimchi_vision.base.messages import catalogue, language
from kimchi_vision.base.numbers import percent
from kimchi_vision.base.plain import Json
from kimchi_vision.config import Experiment
from kimchi_vision.data import images
from kimchi_vision.data.audit import Audit
from kimchi_vision.data.decoding import check_size
from kimchi_vision.data.photo import Photo, Photos
from kimchi_vision.deploy.predictor import find_photos
from kimchi_vision.jobs import folder
from kimchi_vision.learning import linear_probe, model
from kimchi_vision.results import embedding, report
from kimchi_vision.results.model_metadata import Facts
from kimchi_vision.results.predictions import Predictions
from kimchi_vision.results.report import pictures
from kimchi_vision.results.run import Run
from kimchi_vision.results.temperature import softmax

log = logging.getLogger(__name__)

MAP_SIDE = 84
"""Pixels of the longer side of a photo on the map of a folder."""
WRITTEN = "python -m kimchi_vision export {} --format safetensors"


class Seen(NamedTuple):
    """What a network finds in photos.

    items: the rows that could be read. features: (photos, features). probabilities: calibrated, (photos,
    classes).
    """

    items: pd.DataFrame
    features: np.ndarray
    probabilities: np.ndarray

    def taken(self, place: int, classes: Sequence[str]) -> str:
        """What a photo is taken for, with its probability."""
        best = int(self.probabilities[place].argmax())
        return f"{classes[best]} {percent(self.probabilities[place, best])}"


@dataclass(frozen=True)
class Seeing:
    """A finished run's network, asked what it finds in photos; each photo is computed once on a machine."""

    network: nn.Sequential
    facts: Facts

    @classmethod
    def of(cls, run: Run) -> Seeing:
        """Raises InputError when the run has no sound model.safetensors."""
        return cls(*restored(run))

    def __call__(self, photos: Photos, items: pd.DataFrame) -> Seen:
        """What is found in rows of `photos.items`; those that cannot be read are named in the log."""
        photos, items = replace(photos, on_unreadable="skip"), items.assign(split="asked")
        network = linear_probe.Answering(self.network)
        values = linear_probe.compute(network, photos, items, self.facts.preprocess)
        read = np.isfinite(values).all(axis=1)
        classes = len(self.facts.classes)
        features, logits = values[read, :-classes], values[read, -classes:]
        return Seen(items[read].reset_index(drop=True), features, softmax(logits, self.facts.temperature))


def restored(run: Run) -> tuple[nn.Sequential, Facts]:
    """The network of a finished run, rebuilt without a pickle, and what its file says, calibrated as the run.

    Raises InputError when the run has no model.safetensors or it is damaged.
    """
    file = weights(run)
    try:
        with safe_open(file, "numpy") as opened:
            facts = Facts.from_metadata(opened.metadata() or {})
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        what = "{file} is damaged: {error}. Write it anew with: {command}"
        raise InputError(what, file=file, error=error, command=WRITTEN.format(run.path)) from None
    network = model.restored(run.experiment.model, file, len(facts.classes))
    return network, facts.calibrated(run.calibration)


def weights(run: Run) -> Path:
    """model.safetensors of a finished run. Raises InputError when it is missing."""
    file = run.files.safetensors
    if not file.is_file():
        missing = "{file} is missing. Write it with: {command}"
        raise InputError(missing, file=file, command=WRITTEN.format(run.path))
    return file


def found(paths: Sequence[Path]) -> Photos:
    """Photos among files and folders as a table of their own, exact copies once, without classes or parts.

    Raises InputError when there is none, or one is too large.
    """
    files = find_photos(paths)
    items = pd.DataFrame({"path": list(map(str, files)), "label": "", "sha256": list(map(content, files))})
    return Photos(Path(), items.drop_duplicates("sha256", ignore_index=True), ())


def content(file: Path) -> str:
    """The hash of a file's bytes. Raises InputError for a file that is too large."""
    try:
        check_size(file)
    except ValueError as error:
        raise InputError("{file} {reason}.", file=file, reason=error) from None
    return sha256_of(file)


def similar(
    run: Run, paths: Sequence[Path], number: int, page: Path | None = None, lang: str = "auto"
) -> Iterator[str]:
    """The photos of a run that its network finds most like others, line by line; page: with pictures.

    Without paths, the map of its validation photos, and its report is written again.
    Raises InputError when the run has no model.safetensors, or its photos are gone.
    """
    say, seeing, own = catalogue(language(lang)), Seeing.of(run), present(run)
    if not paths:
        valid = own.part("valid")
        seen = seeing(own, valid)
        table = embedding.laid_out(seen.features, seen.items["path"].tolist())
        if table is None:
            raise InputError("A map takes {least} validation photos or more.", least=embedding.FEWEST)
        run.write_table(run.files.embedding, table)
        yield say("written_to", path=report.write(run, run.experiment.report))
        return
    asked = found(paths)
    seen, known = seeing(asked, asked.items), seeing(own, own.items)
    rows, alike = embedding.nearest(known.features, seen.features, number)
    groups = []
    for place, path in enumerate(seen.items["path"]):
        taken, near = seen.taken(place, seeing.facts.classes), known.items.iloc[rows[place]]
        yield f"{path}: {taken}"
        shown = [pictures.Picture(Photo(Path(path)), taken, Path(path).name)]
        for file, label, likeness in zip(own.files(near), near["label"], alike[place], strict=True):
            yield f"    {likeness:.2f}  {label}  {file}"
            shown.append(pictures.Picture(file, label, say("likeness", share=f"{likeness:.2f}")))
        groups.append(pictures.Group(path, shown))
    if page is not None:
        name = say("similar_title", run=run.name)
        pictures.write(page, pictures.Page(name, "", [say("similar_help")], groups), lang)
        yield say("written_to", path=page)


def present(run: Run) -> Photos:
    """The photos of a run that still lie where it found them; a log line counts the others.

    Raises InputError when none does.
    """
    photos = run.photos
    there = [file.path.is_file() for file in photos.files(photos.items)]
    if not any(there):
        raise InputError(
            "The photos of {run} are no longer in {folder}: put them back.", run=run.path, folder=photos.root
        )
    if not all(there):
        log.warning("Photos of the run that are no longer there are left out: %d.", there.count(False))
    return replace(photos, items=photos.items[there].reset_index(drop=True))


def drawn(features: np.ndarray, predictions: Predictions, file: Path) -> None:
    """The map of a run's validation photos. features: one row for each of predictions."""
    valid = (predictions.table["split"] == "valid").to_numpy()
    table = embedding.laid_out(features[valid], predictions.part("valid").paths)
    if table is not None:
        write_table(file, table)


def map_of(found: Audit) -> Json | None:
    """A map of a folder of photos, as data.page.write takes it; None for too few.

    Features are those of the backbone that a run of the folder would start from; what a photo looks like is
    said by a linear head that was fitted on the others.
    """
    items = found.photos[found.photos["problem"] == ""].assign(split="asked").reset_index(drop=True)
    classes = sorted(items["label"].unique())
    photos = Photos(found.root, items, tuple(classes), on_unreadable="skip")
    asked = Experiment.model_validate({"name": "map", "data": {"path": found.root}, **folder.settings()})
    body, preprocess = model.frozen(asked.model)
    values = linear_probe.compute(body, photos, items, preprocess)
    truth = photos.numbers(items)
    alone = len(classes) < 2 or np.bincount(truth).min() < 2
    said = truth if alone else linear_probe.cross_validated(asked.features, values, truth)
    paths = items["path"].tolist()
    table = embedding.laid_out(values, paths)
    if table is None:
        return None
    small = images.thumbnails(dict(zip(paths, photos.files(items), strict=True)), MAP_SIDE)
    columns = zip(paths, truth.tolist(), said.tolist(), strict=True)
    cells = [
        {"path": path, "actual": actual, "predicted": looks, "picture": small.get(path)}
        for path, actual, looks in columns
    ]
    return {"cells": cells, "points": embedding.points(table, paths), "classes": classes}
