"""What a careful person would want to know about a folder of photos before training, and a clean copy."""

import shutil
import tempfile
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from kimchi_vision.base.errors import DataError
from kimchi_vision.base.files import write_table
from kimchi_vision.base.numbers import percent
from kimchi_vision.base.plain import Json
from kimchi_vision.base.sentence import Note, Text
from kimchi_vision.data import duplicates, layout, looks, select
from kimchi_vision.data.memory import Memory
from kimchi_vision.data.photo import open_photo
from kimchi_vision.data.scan import scan

IMBALANCE = 3
"""Largest class over smallest from which plain accuracy hides the small ones."""
FEW_SCORED = 30
"""Validation photos of a class: with fewer, a recall of 90 % is known to +-11 points at best (Wilson)."""
LINKED_SHOWN = 8
"""Photos of a class that is set apart, for a look at what it is."""
VALID = 0.2
"""Share of photos that validates by default."""


@dataclass(frozen=True)
class Finding:
    """One thing found: its kind, its photos in groups that belong together, and what a sentence tells of it.

    says: the key of the sentence; by default that of the kind.
    """

    kind: str
    photos: tuple[tuple[str, ...], ...] = ()
    values: Json = field(default_factory=dict)
    says: str = ""

    @property
    def note(self) -> Note:
        """What was found, what it means and what to do."""
        return self.says or f"found_{self.kind}", self.values

    def sentence(self, text: Text) -> str:
        """The note in the language of `text`."""
        says, values = self.note
        return text(says, **values)


@dataclass(frozen=True)
class Audit:
    """A folder of photos looked through.

    photos: columns path, label, bytes, those of scan.scan, and group (equal for copies of one picture; -1
    when a photo cannot be read).
    """

    root: Path
    photos: pd.DataFrame
    findings: tuple[Finding, ...]


def audit(root: Path, cache: Path | None = None, way: layout.Layout = "auto") -> Audit:
    """Look through a folder of photos; scans are remembered in `cache`, by default the user's.

    way: as `data.layout`.
    Raises DataError when the folder is missing, holds no photo, or can be read in several ways.
    """
    listing = layout.read(root, way, missing_class="drop")
    with closing(Memory(root, cache)) as memory:
        photos = scan(root, listing.photos, memory)
        sound = photos[photos["problem"] == ""]
        photos["group"] = duplicates.groups(root, sound, memory).reindex(photos.index, fill_value=-1)
        thumbnails = memory.thumbnails(sound["sha256"].unique())
    findings = [
        *_told("layout", [listing.took]),
        *_told("left out", listing.missing.values()),
        *_each_kind(select.problems(photos)),
        *_copies(photos[photos["problem"] == ""]),
        *_told("left out", listing.left),
        *remarks(sound, thumbnails),
        *_small(photos["label"].value_counts()),
        *_each_kind(select.read_specially(photos)),
    ]
    return Audit(root, photos, tuple(findings))


def remarks(photos: pd.DataFrame, thumbnails: np.ndarray) -> list[Finding]:
    """What is odd about the classes, whichever photos are left out. Arguments as looks.links has them."""
    return [*_names(photos), *_balance(photos["label"].value_counts()), *_links(photos, thumbnails)]


def _told(kind: str, notes: Iterable[Note]) -> list[Finding]:
    return [Finding(kind, values=values, says=says) for says, values in notes]


def _each_kind(found: pd.DataFrame) -> list[Finding]:
    findings = []
    for kind, rows in found.groupby("kind", sort=False):
        reasons = sorted({reason.removeprefix("cannot be read: ") for reason in rows["reason"]})[:3]
        values = {"count": len(rows), "classes": select.by_class(rows), "reasons": "; ".join(reasons)}
        findings.append(Finding(str(kind), tuple((path,) for path in rows["path"]), values))
    return findings


def _copies(photos: pd.DataFrame) -> list[Finding]:
    together = photos[photos.duplicated("group", keep=False)].groupby("group")
    conflicts, copies = [], []
    for _, rows in together:
        (conflicts if rows["label"].nunique() > 1 else copies).append(tuple(rows["path"]))
    findings = []
    if conflicts:
        findings.append(Finding("conflict", tuple(conflicts), {"count": len(conflicts)}))
    if copies:
        values = {"count": len(copies), "photos": sum(map(len, copies))}
        findings.append(Finding("duplicate", tuple(copies), values))
    return findings


