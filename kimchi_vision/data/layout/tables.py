"""Classes and parts from CSV files that name photos: Kaggle's, ImageNet's, torchvision's, Roboflow's."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import pandas as pd

from kimchi_vision.base.errors import DataError
from kimchi_vision.base.sentence import Sentences
from kimchi_vision.data import names
from kimchi_vision.data.layout.files import Names
from kimchi_vision.data.tables import read_rows

LABELS = (
    "class_name", "classname", "label_name", "category_name", "species", "breed", "variety", "dish", "food",
    "choice", "class", "label", "labels", "category", "target", "classid", "class_id", "category_id",
    "label_id", "predictionstring", "tag", "tags", "y", "name", "품종", "품목", "음식명", "음식", "종류",
    "클래스", "라벨", "분류",
)  # fmt: skip
"""Columns that say the class, the best first."""
PARTS = (
    "split", "set", "subset", "part", "partition", "dataset", "data set", "usage", "phase", "구분", "용도"
)  # fmt: skip
SPLITS = ("split", "subset", "partition")
"""Those of them that say nothing else."""
FLAGS = dict.fromkeys(("is_train", "is_training", "train"), "train")
FLAGS |= dict.fromkeys(("is_valid", "is_val"), "valid") | {"is_test": "test"}
"""Columns of yes and no."""
OURS = frozenset(("planted", "reason", "suggested", "sha256"))
"""Columns of tables that this program writes about photos; such a table is no set's own."""
GUESSES = frozenset(("file", "model", "label", "probability", "known"))
"""Columns of what `serve --collect` answered: no person has seen it."""
_YES, _NO = ("true", "1", "1.0", "yes"), ("false", "0", "0.0", "no", "")
_NEVER_LABELS = frozenset(
    ("width", "height", "w", "h", "x", "x1", "y1", "x2", "y2", "xmin", "ymin", "xmax", "ymax", "left", "top",
     "right", "bottom", "bytes", "size", "sha256", "md5", "url", "reason", "suggested", "quality", "box",
     "group", "annotator", "annotation_id", "created_at", "updated_at", "lead_time", "confidence", "id",
     "image_id")
)  # fmt: skip


@dataclass
class Labels:
    """What one file of labels says.

    of: class by path. parts: train, valid or test by path. unfound: names of no photo, with their class.
    guessed: the class stands in a column whose name does not say so.
    """

    file: str
    guessed: bool = False
    of: dict[str, str] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=dict)
    unfound: dict[str, str] = field(default_factory=dict)

    def take(self, name: str, label: str, photos: Names, part: str = "") -> None:
        """Note the class of the photo that the file calls `name`. Raises DataError when it has another."""
        path = photos.find(name)
        if not label.strip() and part == "test":
            return
        if path is None:
            self.unfound[name] = label
        elif not label.strip():
            raise DataError(
                "{file}: {name} has no class. Write one, or take the line away.", file=self.file, name=name
            )
        elif self.of.get(path, label) != label:
            two = "{file}: {name} is {one} and {label}; a photo has one class here. Keep one of the lines."
            raise DataError(two, file=self.file, name=name, one=self.of[path], label=label)
        else:
            self.of[path] = label
            if part:
                self.parts[path] = part


def read(root: Path, file: str, photos: Names) -> Labels | None:
    """The classes of photos by a CSV file below the root; None when it names no photo or says no class.

    Raises DataError when two of its columns could say the class, or a photo has none or two.
    """
    table = _table(root / file, photos)
    return None if table is None else labels(table, file, photos)


def labels(table: pd.DataFrame, file: str, photos: Names) -> Labels | None:
    """As read, of the texts in a table of a file."""
    known = {*LABELS, *PARTS, *FLAGS, *OURS, *_NEVER_LABELS, "path"}
    table = table.rename(columns=lambda name: name.lower() if name.lower() in known else name)
    if ("path" in table and not OURS.isdisjoint(table.columns)) or {*table} >= GUESSES:
        return None
    column = _of_photos(table, file, photos)
    if column is None:
        return None
    table, photo_names = table.drop(columns=column), table[column]
    said, columns = _parts(table, file)
    table = table.drop(columns=columns)
    classes = _labels(table, file)
    if classes is None:
        return None
    found = Labels(file, guessed=len(table.columns) == 1 and table.columns[0] not in LABELS)
    _check_several(classes, file)
    for name, label, part in zip(photo_names, classes, said or [""] * len(table), strict=True):
        found.take(name, label, photos, part)
    return found if found.of else None


def parts(root: Path, file: str, photos: Names) -> dict[str, str]:
    """The part of each photo by a column of a CSV file below the root, whatever else it says."""
    table = _table(root / file, photos)
    column = None if table is None else _of_photos(table, file, photos)
    said = [] if column is None else _parts(table.drop(columns=column), file)[0]
    rows = zip(table[column], said, strict=True) if said else ()
    return {path: part for name, part in rows if (path := photos.find(name))}


