"""A run folder's model answers for photos: load once, predict many."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kimchi_vision.errors import InputError
from kimchi_vision.photos import SUFFIXES, PhotoSource, open_photo
from kimchi_vision.rundir import RunDir


@dataclass(frozen=True)
class Prediction:
    """The classes of one photo with their probabilities, most probable first."""

    photo: str
    classes: tuple[tuple[str, float], ...]

    @property
    def label(self) -> str:
        """The most probable class."""
        return self.classes[0][0]


class Predictor:
    """The exported model of a run folder.

    Raises InputError when the folder holds no model.
    """

    def __init__(self, run: RunDir) -> None:
        if not run.pkl.is_file():
            raise InputError(f"{run.path} holds no {run.pkl.name}. Give the folder of a finished run.")
        from fastai.learner import load_learner

        with warnings.catch_warnings():
            # The warning is about pickles of strangers; this one lies in the user's own run folder.
            warnings.filterwarnings("ignore", message="load_learner", category=UserWarning)
            self._learn = load_learner(run.pkl)
        self.vocab: tuple[str, ...] = tuple(self._learn.dls.vocab)

    def predict(self, photos: Sequence[PhotoSource], top: int = 5) -> list[Prediction]:
        """Classes of photos given as path, bytes or PIL image, the `top` most probable ones of each.

        Raises InputError that names the photo when one cannot be read.
        """
        opened = []
        for photo in photos:
            try:
                opened.append(open_photo(photo))
            except (OSError, ValueError) as error:
                raise InputError(f"{_name(photo)} cannot be read as a photo: {error}") from None
        if not opened:
            return []
        probabilities, _ = self._learn.get_preds(dl=self._learn.dls.test_dl(opened, num_workers=0))
        rows = np.asarray(probabilities, dtype=np.float64)
        return [self._prediction(photo, row, top) for photo, row in zip(photos, rows, strict=True)]

    def _prediction(self, photo: PhotoSource, row: np.ndarray, top: int) -> Prediction:
        order = np.argsort(-row, kind="stable")[:top]
        return Prediction(_name(photo), tuple((self.vocab[index], float(row[index])) for index in order))


def find_photos(paths: Sequence[Path]) -> list[Path]:
    """Photos among paths, folders searched to any depth, in order. Raises InputError when there is none."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
        elif path.is_file():
            found.append(path)
        else:
            raise InputError(f"{path}: there is no such photo or folder.")
    if not found:
        raise InputError(f"{', '.join(map(str, paths))}: no photos there.")
    return found


def _name(photo: PhotoSource) -> str:
    return str(photo) if isinstance(photo, str | Path) else "photo"
