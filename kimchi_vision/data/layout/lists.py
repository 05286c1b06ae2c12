"""Parts of a set by files that say nothing of classes: meta/train.txt, test.txt, split.csv, splits.json."""

import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from kimchi_vision.base.errors import DataError
from kimchi_vision.base.plain import Json
from kimchi_vision.data import names
from kimchi_vision.data.folder import Tree
from kimchi_vision.data.layout import tables
from kimchi_vision.data.layout.files import Names, few
from kimchi_vision.data.layout.reading import Reading
from kimchi_vision.data.tables import read_rows, text


def read(tree: Tree, reading: Reading) -> tuple[dict[str, str], tuple[str, ...]]:
    """The part of each photo that a list names, and the lists; nothing where they name one part alone.

    Photos in no list train where no list says train, as with Speech Commands' validation_list.txt.
    Raises DataError when a photo is in two parts.
    """
    found = files(tree)
    photos, parts, used = Names(reading.labels) if found else None, {}, {}
    for file in found:
        # CUB's train_test_split.txt, by numbers.
        if file in tree.lists and not names.part_of(PurePosixPath(file).stem):
            what = (
                "{file} seems to say which photos train and which test, in a form that is not read here. "
                "Write a CSV with the columns `path` and `split`, or take the file away."
            )
            raise DataError(what, file=file)
        for path, part in _said(tree.root, file, photos):
            if parts.setdefault(path, part) != part:
                two = "{photo} is in two parts by {one} and {other}. Take it out of one of them."
                raise DataError(two, photo=path, one=used[parts[path]], other=file)
            used.setdefault(part, file)
    if used and "train" not in used and len(parts) < len(reading.labels):
        parts = dict.fromkeys(reading.labels, "train") | parts
    both = len(set(parts.values())) > 1 and "train" in parts.values()
    return (parts, tuple(sorted(set(used.values())))) if both else ({}, ())


def files(tree: Tree) -> list[str]:
    """The files that may say parts: text files by their name, and tables."""
    stems = {file: PurePosixPath(file).stem for file in tree.lists}
    lists = [file for file, stem in stems.items() if names.part_of(stem) or names.says_parts(stem)]
    return few([*lists, *tree.tables])


def _said(root: Path, file: str, photos: Names) -> Iterator[tuple[str, str]]:
    """Photos that a file names, with their part."""
    part, path = part_of_file(file), root / file
    if path.suffix.lower() == ".json":
        try:
            yield from _in_json(json.loads(text(path, "")), part, photos)
        except (DataError, ValueError):
            return
    elif part:
        try:
            rows = read_rows(path, (), "")
        except DataError:
            return
        for _, row in rows:
            found = photos.find(row[0]) or photos.find(row[0].rpartition(" ")[0])  # `cat/1.jpg 0`
            if found:
                yield found, part
    else:
        yield from tables.parts(root, file, photos).items()


def _in_json(content: Json | list | str, part: str, photos: Names) -> Iterator[tuple[str, str]]:
    """Photos named anywhere below a part: {"train": ["cat/1", ...]}, or in train.json."""
    if isinstance(content, dict):
        for name, below in content.items():
            yield from _in_json(below, names.part_of(name) or part, photos)
    elif isinstance(content, list):
        for each in content:
            yield from _in_json(each, part, photos)
    elif part and isinstance(content, str) and (found := photos.find(content)):
        yield found, part


def part_of_file(file: str) -> str:
    """The part that a file of labels is for by its name or its folder's: train.csv, valid/_classes.csv."""
    path = PurePosixPath(file)
    return names.part_of(path.stem) or names.part_of(path.parent.name)
