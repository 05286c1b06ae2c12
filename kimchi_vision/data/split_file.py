"""A split as a CSV file, shared by experiments: columns path, label, sha256, split."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pandas as pd

from kimchi_vision.base.errors import DataError
from kimchi_vision.base.files import write_table
from kimchi_vision.base.sentence import Sentence
from kimchi_vision.config.sections import Data
from kimchi_vision.data.names import part_of
from kimchi_vision.data.photo import Note, Photos
from kimchi_vision.data.tables import read_csv

COLUMNS = ["path", "label", "sha256", "split"]


def write(photos: Photos, file: Path) -> None:
    """Write the split of `photos`; `data.split` reads it."""
    write_table(file, photos.items[COLUMNS])


def read(file: Path, photos: pd.DataFrame, section: Data) -> tuple[pd.Series, list[Note]]:
    """The part of each photo by its content, and notes about new and missing photos.

    A photo that the file does not know goes where the set itself puts it (column part), or where its group
    is; else to a part by its content hash, so that what is there already never moves.
    Raises DataError when the file cannot be used.
    """
    table = _table(file)
    known = table.drop_duplicates("sha256").set_index("sha256")["split"]
    parts = photos["sha256"].map(known)
    new = parts.isna()
    by_group = parts.groupby(photos["group"]).transform("first")
    by_hash = photos["sha256"].map(lambda content: part_at(place(content, section), section))
    leader = by_hash.groupby(photos["group"]).transform("first")
    missing = len(known.index.difference(photos["sha256"]))
    notes = []
    if new.any():
        notes.append(("noted_new", {"file": str(file), "count": int(new.sum())}))
    if missing:
        notes.append(("noted_missing", {"file": str(file), "count": missing}))
    own = photos["part"].where(photos["part"] != "")
    return parts.fillna(own).fillna(by_group).fillna(leader), notes


def place(key: str, section: Data) -> float:
    """Where a key lies between 0 and 1: evenly spread, the same on every machine, another for each seed."""
    return int.from_bytes(hashlib.sha256(f"{section.seed} {key}".encode()).digest()[:8], "big") / 2**64


def part_at(at: float, section: Data) -> str:
    """The part of a place: valid has the lowest ones, then test, then train."""
    if at < section.valid_pct:
        return "valid"
    return "test" if at < section.valid_pct + section.test_pct else "train"


def _table(file: Path) -> pd.DataFrame:
    table = read_csv(file, ["sha256", "split"], Sentence("`data split` writes one."))
    parts = table["split"].map(part_of)
    if (parts == "").any():
        line = parts.index[parts == ""][0]
        what = "`data.split`: {file} holds the part {part!r} in line {line}; it may be train, valid or test."
        raise DataError(what, file=file, part=table.loc[line, "split"], line=line)
    return table.assign(split=parts)