def _of_photos(table: pd.DataFrame, file: str, photos: Names) -> str | None:
    """The column that names photos. Raises DataError when its names are those of several photos each."""
    column = max(table.columns, key=lambda name: _found(table[name], photos))
    if _found(table[column], photos):
        return column
    for name in table:
        several = {
            value: photos.meant(value) for value in table[name].head(500) if PurePosixPath(value).suffix
        }
        if len(several) > 1 and all(len(meant) > 1 for meant in several.values()):
            value, meant = next(iter(several.items()))
            what = "{file} names {value}, which may be {photos}. Write the folders into it, or take it away."
            raise DataError(what, file=file, value=value, photos=Sentences(sorted(meant)[:3], " or "))
    return None


def _table(file: Path, photos: Names) -> pd.DataFrame | None:
    try:
        rows = [_filled(row) for _, row in read_rows(file, LABELS, "")]
    except DataError:
        return None  # Most other tables in a folder say nothing of its photos.
    if any(map(photos.find, rows[0])):  # there is no line of column names
        header = [str(place) for place in range(len(rows[0]))]
    else:
        header, *rows = rows
    width = len(header)
    if not rows or width < 2 or len(set(header)) < width or any(any(row[width:]) for row in rows):
        return None
    return pd.DataFrame([[*row[:width], *[""] * (width - len(row))] for row in rows], columns=header)


def _filled(row: list[str]) -> list[str]:
    """Cells without spaces around, and without empty ones at the end, which spreadsheets leave."""
    cells = [cell.strip() for cell in row]
    while not cells[-1]:
        cells.pop()
    return cells


def _found(column: pd.Series, photos: Names) -> int:
    """How many of the first values name photos."""
    return sum(photos.find(value) is not None for value in column.head(500) if value)


def _labels(table: pd.DataFrame, file: str) -> list[str] | None:
    given = [name for name in LABELS if name in table and table[name].str.strip().any()]
    if not given:
        hot = table.drop(columns=[name for name in (*PARTS, *FLAGS, *_NEVER_LABELS) if name in table])
        marked = hot.isin(_YES[:3])
        one_hot = len(hot.columns) > 1 and (marked | hot.isin(_NO)).all(axis=None)
        if one_hot and (marked.sum(axis=1) == 1).all():
            return marked.idxmax(axis=1).tolist()
        others = [name for name in table if name not in (*PARTS, *FLAGS, *_NEVER_LABELS)]
        given = others if len(others) == 1 else []
    if not given:
        return None
    best = given[0]
    values = table[best].str.strip()
    if best == "predictionstring":  # ImageNet's: the class and its boxes, `n02017213 115 49 448 294`
        values = values.str.split(" ").str[0]
    for other in given[1:]:
        pairs = set(zip(values, table[other].str.strip(), strict=True))
        if not len(pairs) == values.nunique() == table[other].str.strip().nunique():
            what = (
                "{file}: the columns {best} and {other} put photos into different classes. "
                "Take away the one that is not meant."
            )
            raise DataError(what, file=file, best=best, other=other)
    return values.tolist()


def _check_several(labels: Iterable[str], file: str) -> None:
    """Raise DataError for a class that lists several ones."""
    known = set(labels)
    for label in known:
        for mark in ("|", ";", ",", " "):
            pieces = [piece.strip() for piece in label.split(mark) if piece.strip()]
            if len(pieces) > 1 and (mark == "|" or known.issuperset(pieces)):
                what = (
                    "{file}: {label} are several classes; a photo has one class here. If it is one, write "
                    "{one}."
                )
                raise DataError(what, file=file, label=label, one="_".join(pieces))


def _parts(table: pd.DataFrame, file: str) -> tuple[list[str], list[str]]:
    """The part of each row and the columns that say it, whatever their names; both empty where none does.

    Raises DataError for a column that is to say parts and does not in each row.
    """
    for name in table.columns.difference(LABELS, sort=False):
        values = set(table[name]) if table[name].nunique() < 20 else set()
        said = {value: names.part_of(value) for value in values} | dict.fromkeys(names.unsure(values), "")
        kinds = set(said.values())
        if "" not in kinds and (("train" in kinds and len(kinds) > 1) or (name in PARTS and kinds)):
            return table[name].map(said).tolist(), [name]
        if (name in PARTS and len(kinds) > 1) or (name in SPLITS and len(said) > 1):
            raise DataError(
                "{file}: the column {name} holds {values}. Write `train`, `valid` or `test` in each row, or "
                "take the column away.",
                file=file,
                name=name,
                values=", ".join(sorted(map(repr, said))[:6]),
            )
    flags = [name for name in FLAGS if name in table and table[name].str.lower().isin(_YES + _NO).all()]
    parts = pd.Series("valid" if "train" in map(FLAGS.get, flags) else "train", index=table.index)
    for name in flags:
        parts[table[name].str.lower().isin(_YES)] = FLAGS[name]
    return (parts.tolist(), flags) if flags else ([], [])
