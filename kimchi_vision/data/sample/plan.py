"""What each photo of a drawn set shows and what is wrong with it, decided before anything is drawn."""

import numpy as np
import pandas as pd

from kimchi_vision.base.errors import ConfigError
from kimchi_vision.config.sections import Sample
from kimchi_vision.data.sample.dishes import TABLES
from kimchi_vision.data.sample.photo import CHANGES, CLASSES


def stream(section: Sample, *key: int) -> np.random.SeedSequence:
    """A seed of its own for each purpose or photo, so that none depends on the order of drawing."""
    return np.random.SeedSequence(section.seed, spawn_key=key)


def plan(section: Sample) -> pd.DataFrame:
    """A row a photo, in the order of folders and numbers.

    path: below the set's folder. label: the class that is drawn. folder: the class that it is put under.
    planted: label_error, duplicate, background or none. change: how a duplicate differs from the photo in
    `source`. group: the same number for a photo and its copies. table: number of the table under the dish.

    Label errors and duplicates are shares of all photos, rounded, and never fall on the same photo. A telling
    background is a share of each class's photos that are no copies; copies have the table of their source.
    Raises ConfigError when there are not enough photos for the plants.
    """
    count = section.per_class
    folders = np.repeat(CLASSES, count)
    numbers = np.tile(np.arange(count), len(CLASSES))
    names = [f"{folder}/drawn_{number:04d}.jpg" for folder, number in zip(folders, numbers, strict=True)]
    photos = pd.DataFrame({"path": names, "label": folders, "folder": folders, "planted": "none"})
    photos[["change", "source"]] = ""
    photos["group"] = np.arange(len(photos))
    places = [(CLASSES.index(f), n) for f, n in zip(folders, numbers, strict=True)]
    draws = [np.random.default_rng(stream(section, 2, *place)) for place in places]
    photos["table"] = [draw.integers(len(TABLES)) for draw in draws]
    rng = np.random.default_rng(stream(section, 0))
    free = _free(photos, count, rng)
    wrong, copies = (round(share * len(photos)) for share in (section.label_errors, section.duplicates))
    if wrong + copies > len(free):
        what = (
            "data.sample asks for {wrong} label errors and {copies} duplicates among {photos} "
            "photos, but one photo of each class must stay as it is. Lower label_errors or "
            "duplicates to {most} photos together."
        )
        raise ConfigError(what, wrong=wrong, copies=copies, photos=len(photos), most=len(free))
    _mislabel(photos, free[:wrong], rng)
    _betray(photos, free[wrong : wrong + copies], section.background, rng)
    _copy(photos, free[wrong : wrong + copies], rng)
    return photos


def _free(photos: pd.DataFrame, count: int, rng: np.random.Generator) -> np.ndarray:
    """Rows that may get a plant, shuffled; one of each folder stays out."""
    kept = np.arange(len(CLASSES)) * count + rng.integers(0, count, len(CLASSES))
    return rng.permutation(np.setdiff1d(np.arange(len(photos)), kept))


def _mislabel(photos: pd.DataFrame, rows: np.ndarray, rng: np.random.Generator) -> None:
    for row in rows:
        others = [name for name in CLASSES if name != photos.at[row, "folder"]]
        photos.loc[row, ["label", "planted"]] = str(rng.choice(others)), "label_error"


def _betray(photos: pd.DataFrame, copies: np.ndarray, share: float, rng: np.random.Generator) -> None:
    originals = photos.drop(index=copies)
    for number, name in enumerate(CLASSES):
        rows = originals.index[originals["label"] == name]
        telling = rng.permutation(rows)[: round(share * len(rows))]
        photos.loc[telling, "table"] = number
        photos.loc[telling, "planted"] = photos.loc[telling, "planted"].replace("none", "background")


def _copy(photos: pd.DataFrame, rows: np.ndarray, rng: np.random.Generator) -> None:
    taken = photos["planted"].eq("label_error") | photos.index.isin(rows)
    for order, row in enumerate(rows):
        sources = photos.index[~taken & (photos["folder"] == photos.at[row, "folder"])]
        source = rng.choice(sources)
        photos.loc[row, ["planted", "change"]] = "duplicate", CHANGES[order % len(CHANGES)]
        taken_over = photos.loc[source, ["path", "group", "table"]].to_numpy()
        photos.loc[row, ["source", "group", "table"]] = taken_over
