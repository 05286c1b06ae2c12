"""Photos that must not be parted: copies of one picture, and what `data.group_by` holds together."""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from kimchi_vision.base.errors import DataError
from kimchi_vision.config.sections import Data
from kimchi_vision.data import duplicates
from kimchi_vision.data.memory import Memory


def find(root: Path, photos: pd.DataFrame, section: Data, memory: Memory) -> pd.Series:
    """A number for each photo, equal for copies of one picture; all different when none is looked for."""
    if section.duplicates == "keep":
        return pd.Series(np.arange(len(photos)), index=photos.index)
    return duplicates.groups(root, photos, memory)


def copies(photos: pd.DataFrame, section: Data) -> pd.DataFrame:
    """With `duplicates: skip`, all but the first photo of each picture: columns path, label, reason."""
    first = photos.groupby("group")["path"].transform("first")
    rows = photos[["path", "label"]].assign(reason="shows the same picture as " + first)
    return rows[(photos["path"] != first) & (section.duplicates == "skip")]


def joined(photos: pd.DataFrame, pattern: str | None) -> np.ndarray:
    """Numbers that are equal for photos of one picture, and for photos whose paths match `pattern` alike.

    The first bracketed part of the pattern counts, or all that it matches; a path without a match is alone.
    Raises DataError when the pattern is no regular expression or matches nothing.
    """
    if pattern is None:
        return photos["group"].to_numpy()
    left, right = pd.factorize(photos["group"])[0], pd.factorize(matches(photos, pattern))[0]
    right = right + left.max() + 1
    return duplicates.connected(left, right, right.max() + 1)[left]


def matches(photos: pd.DataFrame, pattern: str) -> pd.Series:
    """What the pattern finds in each path, or the path where it finds nothing. Errors as in `joined`."""
    try:
        found = [re.search(pattern, path) for path in photos["path"]]
    except re.error as error:
        raise DataError(
            "`data.group_by`: {pattern} is not a regular expression: {reason}.", pattern=pattern, reason=error
        ) from None
    if not any(found):
        no_match = "`data.group_by`: {pattern} matches no path, such as {one}."
        raise DataError(no_match, pattern=pattern, one=photos["path"].iloc[0])
    pairs = zip(found, photos["path"], strict=True)
    return pd.Series([m[m.re.groups and 1] if m else path for m, path in pairs], index=photos.index)
