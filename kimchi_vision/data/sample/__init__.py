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

from kimchi_vision.base.errors import DataError
from kimchi_vision.base.files import write_table
from kimchi_vision.base.threads import share
from kimchi_vision.config.sections import Sample
from kimchi_vision.data.sample.photo import CLASSES, Box, Photo, changed, shoot
from kimchi_vision.data.sample.plan import plan, stream

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
