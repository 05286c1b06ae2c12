"""Which of the photos that were found are used: corrections by hand, and the policy for each problem."""

import difflib
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from kimchi_vision.base.errors import DataError
from kimchi_vision.base.sentence import Note, Sentence, Sentences, noted
from kimchi_vision.config.sections import Data, Policy
from kimchi_vision.data import tables

MIN_SIDE = 16
"""Pixels; below this a photo says nothing about its class."""
MAX_ASPECT = 8
"""Longest side over shortest; beyond this a square crop sees a sliver."""
FORMATS = {
    "JPEG": {".jpg", ".jpeg", ".jpe", ".jfif"}, "MPO": {".jpg", ".jpeg"}, "PNG": {".png"}, "GIF": {".gif"},
    "BMP": {".bmp"}, "WEBP": {".webp"}, "TIFF": {".tif", ".tiff"}, "AVIF": {".avif"},
    "HEIF": {".heic", ".heif", ".hif"}, "JXL": {".jxl"},
}  # fmt: skip


def corrected(photos: pd.DataFrame, section: Data) -> pd.DataFrame:
    """`photos` without those of `data.exclude`, and with the labels of `data.relabel`.

    Raises DataError when a file or a column is missing, a path is not among the photos, every photo of a
    class is taken out (unless `data.missing_class` is drop), a photo gets two classes, or a class that photos
    do not have and `data.new_classes` does not name.
    """
    if section.exclude is not None:
        listed = _listed(section.exclude, photos, ["path"])
        kept = photos[~photos["path"].isin(listed["path"])].reset_index(drop=True)
        gone = sorted(set(photos["label"]) - set(kept["label"]))
        if gone and section.missing_class == "error":
            whole = (
                "{file} takes every photo of {classes} out. Keep some, or train without with "
                "`data.missing_class: drop`."
            )
            raise DataError(whole, file=section.exclude, classes=", ".join(gone))
        photos = kept
    if section.relabel is not None:
        better = _better(section.relabel, photos, section.new_classes)
        photos = photos.assign(label=photos["path"].map(better).fillna(photos["label"]))
    return photos


def _better(file: Path, photos: pd.DataFrame, new: Sequence[str]) -> pd.Series:
    """Classes by path, of a table of better ones."""
    listed = _listed(file, photos, ["path", "suggested"])
    listed["suggested"] = [unicodedata.normalize("NFC", name) for name in listed["suggested"]]
    listed = listed.drop_duplicates(["path", "suggested"])
    twice = listed[listed.duplicated("path", keep=False)]
    if len(twice):
        first = twice[twice["path"] == twice["path"].iloc[0]]
        lines, names = ", ".join(map(str, first.index)), Sentences(first["suggested"], " and ")
        both = "{file}, lines {lines}: {path} is to be both {names}. Strike out one."
        raise DataError(both, file=file, lines=lines, path=first["path"].iloc[0], names=names)
    known = {*photos["label"], *(unicodedata.normalize("NFC", name) for name in new)}
    for line, name in listed["suggested"].items():
        if name not in known:
            meant = nearest(name, known)
            there = Sentence(" There are {classes}.", classes=", ".join(sorted(known)[:10]))
            raise DataError(
                "{file}, line {line}: no photo is of the class {name}.{hint} If it is a class of its own, "
                "say so with `data.new_classes: [{name}]`.{doubt}",
                file=file,
                line=line,
                name=name,
                hint=Sentence(" Did you mean {near}?", near=meant) if meant else there,
                doubt=tables.doubt(file),
            )
    return listed.set_index("path")["suggested"]


def nearest(name: str, known: Iterable[str]) -> str:
    """The known class that a name may be a slip of, by case, spaces and jamo; "" where none is near."""
    forms = {_form(each): each for each in known}
    found = difflib.get_close_matches(_form(name), forms, n=1, cutoff=0.7)
    return forms[found[0]] if found else ""


def _form(name: str) -> str:
    return unicodedata.normalize("NFKD", name).casefold().replace(" ", "")


def first_of_each_class(photos: pd.DataFrame, section: Data) -> pd.DataFrame:
    """The first `per_class` photos of each class by name, in each part that the set has of its own."""
    if section.per_class is None:
        return photos
    part = photos["part"].where((photos["part"] == "test") | (section.parts == "keep"), "")
    return photos[photos.groupby(["label", part]).cumcount() < section.per_class].reset_index(drop=True)


def problems(photos: pd.DataFrame) -> pd.DataFrame:
    """Columns path, label, kind (a key of Policy), reason: a row for each photo with a problem of its own."""
    short, long = photos[["width", "height"]].min(axis=1), photos[["width", "height"]].max(axis=1)
    size = photos["width"].astype(str) + " x " + photos["height"].astype(str) + " pixels"
    sound = photos["problem"] == ""
    kinds = {
        "unreadable": (~sound, photos["problem"]),
        "tiny": (sound & (short < MIN_SIDE), size),
        "elongated": (sound & (short >= MIN_SIDE) & (long > MAX_ASPECT * short), size),
    }
    return _each(photos, kinds)


