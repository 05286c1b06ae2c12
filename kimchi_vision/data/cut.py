"""Boxes around what photos are of, from the table that an import writes, and cutting photos to them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from kimchi_vision.config.sections import Data
from kimchi_vision.data.tables import read_csv
from kimchi_vision.errors import DataError

BOXES = "boxes.csv"
"""In a folder of photos: columns path, left, top, right, bottom, pixels of the upright photo."""
SIDES = ["left", "top", "right", "bottom"]


def boxed(photos: pd.DataFrame, root: Path, section: Data) -> tuple[pd.DataFrame, list[str]]:
    """`photos` with a column box, "left,top,right,bottom" in pixels of the upright photo or empty, and notes.

    The column is there when the folder has boxes; with `data.crop: box` a column crop says the same, and
    every place that opens a photo cuts it so. Boxes reach to the borders of their photo at most.
    photos: columns path, width, height. Raises DataError when boxes are wanted and missing.
    """
    file = root / BOXES
    if not file.is_file():
        if section.crop == "box":
            raise DataError(f"`data.crop: box` needs {file}; `data import` writes it where boxes are given.")
        return photos, []
    table = read_csv(file, ["path", *SIDES], "`data import` writes one.").drop_duplicates("path")
    sides = table.set_index("path")[SIDES].apply(pd.to_numeric, errors="coerce").reindex(photos["path"])
    across, down = photos["width"].to_numpy(), photos["height"].to_numpy()
    clipped = [
        sides[name].clip(0).clip(upper=limit) for name, limit in zip(SIDES, (across, down) * 2, strict=True)
    ]
    left, top, right, bottom = (column.to_numpy() for column in clipped)
    has = (right > left) & (bottom > top)
    texts = [",".join(str(round(value)) for value in row) if there else ""
             for there, *row in zip(has, left, top, right, bottom, strict=True)]  # fmt: skip
    photos = photos.assign(box=texts)
    if section.crop != "box":
        return photos, []
    whole = int((~has).sum())
    notes = [f"{whole} photos have no box and are used whole."] if whole else []
    return photos.assign(crop=texts), notes
