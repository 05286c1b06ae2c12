"""Share photos out between train, valid and test."""

from __future__ import annotations

from pathlib import PurePosixPath

import numpy as np
import pandas as pd

from kimchi_vision.config.sections import Data
from kimchi_vision.errors import DataError

PARTS = {
    "train": "train", "training": "train",
    "valid": "valid", "val": "valid", "validation": "valid",
    "test": "test", "testing": "test",
}  # fmt: skip
"""Folder names that say where their photos belong."""


def split(photos: pd.DataFrame, section: Data) -> tuple[pd.Series, list[str]]:
    """The part (train, valid or test) of each row of `photos`, and notes.

    photos: columns path, label; the order of the rows decides, so sort them first.
    Raises DataError when nothing is left to train on or to validate with.
    """
    ways = {"random": _random, "stratified": _stratified, "folders": _folders}
    parts = pd.Series(ways[section.splitter](photos, section), index=photos.index, name="split")
    notes = []
    if section.splitter == "folders" and "valid" not in set(parts):
        parts = parts.replace("test", "valid")
        notes.append("There is no valid folder: the photos of the test folder are the validation photos.")
    for part, purpose in (("train", "train on"), ("valid", "validate with")):
        if part not in set(parts):
            raise DataError(f"The {section.splitter} split of {len(parts)} photos leaves none to {purpose}.")
    return parts, notes + _check_classes(photos["label"], parts, section)


def _random(photos: pd.DataFrame, section: Data) -> np.ndarray:
    """fastai's RandomSplitter(valid_pct, seed): the first ones of a permutation; test takes the next."""
    order = torch_randperm(len(photos), section.seed)
    return _dealt(order, int(section.valid_pct * len(photos)), int(section.test_pct * len(photos)))


def _stratified(photos: pd.DataFrame, section: Data) -> np.ndarray:
    """The shares hold within each class, which keeps at least one photo in each part while it has enough."""
    parts = np.empty(len(photos), dtype=object)
    generator = np.random.default_rng(section.seed)
    for rows in photos.groupby("label", sort=True).indices.values():
        count = len(rows)
        valid = min(max(round(section.valid_pct * count), 1), count - 1)
        test = min(max(round(section.test_pct * count), 1), count - valid - 1) if section.test_pct else 0
        parts[rows] = _dealt(generator.permutation(count), valid, test)
    return parts


def _folders(photos: pd.DataFrame, section: Data) -> list[str]:
    parts = []
    for path in photos["path"]:
        above = PurePosixPath(path).parts[:-2]
        named = [PARTS[name.lower()] for name in above if name.lower() in PARTS]
        if not named:
            raise DataError(
                f"{path} lies in no folder named train, valid or test above its class folder, "
                "as `data.splitter: folders` needs. Use random or stratified for such a layout."
            )
        parts.append(named[0])
    return parts


def _dealt(order: np.ndarray, valid: int, test: int) -> np.ndarray:
    parts = np.full(len(order), "train", dtype=object)
    parts[order[:valid]] = "valid"
    parts[order[valid : valid + test]] = "test"
    return parts


def _check_classes(labels: pd.Series, parts: pd.Series, section: Data) -> list[str]:
    counts = pd.crosstab(labels, parts).reindex(columns=["train", "valid"], fill_value=0)
    untrained = list(counts.index[counts["train"] == 0])
    if untrained:
        raise DataError(
            f"The {section.splitter} split leaves no photo to train on of: {', '.join(untrained)}. "
            "Add photos, or use `data.splitter: stratified`."
        )
    unscored = ", ".join(counts.index[counts["valid"] == 0])
    return [f"No photo to validate with of: {unscored}; their scores will say nothing."] if unscored else []


def torch_randperm(count: int, seed: int) -> np.ndarray:
    """torch.randperm(count) after torch.manual_seed(seed), without torch.

    The same Mersenne Twister and Fisher-Yates shuffle as torch's randperm_cpu (aten, TensorFactories.cpp);
    so the split can be made, checked and shown where torch is not installed.
    """
    raw = np.random.RandomState(seed % 2**32).randint(0, 2**32, size=max(count - 1, 0), dtype=np.uint32)
    order = np.arange(count)
    for place, number in enumerate(raw.tolist()):
        other = place + number % (count - place)
        order[place], order[other] = order[other], order[place]
    return order