def read_specially(photos: pd.DataFrame) -> pd.DataFrame:
    """As `problems`: photos that open_photo reads rightly and other programs often do not."""
    photos = photos[photos["problem"] == ""]
    endings = photos["path"].map(lambda path: PurePosixPath(path).suffix.lower())
    wrong = [
        ending != "" and ending not in FORMATS.get(kind, ())
        for ending, kind in zip(endings, photos["format"], strict=True)
    ]
    kinds = {
        "ending": (np.array(wrong, bool), "is " + photos["format"] + ", whatever its ending says"),
        "rotated": (photos["orientation"] > 1, "EXIF orientation " + photos["orientation"].astype(str)),
        "mode": (~photos["mode"].isin(("RGB", "L")), "colour mode " + photos["mode"]),
        "animated": (photos["animated"] > 0, photos["format"] + " with several frames"),
    }
    return _each(photos, kinds)


def _each(photos: pd.DataFrame, kinds: dict[str, tuple[pd.Series, pd.Series]]) -> pd.DataFrame:
    """kinds: by name, which photos are of it, and the reason of each photo."""
    return pd.concat(
        photos.loc[rows, ["path", "label"]].assign(kind=kind, reason=reasons[rows])
        for kind, (rows, reasons) in kinds.items()
    )


def conflicts(photos: pd.DataFrame) -> pd.DataFrame:
    """As `problems`: photos of a picture (column group) that lies in two or more classes."""
    classes = photos.groupby("group")["label"].transform("nunique")
    rows = photos[classes > 1]
    names = rows.groupby("group")["label"].agg(lambda labels: " and ".join(sorted(set(labels))))
    reasons = [f"the same picture lies in {names[group]}" for group in rows["group"]]
    return rows[["path", "label"]].assign(kind="conflict", reason=reasons)


def apply(policy: Policy, found: pd.DataFrame, root: Path) -> pd.DataFrame:
    """The rows of `found` that are to be left out, without the column kind.

    Raises DataError, which names the photos, for problems whose policy is error.
    """
    actions = found["kind"].map(policy.model_dump())
    stop = found[actions == "error"]
    if len(stop):
        lines = stop.head(10).itertuples()
        shown = [Sentence("  {photo} {reason}", photo=root / row.path, reason=row.reason) for row in lines]
        if len(stop) > 10:
            shown.append(Sentence("  and {count} more", count=len(stop) - 10))
        keys = Sentences((f"`data.policy.{kind}: skip`" for kind in stop["kind"].unique()), " and ")
        what = (
            "{count} {count:photo/photos} cannot be used ({classes}):\n{shown}\nReplace or remove "
            "{count:it/them}, or leave {count:it/them} out with {keys}."
        )
        raise DataError(what, count=len(stop), classes=by_class(stop), shown=Sentences(shown), keys=keys)
    return found.loc[actions == "skip", ["path", "label", "reason"]].drop_duplicates("path")


def by_class(photos: pd.DataFrame) -> str:
    """Classes with their number of photos, the most first; many classes end in dots."""
    counts = photos["label"].value_counts()
    shown = ", ".join(f"{label} {count}" for label, count in counts.head(6).items())
    return shown + (" …" if len(counts) > 6 else "")


def without(photos: pd.DataFrame, left_out: pd.DataFrame) -> pd.DataFrame:
    """`photos` without the rows whose paths are left out."""
    return photos[~photos["path"].isin(left_out["path"])].reset_index(drop=True)


def _listed(file: Path, photos: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Raises DataError when a path is not among the photos."""
    table = tables.read_csv(file, columns, Sentence("`data suspects RUN` writes one."))
    paths = tables.matched(table["path"], photos["path"], file)
    if paths.isna().any():
        line = paths.index[paths.isna()][0]
        raise DataError(
            "{file}, line {line}: {path} is not among the photos. Was it made for another "
            "folder? One here is {one}.{doubt}",
            file=file,
            line=line,
            path=table.loc[line, "path"],
            one=photos["path"].iloc[0],
            doubt=tables.doubt(file),
        )
    return table.assign(path=paths)


def lost(before: pd.Series, photos: pd.DataFrame, skipped: list[pd.DataFrame], section: Data) -> list[Note]:
    """Notes on classes of which nothing is left. before: photos by class, as they were found.

    Raises DataError instead when `data.missing_class` is error, and when no class is left.
    """
    gone = sorted(set(before.index) - set(photos["label"]))
    reasons = pd.concat(skipped)
    notes = []
    for label in gone:
        why = "; ".join(sorted(set(reasons["reason"][reasons["label"] == label]))[:3])
        values = {"count": int(before[label]), "reasons": why}
        notes.append(("found_missing", {"label": label, "why": [("why_left_out", values)]}))
    if notes and (section.missing_class == "error" or photos.empty):
        raise DataError(
            "{what} Bring better photos, change `data.policy`, or train without with "
            "`data.missing_class: drop`.",
            what=noted(notes),
        )
    return notes
