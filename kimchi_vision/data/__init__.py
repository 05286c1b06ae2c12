"""From a folder of photos, or a drawn sample, to a table of path, label, split and content hash."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pandas as pd

from kimchi_vision.config.sections import Data, Sample
from kimchi_vision.data import folder
from kimchi_vision.data.scan import scan
from kimchi_vision.data.split import split
from kimchi_vision.errors import DataError
from kimchi_vision.photos import Photos

__all__ = ["load"]


def load(section: Data, cache: Path = Path("data")) -> Photos:
    """Find, check and split the photos of an experiment; every one of them has been decoded once.

    cache: folder for drawn samples and for what is remembered of earlier scans.
    Raises DataError, which names the folder or photo: missing or empty folder, fewer than two classes,
    a class with one photo, photos that cannot be read, a split that leaves a part empty.
    """
    root = section.path if section.path is not None else _drawn(section.sample, cache)
    listing = folder.find(root)
    photos = _first_of_each_class(listing.photos, section)
    _check_classes(photos["label"].value_counts(), root)
    photos = scan(root, photos, cache)
    _check_readable(photos, root)
    photos["split"], notes = split(photos, section)
    return Photos(
        root=root,
        items=photos[["path", "label", "split", "sha256"]],
        vocab=tuple(sorted(set(photos["label"]))),
        notes=(*listing.notes(), *notes),
    )


def _drawn(sample: Sample, cache: Path) -> Path:
    from kimchi_vision.data.sample import draw

    options = hashlib.sha256(sample.model_dump_json().encode()).hexdigest()[:12]
    target = cache / f"sample-{sample.name}-{options}"
    return target if target.is_dir() else draw(sample, target)


def _first_of_each_class(photos: pd.DataFrame, section: Data) -> pd.DataFrame:
    if section.per_class is None:
        return photos
    # Of a layout in train and test folders, the first N of each part.
    same = photos["path"].str.rpartition("/")[0] if section.splitter == "folders" else photos["label"]
    return photos[photos.groupby(same).cumcount() < section.per_class].reset_index(drop=True)


def _check_classes(counts: pd.Series, root: Path) -> None:
    if len(counts) == 1:
        raise DataError(
            f"{root} holds one class, {counts.index[0]}: a classifier needs two or more folders of photos. "
            f"{folder.WHERE_FROM}"
        )
    alone = sorted(counts.index[counts == 1])
    if alone:
        raise DataError(
            f"{root}: only one photo of: {', '.join(alone)}. A class needs two or more, "
            "one to train on and one to validate with; add photos or move the folder away."
        )


def _check_readable(photos: pd.DataFrame, root: Path) -> None:
    bad = photos[photos["problem"] != ""]
    if len(bad):
        shown = "\n".join(f"  {root / row.path} {row.problem}" for row in bad.head(10).itertuples())
        more = f"\n  and {len(bad) - 10} more" if len(bad) > 10 else ""
        raise DataError(f"{len(bad)} photos cannot be used; replace or remove them:\n{shown}{more}")
