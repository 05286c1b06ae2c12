"""Section `features`: what the frozen body sees in photos, and the floor: a linear head on that alone."""

import hashlib
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from filelock import FileLock
from torch import Tensor, nn

from kimchi_vision.base import cache
from kimchi_vision.base.errors import RunError
from kimchi_vision.base.files import replacing
from kimchi_vision.base.progress import reached
from kimchi_vision.base.threads import share
from kimchi_vision.config.sections import Features
from kimchi_vision.data.photo import Photo, Photos, open_photo
from kimchi_vision.learning.linear_probe.linear import AS_THEY_ARE, Linear, Rare, apart, cross_validated, fit
from kimchi_vision.learning.model.side_by_side import SideBySide
from kimchi_vision.results.predictions import Predictions
from kimchi_vision.results.preprocess import Preprocess

__all__ = ["Answering", "Floor", "Rare", "compute", "cross_validated", "fit", "floor", "pooled"]

log = logging.getLogger(__name__)

BATCH = 32


class Answering(nn.Module):
    """A network of body and head that gives its logits after what its body finds: (n, features + classes)."""

    def __init__(self, network: nn.Sequential) -> None:
        super().__init__()
        self.body, self.head = network

    def forward(self, photos: Tensor) -> Tensor:
        """photos: (n, 3, size, size), prepared."""
        maps = self.body(photos)
        return torch.cat([pooled(maps), self.head(maps)], dim=1)


def pooled(maps: Tensor) -> Tensor:
    """Features (n, features) of what a body gives: maps (n, features, height, width), or features."""
    return maps.mean((2, 3)) if maps.ndim == 4 else maps


def compute(body: nn.Module, photos: Photos, items: pd.DataFrame, preprocess: Preprocess) -> np.ndarray:
    """Features of the rows of `items`, (photos, features) float32; a feature map becomes its average.

    body: photos (n, 3, size, size) to maps (n, features, height, width) or features (n, features); used in
    evaluation mode and left as it was. preprocess: from an upright photo to what the body takes.
    Photos that an earlier run has sent through the same weights are read from the disk (`cache.folder`).
    A photo that cannot be read has NaN where photos.on_unreadable is skip and it scores nothing; otherwise
    ValueError.
    """
    file = cache.folder() / f"{_key(body, preprocess)}.features.npz"
    files, opened = photos.files(items), _opener(photos, items, preprocess)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{file}.lock"):
            return _completed(file, body, opened, files)
    except OSError as error:
        log.warning("Features are not kept in %s (%s).", file.parent, error)
        return np.stack(list(_computed(body, opened, files)))


def _completed(
    file: Path, body: nn.Module, opened: Callable[[Photo], np.ndarray], files: list[Photo]
) -> np.ndarray:
    known = _read(file)
    missing = {file.content: file for file in files if file.content not in known}
    if missing:
        known |= dict(zip(missing, _computed(body, opened, list(missing.values())), strict=True))
        whole = {name: values for name, values in known.items() if np.isfinite(values).all()}
        with replacing(file) as temporary:
            np.savez(temporary, hashes=np.array(list(whole)), values=np.array(list(whole.values())))
    return np.stack([known[file.content] for file in files])


def _read(file: Path) -> dict[str, np.ndarray]:
    """Content hash → features; empty when nothing is kept or the file is damaged."""
    try:
        with file.open("rb") as opened, np.load(opened) as content:
            return dict(zip(content["hashes"].tolist(), content["values"], strict=True))
    except FileNotFoundError:
        return {}
    except Exception as error:  # zipfile, zlib and NumPy each have their own.
        log.warning("%s is damaged (%s) and is built anew.", file, error)
        return {}


