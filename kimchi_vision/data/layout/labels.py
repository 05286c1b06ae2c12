"""Classes and parts from the files of labels that lie among photos: each form has one reader."""

import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from kimchi_vision.base.errors import DataError
from kimchi_vision.base.plain import Json
from kimchi_vision.base.sentence import Note
from kimchi_vision.data import names
from kimchi_vision.data.folder import Tree
from kimchi_vision.data.layout import exports, tables
from kimchi_vision.data.layout.files import Names, few
from kimchi_vision.data.layout.reading import Reading
from kimchi_vision.data.layout.tables import Labels
from kimchi_vision.data.tables import read_rows, text

READERS = {".csv": tables.read, ".tsv": tables.read, ".json": exports.read, ".jsonl": exports.read}
"""By ending; each takes the root, the file's name below it and the names of photos."""


def read(tree: Tree, layout: str) -> Reading | None:
    """The reading of the files of labels below a folder; None when there is none that names its photos.

    Raises DataError when files contradict each other, or name some photos of a folder and not all, where
    `data.layout` is not table.
    """
    candidates = few(tree.tables)
    if not candidates:
        return None
    photos = Names(tree.files())
    said = (READERS[PurePosixPath(file).suffix.lower()](tree.root, file, photos) for file in candidates)
    read_all = [(each, set(each.of.values())) for each in said if each]
    # Classes have photos, rather than each photo its own text, such as its address.
    known = {label for each, classes in read_all if 2 * len(classes) <= len(each.of) for label in classes}
    found = [each for each, classes in read_all if classes <= known]
    if not found:
        return None
    used = _beside_each_other(found)
    unfound = [
        ("aside_unfound", {"file": each.file, "count": len(each.unfound)}) for each in used if each.unfound
    ]
    labels = {path: label for each in used for path, label in each.of.items()}
    parts, parted_by = _parts(used, labels)
    return Reading(
        way="table",
        source=("from_table", {"file": ", ".join(each.file for each in used)}),
        labels=labels,
        parts=parts,
        missing=_missing(used, labels),
        parted_by=parted_by,
        aside=[*_unlisted(tree, labels, layout, used[0].file), *unfound],
        guessed=any(each.guessed for each in used),
    )


def _beside_each_other(found: list[Labels]) -> list[Labels]:
    """Files that name different photos, the largest first; others must agree with them."""
    used: list[Labels] = []
    for each in sorted(found, key=lambda labels: (-len(labels.of), labels.file)):
        known = {path: label for other in used for path, label in other.of.items()}
        pairs = {(label, known[path]) for path, label in each.of.items() if path in known}
        if not pairs:
            used.append(each)
        elif not len(pairs) == len({one for one, _ in pairs}) == len({two for _, two in pairs}):
            raise DataError(
                "{one} and {other} put photos into different classes. Take away the file that is not meant.",
                one=used[0].file,
                other=each.file,
            )
    return used


def _parts(used: list[Labels], labels: dict[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Parts by a column, or by the folders that the photos lie in; lists tells those of several files."""
    columns = {path: part for each in used for path, part in each.parts.items()}
    if columns:
        return columns, tuple(each.file for each in used if each.parts)
    by_folder = {path: _folder_part(path) for path in labels}
    named = {part for part, _ in by_folder.values()}
    if "" not in named and "train" in named and len(named) > 1:
        folders = sorted({folder for _, folder in by_folder.values()})
        return {path: part for path, (part, _) in by_folder.items()}, tuple(f"{each}/" for each in folders)
    return {}, ()


def _folder_part(path: str) -> tuple[str, str]:
    above = PurePosixPath(path).parts[:-1]
    return next(((part, name) for name in above if (part := names.part_of(name))), ("", ""))


def _missing(used: list[Labels], labels: dict[str, str]) -> dict[str, Note]:
    known = set(labels.values())
    return {
        label: ("why_unfound", {"file": each.file, "folder": label})
        for each in used
        for label in each.unfound.values()
        if label.strip() and label not in known
    }


def _unlisted(tree: Tree, labels: dict[str, str], layout: str, file: str) -> list[Note]:
    aside = []
    for folder, files in sorted(tree.photos.items()):
        without = [path for path, _, _ in files if path not in labels]
        if without and len(without) < len(files) and layout != "table":
            raise DataError(
                "{file} gives classes to {count} {count:photo/photos} in {folder}, and none to {others} "
                "{others:other/others}, such as {one}. Add their lines, or leave them out with "
                "`data.layout: table`.",
                file=file,
                count=len(files) - len(without),
                folder=folder or tree.root,
                others=len(without),
                one=without[0],
            )
        if without:
            aside.append(("aside_unlabelled", {"folder": folder or ".", "count": len(without)}))
    return aside


def parts(tree: Tree, reading: Reading) -> tuple[dict[str, str], tuple[str, ...]]:
    """The part of each photo by files that say nothing of classes, and these files: meta/train.txt, test.txt,
    split.csv, splits.json; nothing where they name one part alone.

    Photos in no list train where no list says train, as with Speech Commands' validation_list.txt.
    Raises DataError when a photo is in two parts.
    """
    found = part_files(tree)
    photos, said, used = Names(reading.labels) if found else None, {}, {}
    for file in found:
        # CUB's train_test_split.txt, by numbers.
        if file in tree.lists and not names.part_of(PurePosixPath(file).stem):
            what = (
                "{file} seems to say which photos train and which test, in a form that is not read here. "
                "Write a CSV with the columns `path` and `split`, or take the file away."
            )
            raise DataError(what, file=file)
        for path, part in _said(tree.root, file, photos):
            if said.setdefault(path, part) != part:
                two = "{photo} is in two parts by {one} and {other}. Take it out of one of them."
                raise DataError(two, photo=path, one=used[said[path]], other=file)
            used.setdefault(part, file)
    if used and "train" not in used and len(said) < len(reading.labels):
        said = dict.fromkeys(reading.labels, "train") | said
    both = len(set(said.values())) > 1 and "train" in said.values()
    return (said, tuple(sorted(set(used.values())))) if both else ({}, ())


def part_files(tree: Tree) -> list[str]:
    """The files that may say parts: text files by their name, and tables."""
    stems = {file: PurePosixPath(file).stem for file in tree.lists}
    lists = [file for file, stem in stems.items() if names.part_of(stem) or names.says_parts(stem)]
    return few([*lists, *tree.tables])


def _said(root: Path, file: str, photos: Names) -> Iterator[tuple[str, str]]:
    """Photos that a file names, with their part, which its name may say: train.csv, valid/_classes.csv."""
    path = root / file
    part = names.part_of(path.stem) or names.part_of(PurePosixPath(file).parent.name)
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
