"""Finished labels, wherever people gave them, back into class folders; what is doubtful is left and said."""

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import pandas as pd

from kimchi_vision.base.errors import DataError
from kimchi_vision.base.sentence import Sentence
from kimchi_vision.data import layout, select
from kimchi_vision.data.audit import audit
from kimchi_vision.data.folder import walk
from kimchi_vision.data.importing import free
from kimchi_vision.data.layout.files import Names
from kimchi_vision.data.layout.labels import READERS
from kimchi_vision.data.memory import Memory
from kimchi_vision.data.scan import scan
from kimchi_vision.deploy.labelling import labels as page_labels
from kimchi_vision.deploy.labelling.places import check_apart, check_classes, write

OWN_FILES = (page_labels.NAME, "labels.json")
"""Files of labels that a folder is known by: of our page, and of FiftyOne."""


class Doubt(NamedTuple):
    """A photo, its class, and what speaks against it: another class, or a photo of the same picture."""

    path: str
    label: str
    other: str


@dataclass
class Taken:
    """What was taken.

    folder: of the labelled photos. classes: photos written. there: as many lay in their class already.
    conflicts: photos that are not taken, as their content has another class as well. unreadable: why, by
    path. unfound: class by the name of a photo that is not there. copies: photos that were written and show
    the picture of another one there; `other` is its path.
    """

    folder: Path
    classes: Counter[str] = field(default_factory=Counter)
    there: int = 0
    conflicts: list[Doubt] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    unfound: dict[str, str] = field(default_factory=dict)
    copies: list[Doubt] = field(default_factory=list)


def take(source: Path, to: Path, photos: Path | None = None, new: Sequence[str] = ()) -> Taken:
    """Copy labelled photos into class folders below `to`, beside what is there; nothing is overwritten.

    source: class folders, or a file of labels: that of `label RUN FOLDER`, an export of Label Studio or
    FiftyOne, a CSV. photos: the folder of its photos; by default its own. new: classes that `to` may get
    where it has others.
    Raises DataError, and nothing is written, when the labels cannot be read or understood, name a class that
    is not known, or `to` is no folder of class folders.
    """
    labelled, unfound, folder = _labelled(source, photos)
    check_apart(folder, to)
    there, folders = _classes(to)
    check_classes(tuple(sorted(set(labelled["label"]))))
    _check_known(labelled, folders, new, source)
    done, found = Taken(folder, unfound=unfound), _scanned(folder, labelled)
    done.unreadable = dict(found.loc[found["problem"] != "", ["path", "problem"]].itertuples(index=False))
    found = _without_conflicts(found[found["problem"] == ""], there, done)
    written = {}
    for row in found.itertuples():
        place = f"{folders.get(row.label, row.label)}/{PurePosixPath(row.path).name}"
        content = (folder / row.path).read_bytes()
        place, is_there = free(to, place, content, set())
        done.there += is_there
        if not is_there:
            write(folder / row.path, to / place, content)
            written[place] = row.label
            done.classes[row.label] += 1
    done.copies = list(_copies(to, written)) if written else []
    return done


def _labelled(source: Path, photos: Path | None) -> tuple[pd.DataFrame, dict[str, str], Path]:
    """Photos with path, label, bytes and mtime_ns; names of none, with their class; the folder."""
    if source.is_dir():
        file = next((source / name for name in OWN_FILES if (source / name).is_file()), None)
        if file is None:
            return layout.read(source, missing_class="drop").photos, {}, source
        source = file
    folder = photos or source.parent
    if not source.is_file() or source.suffix.lower() not in READERS:
        absent = "{source}: there is no such folder or file of labels ({endings})."
        raise DataError(absent, source=source, endings=", ".join(READERS))
    rows = [row for files in walk(folder).photos.values() for row in files]
    found = READERS[source.suffix.lower()](folder, str(source.resolve()), Names(path for path, *_ in rows))
    if found is None:
        raise DataError(
            "{source} gives no class to any photo of {folder}. It is damaged or of another form, its photos "
            "lie elsewhere (`--photos FOLDER`), or it holds only a model's guesses (with FiftyOne, export "
            "labels that were looked through with include_confidence=False).",
            source=source,
            folder=folder,
        )
    table = pd.DataFrame(rows, columns=["path", "bytes", "mtime_ns"])
    table["label"] = (
        table["path"].map(found.of).map(lambda label: unicodedata.normalize("NFC", label), "ignore")
    )
    return table.dropna().reset_index(drop=True), found.unfound, folder


def _classes(to: Path) -> tuple[pd.DataFrame, dict[str, str]]:
    """The photos of `to`, scanned, and the folder of each class; none where there is no photo yet."""
    if not to.exists() or not walk(to).files():
        return pd.DataFrame(columns=["path", "label", "sha256", "problem"]), {}
    photos = layout.read(to, missing_class="drop").photos
    above = photos["path"].map(lambda path: PurePosixPath(path).parent.as_posix())
    if (above.map(lambda folder: unicodedata.normalize("NFC", folder)) != photos["label"]).any():
        raise DataError(
            "The classes of {to} are not its folders alone, as in {example}. Give the folder that holds the "
            "class folders to add to.",
            to=to,
            example=photos["path"].iloc[0],
        )
    return _scanned(to, photos), dict(zip(photos["label"], above, strict=True))


def _check_known(labelled: pd.DataFrame, known: dict[str, str], new: Sequence[str], source: Path) -> None:
    allowed = {*known, *(unicodedata.normalize("NFC", name) for name in new)}
    for path, label in zip(labelled["path"], labelled["label"], strict=True):
        if known and label not in allowed:
            meant = select.nearest(label, allowed)
            raise DataError(
                "{source}: {path} is {label}, a class that is not there. There are {known}.{meant} If it is "
                "a class of its own, take it with `--new-class {quoted}`.",
                source=source,
                path=path,
                label=label,
                known=", ".join(sorted(allowed)[:10]),
                meant=Sentence(" Did you mean {meant}?", meant=meant) if meant else "",
                quoted=repr(label),
            )


def _scanned(root: Path, photos: pd.DataFrame) -> pd.DataFrame:
    with closing(Memory(root)) as memory:
        return scan(root, photos, memory)


def _without_conflicts(found: pd.DataFrame, there: pd.DataFrame, done: Taken) -> pd.DataFrame:
    """Photos whose content has one class only, here and in the class folders."""
    every = pd.concat([found[["sha256", "label"]], there.loc[there["problem"] == "", ["sha256", "label"]]])
    classes = every.groupby("sha256")["label"].unique()
    others = {
        row.path: [each for each in classes[row.sha256] if each != row.label] for row in found.itertuples()
    }
    for row in found.itertuples():
        if others[row.path]:
            done.conflicts.append(Doubt(row.path, row.label, ", ".join(others[row.path])))
    return found[[not others[path] for path in found["path"]]]


def _copies(to: Path, written: dict[str, str]) -> Iterator[Doubt]:
    """Photos written now that show the picture of another photo there, resized, cropped or saved again."""
    found = audit(to)
    label_of = dict(zip(found.photos["path"], found.photos["label"], strict=True))
    for finding in found.findings:
        if finding.kind in ("conflict", "duplicate"):
            for group in finding.photos:
                for path in group:
                    if path in written:
                        other = next(each for each in group if each != path)
                        yield Doubt(path, label_of[other], other)