def _opener(photos: Photos, items: pd.DataFrame, preprocess: Preprocess) -> Callable[[Photo], np.ndarray]:
    """From a file to what the body takes; a photo that may be skipped becomes NaN, and so do its features."""
    may_skip = photos.on_unreadable == "skip" and not items["split"].isin(["valid", "test"]).any()

    def opened(file: Photo) -> np.ndarray:
        try:
            return preprocess(open_photo(file))
        except (OSError, ValueError) as error:
            if not may_skip:
                raise ValueError(f"{file}: {error}") from error
            log.warning("%s is left out of the features: %s", file, error)
            return np.full((3, preprocess.size, preprocess.size), np.nan, np.float32)

    return opened


def _computed(
    body: nn.Module, opened: Callable[[Photo], np.ndarray], files: list[Photo]
) -> Iterator[np.ndarray]:
    """Features photo by photo; the photos of the next batch are opened while the body works."""
    was_training, device = body.training, next(body.parameters()).device
    body.eval()
    done = 0
    try:
        with ThreadPoolExecutor(share()) as pool, torch.inference_mode():
            ready = pool.map(opened, files)
            while batch := list(islice(ready, BATCH)):
                yield from pooled(body(torch.from_numpy(np.stack(batch)).to(device))).float().cpu().numpy()
                done += len(batch)
                reached(done, len(files))
    finally:
        body.train(was_training)


def _key(body: nn.Module, preprocess: Preprocess) -> str:
    """A name that changes with any weight, layer or step."""
    digest = hashlib.sha256(f"{preprocess} {body}".encode())
    for value in body.state_dict().values():
        digest.update(value.cpu().numpy().tobytes())
    return digest.hexdigest()[:24]


@dataclass(frozen=True)
class Floor:
    """A linear head and what it says about the validation photos.

    start: the head that training starts from: `head`, but for bodies side by side.
    predictions: columns as evaluate.predictions has them. seconds: for features and fit.
    lost: columns path, label, reason: training photos that had no part in it.
    """

    head: Linear
    start: Linear
    predictions: Predictions
    seconds: float
    lost: pd.DataFrame


def floor(
    section: Features,
    body: nn.Module,
    photos: Photos,
    preprocess: Preprocess,
    rare: Rare = AS_THEY_ARE,
) -> Floor | None:
    """Fit a linear head on the training photos' features, and answer for the validation photos.

    None when the section asks for no floor. Arguments as in `compute`.
    Raises RunError when every training photo of a class is left out.
    """
    if not section.floor:
        return None
    started = time.perf_counter()
    train, valid = photos.part("train"), photos.part("valid")
    labels = photos.numbers(train)
    values, asked = (compute(body, photos, part, preprocess) for part in (train, valid))
    read = np.isfinite(values).all(axis=1)
    _check_left(photos.vocab, train["label"][read])
    labels, classes, centre = labels[read], len(photos.vocab), _centred(body, values[read])
    values, asked = values[read] - centre, asked - centre
    head = start = fit(section, values, labels, classes, rare)
    if isinstance(body, SideBySide):
        start = apart(section, values, labels, classes, body.first, rare)
    predictions = Predictions.from_probabilities(valid, head.probabilities(asked), photos.vocab)
    seconds = round(time.perf_counter() - started, 1)
    log.info(
        "Floor: %d of %d photos right by a linear head on frozen features, %.0f s.",
        predictions.right.sum(),
        len(predictions),
        seconds,
    )
    lost = train.loc[~read, ["path", "label"]].assign(reason="cannot be read any more")
    return Floor(head, start, predictions, seconds, lost)


def _check_left(vocab: Sequence[str], labels: pd.Series) -> None:
    empty = sorted(set(vocab) - set(labels))
    if empty:
        raise RunError(
            "No training photo of {classes} can be read any more: put them back.", classes=", ".join(empty)
        )


def _centred(body: nn.Module, values: np.ndarray) -> np.ndarray:
    """What bodies side by side take off their features from now on, (features,)."""
    centre = np.zeros(values.shape[1], np.float32)
    if isinstance(body, SideBySide):
        centre[body.first :] = values[:, body.first :].mean(axis=0)
        body.centre.copy_(torch.from_numpy(centre[body.first :]))
    return centre
