"""How photos look and what their files say, where that should not tell the class but does.

cleanlab's Datalab looks for the same in cleanvision's scores of brightness and blur; it needs Hugging Face's
`datasets`, reads every photo once more, and knows nothing of size, compression, format and camera.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from PIL import Image

LINKED = 0.9
"""Chance that a photo of a class exceeds one of the others in a property (AUC) that gives the class away."""
FEWEST = 10
"""Photos of a class, and of the others, below which nothing is said."""
MEASURED = ("brightness", "sharpness", "size", "shape", "compression")
STATED = ("camera", "format", "mode")
_SIDE = 160


@dataclass(frozen=True)
class Link:
    """A class that a property sets apart.

    name: one of MEASURED or STATED. value: of a stated property, else "". own, others: share of photos of the
    class, and of the others, with that value; of a measured property own is the share of pairs in which the
    photo of the class is the higher one, and others the rest.
    """

    label: str
    name: str
    value: str
    own: float
    others: float


def sharpness(photo: Image.Image) -> float:
    """Mean step between neighbours in the middle of a grey photo, in standard deviations of its values.

    0 for one colour. In the photo's own pixels, since a small copy of a blurred photo is sharp.
    """
    left, top = (max(0, (side - _SIDE) // 2) for side in photo.size)
    box = (left, top, min(left + _SIDE, photo.width), min(top + _SIDE, photo.height))
    grey = np.asarray(photo.crop(box), np.int16)
    spread = float(grey.std())
    return float(np.abs(np.diff(grey)).mean()) / spread if spread and grey.shape[1] > 1 else 0.0


def links(photos: pd.DataFrame, thumbnails: np.ndarray) -> Iterator[Link]:
    """Classes that one property sets apart: a model could learn it instead of the subject.

    photos: rows of a scan that can be read. thumbnails: (contents, side, side), one for each sha256.
    """
    labels = photos["label"]
    for name, values in _measured(photos, thumbnails).items():
        for label, above in _aucs(values, labels):
            yield Link(label, name, "", above, 1 - above)
    for name in STATED:
        for value in photos[name].unique():
            has = (photos[name] == value).astype(float)
            for label, _ in _aucs(has, labels):
                own = labels == label
                yield Link(label, name, value, float(has[own].mean()), float(has[~own].mean()))


def _measured(photos: pd.DataFrame, thumbnails: np.ndarray) -> pd.DataFrame:
    brightness = pd.Series(thumbnails.mean(axis=(1, 2)), photos["sha256"].unique())
    size = photos["width"] * photos["height"]
    columns = (
        photos["sha256"].map(brightness), photos["sharpness"], size, photos["width"] / photos["height"],
        photos["bytes"] / size,
    )  # fmt: skip
    return pd.DataFrame(dict(zip(MEASURED, columns, strict=True)))


def _aucs(values: pd.Series, labels: pd.Series) -> Iterator[tuple[str, float]]:
    """Classes that the values set apart, with the share of pairs in which theirs is the higher one."""
    ranks = values.rank()
    for label, own in ranks.groupby(labels):
        others = len(ranks) - len(own)
        if min(len(own), others) >= FEWEST:
            # Mann and Whitney's U as a share of all pairs.
            above = (own.sum() - len(own) * (len(own) + 1) / 2) / (len(own) * others)
            if not 1 - LINKED < above < LINKED:
                yield str(label), float(above)
