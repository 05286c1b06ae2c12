"""Boxes around what photos are of, from the table that an import writes, and cutting photos to them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from kimchi_vision.base.errors import DataError
from kimchi_vision.base.sentence import Sentence
from kimchi_vision.config.sections import Data
from kimchi_vision.data.boxes import Boxes, read_boxes
from kimchi_vision.data.photo import Note
from kimchi_vision.data.tables import matched, read_csv

PROPERTIES = "crop_area.properties"
BOXES = "boxes.csv"
"""In a folder of photos: columns path, left, top, right, bottom, pixels of the upright photo."""
SIDES = ["left", "top", "right", "bottom"]


def boxed(photos: pd.DataFrame, root: Path, section: Data) -> tuple[pd.DataFrame, list[Note]]:
    """`photos` with a column box, "left,top,right,bottom" in pixels of the upright photo or empty, and notes.

    Boxes are those of boxes.csv in the folder, else of a crop_area.properties beside the photos; without
    either there is no column. With `data.crop: box` a column crop says the same, and every place that opens a
    photo cuts it so. photos: columns path, width, height.
    Raises DataError when boxes are wanted and missing.
    """
    file = root / BOXES
    texts = _from_table(photos, file) if file.is_file() else _from_properties(photos, root)
    if not any(texts):
        if section.crop == "box":
            raise DataError(
                "`data.crop: box` needs {file}; `data import` writes it where boxes are given.", file=file
            )
        return photos, []
    photos = photos.assign(box=texts)
    if section.crop != "box":
        return photos, []
    whole = texts.count("")
    notes = [("noted_whole", {"count": whole})] if whole else []
    return photos.assign(crop=texts), notes


def _from_table(photos: pd.DataFrame, file: Path) -> list[str]:
    table = read_csv(file, ["path", *SIDES], Sentence("`data import` writes one."))
    table = table.assign(path=matched(table["path"], photos["path"], file)).dropna(subset="path")
    table = table.drop_duplicates("path")
    sides = table.set_index("path")[SIDES].apply(pd.to_numeric, errors="coerce").reindex(photos["path"])
    limits = photos[["width", "height", "width", "height"]].to_numpy()
    clipped = np.clip(sides.to_numpy(), 0, limits)
    has = (clipped[:, 2:] > clipped[:, :2]).all(axis=1)
    return [_text(row.round().astype(int)) if there else "" for there, row in zip(has, clipped, strict=True)]


def _from_properties(photos: pd.DataFrame, root: Path) -> list[str]:
    known: dict[PurePosixPath, Boxes] = {}
    texts = []
    for path, size in zip(photos["path"], photos[["width", "height"]].to_numpy().tolist(), strict=True):
        place = PurePosixPath(path)
        if place.parent not in known:
            file = root / place.parent / PROPERTIES
            known[place.parent] = read_boxes(file.read_bytes() if file.is_file() else b"")
        texts.append(_text(known[place.parent].of(place.stem, tuple(size)) or ()))
    return texts


def _text(box: Iterable[int]) -> str:
    return ",".join(map(str, box))
