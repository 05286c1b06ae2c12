"""A folder of photos alone becomes an experiment: `recipe: best`, with the best backbone that is at hand."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from kimchi_vision.base.plain import Json
from kimchi_vision.config import Experiment
from kimchi_vision.data.layout import Listing, read
from kimchi_vision.learning.model import at_hand

BACKBONES = (
    ("efficientnet_b2", "default"),
    ("resnet50", "default"),
    ("resnet18", "default"),
    ("tf_efficientnet_lite1", "offline"),
    ("tf_efficientnet_lite2", "offline"),
    ("tf_efficientnet_lite0", "offline"),
)
"""Backbones with their `model.weights`, in the order in which they are looked for on this machine."""
UNREACHED = ("resnet18", "default")
"""What is taken where none is at hand: its weights are downloaded."""
VALID_PCT, TEST_PCT = 0.15, 0.2
"""Shares of the photos that choose, and that only score what was chosen."""
ENOUGH = 40
"""Photos of the middle class from which there is a test part: eight of each class, of those there are."""
FOLDS, FEW = 5, 400
"""Models that answer photos without a test part, which they have not seen; and up to how many photos: they
take six times as long, and with more the validation photos say enough."""


def from_folder(path: Path, name: str | None = None) -> Experiment:
    """The experiment for a folder of class folders. name: of the run, by default that of the folder."""
    listing = read(path)
    data = {"path": path, **splitting(listing)}
    asked = {"name": name or run_name(path), "data": data, **scoring(listing), **settings()}
    return Experiment.model_validate(asked)


def splitting(listing: Listing) -> Json:
    """Keys of the section data for photos of which nothing else is said: the set's own parts, or train, valid
    and test; without test where that would be too few photos to say anything.
    """
    if listing.parted:
        return {}
    enough = listing.photos["label"].value_counts().median() >= ENOUGH
    shares = {"valid_pct": VALID_PCT, "test_pct": TEST_PCT} if enough else {"valid_pct": 0.2}
    return {"splitter": "hashed", **shares}


def scoring(listing: Listing) -> Json:
    """Keys of the experiment for few photos without a test part: folds, whose number no photo chose."""
    untested = not listing.parted and "test_pct" not in splitting(listing)
    return {"evaluate": {"folds": FOLDS}} if untested and len(listing.photos) <= FEW else {}


def settings() -> Json:
    """Recipe and backbone for photos of which nothing else is said."""
    backbone, weights = next((pair for pair in BACKBONES if at_hand(*pair)), UNREACHED)
    return {"model": {"backbone": backbone, "weights": weights}, "recipe": "best"}


def run_name(path: Path) -> str:
    """A name for a run from any folder's: letters, digits, and dashes in place of all else."""
    name = unicodedata.normalize("NFC", path.expanduser().resolve().name)
    return re.sub(r"[^\w.]+", "-", name).strip("-.") or "photos"
