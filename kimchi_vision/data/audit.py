"""What a careful person would want to know about a folder of photos before training on it."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from kimchi_vision.data import duplicates, folder, select
from kimchi_vision.data.memory import CACHE, Memory
from kimchi_vision.data.scan import scan

FORMATS = {
    "JPEG": {".jpg", ".jpeg", ".jpe", ".jfif"}, "MPO": {".jpg", ".jpeg"}, "PNG": {".png"}, "GIF": {".gif"},
    "BMP": {".bmp"}, "WEBP": {".webp"}, "TIFF": {".tif", ".tiff"}, "AVIF": {".avif"},
}  # fmt: skip
IMBALANCE = 3
"""Largest class over smallest from which plain accuracy hides the small ones."""
FEW_SCORED = 30
"""Validation photos of a class: with fewer, a recall of 90 % is known to +-11 points at best (Wilson)."""
LINKED = 0.9
"""Chance that a photo of a class exceeds one of the others in a property (AUC) that gives the class away."""


@dataclass(frozen=True)
class Finding:
    """One thing found: its kind, a sentence, and its photos in groups that belong together."""

    kind: str
    sentence: str
    photos: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Audit:
    """A folder of photos looked through.

    photos: columns path, label, bytes, format, mode, width, height, orientation, sha256, problem, and group
    (equal for copies of one picture; -1 when a photo cannot be read).
    """

    root: Path
    photos: pd.DataFrame
    findings: tuple[Finding, ...]


def audit(root: Path, cache: Path = CACHE) -> Audit:
    """Look through a folder of photos; what is remembered of earlier scans is kept below `cache`.

    Raises DataError when the folder is missing or holds no photo.
    """
    listing = folder.find(root)
    with closing(Memory(root, cache)) as memory:
        photos = scan(root, listing.photos, memory)
        sound = photos[photos["problem"] == ""]
        photos["group"] = duplicates.groups(root, sound, memory).reindex(photos.index, fill_value=-1)
        thumbnails = memory.thumbnails(sound["sha256"].unique())
    looks = _looks(sound, thumbnails)
    findings = [
        *_bad(photos),
        *_copies(photos[photos["problem"] == ""]),
        *_names(photos),
        *(Finding("left out", note) for note in listing.notes()),
        *_balance(photos["label"].value_counts()),
        *_links(looks),
        *_read_specially(sound),
    ]
    return Audit(root, photos, tuple(findings))


def _bad(photos: pd.DataFrame) -> list[Finding]:
    sentences = {
        "unreadable": "cannot be read",
        "tiny": f"have a side below {select.MIN_SIDE} pixels",
        "elongated": f"are over {select.MAX_ASPECT} times as long as wide",
    }
    found = select.problems(photos)
    return [
        Finding(kind, f"{len(rows)} photos {sentences[kind]}.", _each(rows["path"]))
        for kind, rows in found.groupby("kind", sort=False)
    ]


def _copies(photos: pd.DataFrame) -> list[Finding]:
    together = photos[photos.duplicated("group", keep=False)].groupby("group")
    conflicts, copies = [], []
    for _, rows in together:
        (conflicts if rows["label"].nunique() > 1 else copies).append(tuple(rows["path"]))
    findings = []
    if conflicts:
        text = f"{len(conflicts)} pictures lie in two or more classes: one of the labels is wrong."
        findings.append(Finding("conflict", text, tuple(conflicts)))
    if copies:
        text = f"{len(copies)} pictures are there more than once, {sum(map(len, copies))} photos in all."
        findings.append(Finding("duplicate", text, tuple(copies)))
    return findings


def _names(photos: pd.DataFrame) -> list[Finding]:
    """Folders whose names differ only in Unicode form, case or spaces."""
    forms, alike = defaultdict(set), defaultdict(set)
    for path, label in zip(photos["path"], photos["label"], strict=True):
        forms[label].add(PurePosixPath(path).parent.name)
        alike["".join(unicodedata.normalize("NFKC", label).casefold().split()).strip("_-")].add(label)
    merged = [label for label, names in forms.items() if len(names) > 1]
    findings = [
        Finding("names", f"Folders named {label} in two Unicode forms count as one class.")
        for label in merged
    ]
    for labels in alike.values():
        if len(labels) > 1:
            names = " and ".join(sorted(labels))
            findings.append(Finding("names", f"The classes {names} differ only in case, spaces or width."))
    return findings


def _balance(counts: pd.Series) -> list[Finding]:
    findings = []
    if counts.max() > IMBALANCE * counts.min():
        text = (
            f"{counts.idxmax()} has {counts.max()} photos, {counts.idxmin()} has {counts.min()}: "
            "read macro scores, and consider `data.per_class`."
        )
        findings.append(Finding("imbalance", text))
    small = [f"{label} ({count})" for label, count in counts.items() if count * 0.2 < FEW_SCORED]
    if small:
        text = (
            f"With 20 % for validation, fewer than {FEW_SCORED} photos would score: {', '.join(small)}. "
            "Their scores come with wide intervals."
        )
        findings.append(Finding("few", text))
    return findings


def _looks(photos: pd.DataFrame, thumbnails: np.ndarray) -> pd.DataFrame:
    """Properties of each photo that should not tell its class."""
    pixels = thumbnails.astype(np.float32)
    edges = np.abs(np.diff(pixels, axis=2)).mean(axis=(1, 2))
    looks = pd.DataFrame(
        {"brightness": pixels.mean(axis=(1, 2)), "sharpness": edges}, photos["sha256"].unique()
    )
    looks = looks.loc[photos["sha256"]].reset_index(drop=True)
    size = (photos["width"] * photos["height"]).to_numpy()
    return looks.assign(
        size=size,
        shape=(photos["width"] / photos["height"]).to_numpy(),
        compression=photos["bytes"].to_numpy() / size,
        label=photos["label"].to_numpy(),
    )


def _links(looks: pd.DataFrame) -> list[Finding]:
    """Classes that one property sets apart: the model could learn it instead of the food."""
    findings = []
    for name in looks.columns.drop("label"):
        ranks = looks[name].rank()
        for label, own in ranks.groupby(looks["label"]):
            others = len(ranks) - len(own)
            if len(own) < 10 or others < 10:
                continue
            # Mann and Whitney's U as a share of all pairs.
            above = (own.sum() - len(own) * (len(own) + 1) / 2) / (len(own) * others)
            if not 1 - LINKED < above < LINKED:
                text = (
                    f"{name.capitalize()} sets {label} apart: in {above:.0%} of pairs it is the higher one."
                )
                findings.append(Finding("link", f"{text} A model could learn that instead of the food."))
    return findings


def _read_specially(photos: pd.DataFrame) -> list[Finding]:
    """Photos that are decoded rightly here, and often wrongly elsewhere."""
    endings = photos["path"].map(lambda path: PurePosixPath(path).suffix.lower())
    wrong = [
        ending not in FORMATS.get(kind, ()) for ending, kind in zip(endings, photos["format"], strict=True)
    ]
    plain = photos["mode"].isin(("RGB", "L"))
    kinds = {
        "ending": (wrong, "have another format than their ending says; they are read by content."),
        "rotated": (photos["orientation"] > 1, "are turned upright by their EXIF orientation."),
        "mode": (~plain, "are palette, CMYK, 16-bit or transparent; they are converted, not clipped."),
    }
    return [
        Finding(kind, f"{np.sum(rows)} photos {sentence}", _each(photos.loc[rows, "path"]))
        for kind, (rows, sentence) in kinds.items()
        if np.any(rows)
    ]


def _each(paths: pd.Series) -> tuple[tuple[str, ...], ...]:
    return tuple((path,) for path in paths)