def _names(photos: pd.DataFrame) -> list[Finding]:
    """Folders whose names differ only in Unicode form, case, spaces or letters that are not seen."""
    forms, alike = defaultdict(set), defaultdict(set)
    for path, label in zip(photos["path"], photos["label"], strict=True):
        above = PurePosixPath(path).parts[:-1]
        forms[label].update(name for name in above if unicodedata.normalize("NFC", name) == label)
        seen = filter(str.isprintable, "".join(unicodedata.normalize("NFKC", label).casefold().split()))
        alike["".join(seen).strip("_-.")].add(label)
    merged = [label for label, names in forms.items() if len(names) > 1]
    similar = [sorted(labels) for labels in alike.values() if len(labels) > 1]
    return [
        *(Finding("names", values={"label": label}, says="found_two_forms") for label in merged),
        *(Finding("names", values={"labels": ", ".join(labels)}, says="found_alike") for labels in similar),
    ]


def _balance(counts: pd.Series) -> list[Finding]:
    if counts.empty or counts.max() <= IMBALANCE * counts.min():
        return []
    values = {"most": counts.idxmax(), "max": int(counts.max())}
    return [Finding("imbalance", values={**values, "fewest": counts.idxmin(), "min": int(counts.min())})]


def _small(counts: pd.Series) -> list[Finding]:
    """Classes with too few photos to score, with Wilson's 95 % interval of a recall of about 90 %."""
    from scipy.stats import binomtest

    shown = []
    for label, count in counts.sort_index().items():
        scored = max(round(VALID * count), 1)
        if scored < FEW_SCORED:
            low, high = binomtest(round(0.9 * scored), scored).proportion_ci(method="wilson")
            shown.append(f"{label} ({scored}: {percent(low, 0)}–{percent(high, 0)})")
    return [Finding("few", values={"few": FEW_SCORED, "classes": ", ".join(shown)})] if shown else []


def _links(photos: pd.DataFrame, thumbnails: np.ndarray) -> list[Finding]:
    found = []
    for link in looks.links(photos, thumbnails):
        values = {"label": link.label, "value": link.value or "–", "own": link.own, "others": link.others}
        text = f"found_link_{link.name}"
        if link.name in looks.MEASURED and link.own < link.others:
            text, values = f"{text}_less", {**values, "own": link.others, "others": link.own}
        shown = photos.loc[photos["label"] == link.label, "path"].head(LINKED_SHOWN)
        found.append(Finding("link", tuple((path,) for path in shown), values, text))
    return found


def fix_to(audit: Audit, target: Path) -> pd.DataFrame:
    """Copy what can be used into `target`, a folder for each class; returns what was left out.

    Photos that select.read_specially lists (turned by EXIF, CMYK, 16 bits, ...) are saved anew as upright RGB
    (JPEG, quality 95); all others are copied byte for byte. Left out, and listed in left-out.csv
    (path, label, reason): problems, label conflicts, and all but the first copy of a picture.
    Raises DataError when `target` is there already or cannot be written; then nothing is left behind.
    """
    if target.exists():
        raise DataError(
            "{target} is there already; name a folder that is not, so that nothing is lost.", target=target
        )
    photos = audit.photos
    sound = photos[photos["problem"] == ""]
    copies = sound[sound.duplicated(["group", "label"])].assign(reason="a copy of another photo of its class")
    found = pd.concat([select.problems(photos), select.conflicts(sound), copies])
    left_out = found.drop_duplicates("path")[["path", "label", "reason"]]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as place:
            made = Path(place) / target.name
            made.mkdir()
            special = set(select.read_specially(photos)["path"])
            for row in select.without(photos, left_out).itertuples():
                _write(audit.root / row.path, row, made, anew=row.path in special)
            write_table(made / "left-out.csv", left_out)
            made.rename(target)
    except OSError as error:
        unwritten = "{target} cannot be written: {reason}. Nothing was left behind."
        raise DataError(unwritten, target=target, reason=error.strerror) from None
    return left_out


def _write(source: Path, row: pd.Series, made: Path, anew: bool) -> None:
    name = f"{PurePosixPath(row.path).stem}.jpg" if anew else PurePosixPath(row.path).name
    folder = made / row.label
    folder.mkdir(exist_ok=True)
    if (folder / name).exists():
        name = f"{row.sha256[:8]}-{name}"
    if anew:
        open_photo(source).save(folder / name, quality=95)
    else:
        shutil.copyfile(source, folder / name)
