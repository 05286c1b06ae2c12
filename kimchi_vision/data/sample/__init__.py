"""Drawn photos of eleven kinds of kimchi with known truth, for trying things out without a data set."""

import contextlib
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from kimchi_vision.base.errors import ConfigError, DataError
from kimchi_vision.base.files import write_table
from kimchi_vision.base.threads import share
from kimchi_vision.config.sections import Sample
from kimchi_vision.data.sample.dishes import TABLES
from kimchi_vision.data.sample.photo import CHANGES, CLASSES, Box, Photo, changed, shoot

__all__ = ["CLASSES", "VERSION", "draw"]

VERSION = 2
"""Of how photos look: a cache keeps those of each version apart."""

_ABOUT = """# Drawn, not photographed

These pictures were drawn by kimchi_vision. They are no photos: a score on them says nothing about real food.
`truth.csv` says what each picture shows and what was planted; `crop_area.properties` holds the food's box.

이 그림들은 kimchi_vision이 그린 것이며 실제 사진이 아닙니다.
여기서 얻은 점수는 실제 음식에 대해 아무것도 말해 주지 않습니다.

Settings: `{settings}`
"""


def draw(section: Sample, folder: Path) -> Path:
    """Draw a set of photos in class folders, all of it or nothing, and return its folder.

    The folder also gets `truth.csv` (see `plan`), `DRAWN.md`, and a `crop_area.properties` in each class
    folder, as AI Hub has them. The same settings give the same bytes with the same numpy and Pillow.
    A set that is there already with the same settings is kept.
    Raises DataError when the folder holds something else, ConfigError when the plants need more photos.
    """
    about = _ABOUT.format(settings=section.model_dump_json())
    photos = plan(section)
    if _there(folder, about):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as place:
        made = Path(place) / folder.name
        _fill(made, photos, section)
        (made / "DRAWN.md").write_text(about, encoding="utf-8")
        try:
            made.rename(folder)
        except OSError:
            # Another process may have drawn the same set in the meantime.
            if not _there(folder, about):
                raise
    return folder


def _there(folder: Path, about: str) -> bool:
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return False
    with contextlib.suppress(OSError, UnicodeDecodeError):
        if (folder / "DRAWN.md").read_text(encoding="utf-8") == about:
            return True
    what = "{folder} is there already and isn't this drawn sample. Choose another folder, or move it away."
    raise DataError(what, folder=folder)


def _fill(folder: Path, photos: pd.DataFrame, section: Sample) -> None:
    for name in CLASSES:
        (folder / name).mkdir(parents=True)
    copies = photos["planted"] == "duplicate"
    with ThreadPoolExecutor(min(4, share())) as pool:
        originals = [row for _, row in photos[~copies].iterrows()]
        drawn = pool.map(partial(_original, folder, section), originals)
        boxes = dict(zip(photos["path"][~copies], drawn, strict=True))
    for _, row in photos[copies].iterrows():
        boxes[row["path"]] = _duplicate(folder, section, row, boxes[row["source"]])
    for name, part in photos.groupby("folder"):
        lines = [f"{Path(path).stem}={','.join(map(str, boxes[path]))}\n" for path in part["path"]]
        (folder / str(name) / "crop_area.properties").write_text("".join(lines), encoding="utf-8")
    write_table(folder / "truth.csv", photos)


def _key(row: pd.Series) -> tuple[int, int]:
    return CLASSES.index(row["folder"]), int(row["path"][-8:-4])


def _original(folder: Path, section: Sample, row: pd.Series) -> Box:
    photo = shoot(row["label"], int(row["table"]), stream(section, 1, *_key(row)))
    photo.image.save(folder / row["path"], quality=photo.quality)
    return photo.box


def _duplicate(folder: Path, section: Sample, row: pd.Series, box: Box) -> Box:
    if row["change"] == "exact":
        shutil.copyfile(folder / row["source"], folder / row["path"])
        return box
    with Image.open(folder / row["source"]) as image:
        source = Photo(image.convert("RGB"), box, 0)
    photo = changed(source, row["change"], np.random.default_rng(stream(section, 3, *_key(row))))
    photo.image.save(folder / row["path"], quality=photo.quality)
    return photo.box


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
