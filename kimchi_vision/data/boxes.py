"""Boxes around what photos are of, as AI Hub gives them and as an import keeps them, and cutting to them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from kimchi_vision.base.errors import DataError
from kimchi_vision.base.sentence import Note, Sentence
from kimchi_vision.config.sections import Data
from kimchi_vision.data.tables import matched, read_csv

PROPERTIES = "crop_area.properties"
"""AI Hub's: lines of name=x,y,width,height beside the photos."""
BOXES = "boxes.csv"
"""In a folder of photos: columns path, left, top, right, bottom, pixels of the upright photo."""
SIDES = ["left", "top", "right", "bottom"]

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels of the upright photo."""

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Boxes:
    """Boxes as written, by the lower-case stem of the photo, and the lines that make no sense."""

    areas: dict[str, tuple[float, float, float, float]]
    ignored: tuple[str, ...]

    def of(self, stem: str, size: tuple[int, int]) -> Box | None:
        """The box of a photo within its (width, height); None when none is given or it is outside."""
        area = self.areas.get(stem.lower())
        if area is None:
            return None
        x, y, width, height = area
        left, top = max(0, round(x)), max(0, round(y))
        right, bottom = min(size[0], round(x + width)), min(size[1], round(y + height))
        return (left, top, right, bottom) if right > left and bottom > top else None


def read_boxes(content: bytes) -> Boxes:
    """Read `name=x,y,width,height` lines, in every form that the data set holds.

    Two numbers, and numbers after an empty field or a word, are width and height from the top left corner;
    text after the numbers is passed over.
    """
    areas, ignored = {}, []
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp949", errors="replace")
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if not equals or name.startswith("#"):
            ignored += [line] if line.strip() and not name.startswith("#") else []
            continue
        numbers = [float(number) for number in _NUMBER.findall(value)]
        starts_with_x = bool(_NUMBER.match(value.strip()))
        if starts_with_x and len(numbers) >= 4:
            areas[name.strip().lower()] = tuple(numbers[:4])
        elif len(numbers) == 2 or (not starts_with_x and len(numbers) >= 2):
            areas[name.strip().lower()] = (0, 0, numbers[0], numbers[1])
        else:
            ignored.append(line)
    return Boxes(areas, tuple(ignored))


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
            what = "`data.crop: box` needs {file}; `data import` writes it where boxes are given."
            raise DataError(what, file=file)
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
