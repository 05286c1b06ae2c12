"""Parts from lists that name a photo on each line, such as Food-101's meta/train.txt and meta/test.txt."""

from __future__ import annotations

from pathlib import PurePosixPath

from kimchi_vision.base.errors import DataError
from kimchi_vision.data import names
from kimchi_vision.data.folder import Tree
from kimchi_vision.data.layout.files import Names
from kimchi_vision.data.layout.reading import Reading
from kimchi_vision.data.tables import read_rows


def read(tree: Tree, reading: Reading) -> tuple[dict[str, str], tuple[str, ...]]:
    """The part of each photo that a list names, and the lists; nothing without train and another."""
    lists = {file: names.part_of(PurePosixPath(file).stem) for file in sorted(tree.lists)}
    lists = {file: part for file, part in lists.items() if part}
    if "train" not in lists.values() or len(set(lists.values())) < 2:
        return {}, ()
    photos, parts, used = Names(reading.labels), {}, []
    for file, part in lists.items():
        try:
            rows = read_rows(tree.root / file, (), "")
        except DataError:
            continue
        found = {path for _, row in rows if row[0] and (path := photos.find(row[0]))}
        parts |= dict.fromkeys(found, part)
        used += [file] if found else []
    both = "train" in parts.values() and len(set(parts.values())) > 1
    return (parts, tuple(used)) if both else ({}, ())
