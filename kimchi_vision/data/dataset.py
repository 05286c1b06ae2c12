"""`load`: every photo of an experiment found, checked once and given its part."""

import hashlib
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from kimchi_vision.base.cache import folder as kept
from kimchi_vision.base.errors import DataError
from kimchi_vision.base.sentence import Note
from kimchi_vision.config.sections import Data, Sample
from kimchi_vision.data import boxes, duplicates, layout, select
from kimchi_vision.data.audit import remarks
from kimchi_vision.data.folder import WHERE_FROM
from kimchi_vision.data.memory import Memory
from kimchi_vision.data.photo import Photos
from kimchi_vision.data.scan import scan
from kimchi_vision.data.split import leaks, share_of_training, split


def load(section: Data, cache: Path | None = None) -> Photos:
    """Find, check and split the photos of an experiment; every one of them has been decoded once.

    cache: where scans and drawn photos are kept; by default the user's cache, see base.cache.
    Raises DataError, which names the folder or photo: missing or empty folder, one that can be read in
    several ways, fewer than two classes, a class with one photo or none, photos that cannot be read, a split
    that leaves a part empty.
    """
    root = section.path if section.path is not None else _drawn(section.sample, cache)
    listing = layout.read(root, section.layout, section.missing_class)
    photos = select.first_of_each_class(select.corrected(listing.photos, section), section)
    found_of_each = photos["label"].value_counts()
    _check_classes(found_of_each, root)
    leave_out = _LeftOut()
    with closing(Memory(root, cache)) as memory:
        photos = scan(root, photos, memory)
        troubled = pd.concat([select.problems(photos), select.read_specially(photos)])
        photos = leave_out(photos, select.apply(section.policy, troubled, root))
        select.lost(found_of_each, photos, leave_out.skipped, section)
        odd = remarks(photos, memory.thumbnails(photos["sha256"].unique()))
        photos["group"] = duplicates.find(root, photos, section, memory)
    photos = leave_out(photos, select.apply(section.policy, select.conflicts(photos), root))
    photos = leave_out(photos, duplicates.copies(photos, section))
    gone = select.lost(found_of_each, photos, leave_out.skipped, section)
    _check_classes(photos["label"].value_counts(), root)
    photos["picture"] = photos["group"]
    photos["group"] = duplicates.joined(photos, section.group_by)
    photos["split"], notes = split(photos, section)
    photos = share_of_training(leave_out(photos, leaks(photos)), section)
    photos, unboxed = boxes.boxed(photos, root, section)
    columns = ["path", "label", "split", "sha256", "group"]
    return Photos(
        root=root,
        items=photos[[*columns, *photos.columns.intersection(["box", "crop"])]],
        vocab=tuple(sorted(set(photos["label"]))),
        notes=(*listing.notes(), *gone, *notes, *leave_out.notes(), *(each.note for each in odd), *unboxed),
        skipped=pd.concat(leave_out.skipped, ignore_index=True),
        on_unreadable=section.policy.unreadable,
    )


@dataclass
class _LeftOut:
    """Takes photos away. skipped: tables of them, with columns path, label and reason."""

    skipped: list[pd.DataFrame] = field(default_factory=list)

    def __call__(self, photos: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
        self.skipped.append(rows)
        return select.without(photos, rows)

    def notes(self) -> list[Note]:
        rows = pd.concat(self.skipped)
        reasons = "; ".join(sorted(set(rows["reason"]))[:3])
        values = {"count": len(rows), "classes": select.by_class(rows), "reasons": reasons}
        return [("noted_left_out", values)] if len(rows) else []


def _drawn(sample: Sample, cache: Path | None) -> Path:
    from kimchi_vision.data.sample import VERSION, draw

    options = hashlib.sha256(f"{VERSION} {sample.model_dump_json()}".encode()).hexdigest()[:12]
    return draw(sample, kept("samples", cache) / f"sample-{sample.name}-{options}")


def _check_classes(counts: pd.Series, root: Path) -> None:
    if len(counts) < 2:
        lone = "{root} holds photos of {names} alone: a classifier needs two or more folders. {where_from}"
        none = "{root} holds photos of no class: a classifier needs two or more folders. {where_from}"
        names = {"names": counts.index[0]} if len(counts) else {}
        raise DataError(lone if names else none, root=root, where_from=WHERE_FROM, **names)
    alone = sorted(counts.index[counts == 1])
    if alone:
        raise DataError(
            "{root}: only one photo of: {classes}. A class needs two or more, one to train on "
            "and one to validate with; add photos or move the folder away.",
            root=root,
            classes=", ".join(alone),
        )
