"""Share photos out between train, valid and test."""

import numpy as np
import pandas as pd

from kimchi_vision.base.errors import DataError
from kimchi_vision.base.sentence import Note
from kimchi_vision.config.sections import Data
from kimchi_vision.data.splitters import WAYS, read_split, stratified


def split(photos: pd.DataFrame, section: Data) -> tuple[pd.Series, list[Note]]:
    """The part (train, valid or test) of each row of `photos`, and notes.

    photos: columns path, label, sha256, group (photos of one group go to one part, but where the set itself
    or a file decides), and part, what the set says of itself, or "". The order of the rows counts, so sort
    them first.
    Raises DataError when nothing is left to train on or to validate with, and when a splitter was given for a
    set with parts of its own.
    """
    own = (photos["part"] != "").any()
    way = "file" if section.split else section.splitter
    if way == "auto":
        way = "folders" if own and section.parts == "keep" else "random"
    if section.split is not None:
        parts, notes = read_split(section.split, photos, section)
    elif way == "folders":
        parts, notes = _own(photos, section)
    elif own:
        parts, notes = _pooled(photos, section, way)
    else:
        parts, notes = pd.Series(WAYS[way](photos, section), index=photos.index), []
    for part in ("train", "valid"):
        if part not in set(parts):
            train = "The {way} split of {count} {count:photo/photos} leaves none to train on."
            valid = "The {way} split of {count} {count:photo/photos} leaves none to validate with."
            raise DataError(train if part == "train" else valid, way=way, count=len(parts))
    notes += _check_classes(photos["label"], parts, way)
    return parts.rename("split"), notes + (_grouped(photos, parts, section, way) if way in WAYS else [])


def leaks(photos: pd.DataFrame) -> pd.DataFrame:
    """Photos (path, label, reason) whose group lies in a part that is trained on less: test, then valid.

    Only folders and files can split so; what is trained on goes, what scores stays. picture: a column with
    the same number for copies of one picture, which a group may hold several of.
    Raises DataError when that leaves nothing to train on of a class.
    """
    rank = photos["split"].map({"train": 0, "valid": 1, "test": 2})
    highest = rank.groupby(photos["group"]).transform("max")
    part = highest.map({0: "train", 1: "valid", 2: "test"})
    train = photos["split"] == "train"
    lost = sorted(set(photos["label"][train]) - set(photos["label"][train & (highest == 0)]))
    if lost:
        raise DataError(
            "Every photo to train on of {classes} shows a picture of the valid or test part, "
            "or is of a group (data.group_by) that has photos there. Add other photos, or "
            "take those out of valid and test.",
            classes=", ".join(lost),
        )
    copied = rank.groupby(photos["picture"]).transform("max") == highest
    what = copied.map({True: "picture", False: "group (data.group_by)"})
    reasons = "its " + what + " is in the " + part + " part too"
    return photos[["path", "label"]].assign(reason=reasons)[rank < highest]


def share_of_training(photos: pd.DataFrame, section: Data) -> pd.DataFrame:
    """`photos` with `train_share` of each class's training photos, all others as they are.

    A group stays whole, each class keeps one, and a smaller share lies within every larger one of the draw.
    """
    if section.train_share == 1:
        return photos
    train = photos[photos["split"] == "train"].drop_duplicates(["group", "label"])
    generator = np.random.default_rng([section.seed, section.draw] if section.draw else section.seed)
    kept: list[int] = []
    for _, groups_of_class in train.groupby("label", sort=True)["group"]:
        order = generator.permutation(groups_of_class.to_numpy())
        kept += order[: max(round(section.train_share * len(order)), 1)].tolist()
    used = (photos["split"] != "train") | photos["group"].isin(kept)
    return photos[used].reset_index(drop=True)


def _own(photos: pd.DataFrame, section: Data) -> tuple[pd.Series, list[Note]]:
    """The set's own parts. Without valid, a share of train validates; test with `splitter: folders`."""
    parts = photos["part"].astype(object)
    without = photos["path"][parts == ""]
    if len(without):
        raise DataError(
            "{photo} lies in no folder named train, valid or test, and no file says its part. Use another "
            "splitter, such as stratified, with `data.parts: pool` where other photos have parts.",
            photo=without.iloc[0],
        )
    if section.test_pct:
        raise DataError("`data.test_pct` has no meaning where the set has parts of its own; take it away.")
    if "valid" in set(parts):
        return parts, []
    if section.splitter == "folders":
        return parts.replace("test", "valid"), [("noted_test_validates", {})]
    train = photos[parts == "train"]
    parts = stratified(train, section).reindex(parts.index).fillna(parts)
    return parts, [("noted_test_kept", {"count": int((parts == "test").sum())})]


def _pooled(photos: pd.DataFrame, section: Data, way: str) -> tuple[pd.Series, list[Note]]:
    """Train and valid shared out anew, when that was said; test stays."""
    counts = photos["part"].value_counts()
    if section.parts != "pool":
        shown = ", ".join(f"{part} {count}" for part, count in counts.items())
        raise DataError(
            "The photos have parts of their own ({shown}), and `data.splitter: {way}` would "
            "share them out anew. Take the splitter away to keep the parts, or pool train and "
            "valid with `data.parts: pool`.",
            shown=shown,
            way=way,
        )
    is_test = photos["part"] == "test"
    if section.test_pct and is_test.any():
        raise DataError(
            "`data.test_pct` has no meaning where the set has a test part of its own; take it away."
        )
    rest = photos[~is_test]
    parts = pd.Series(WAYS[way](rest, section), index=rest.index).reindex(photos.index).fillna("test")
    return parts, [("noted_pooled", {"count": len(rest)})]


def _check_classes(labels: pd.Series, parts: pd.Series, way: str) -> list[Note]:
    counts = pd.crosstab(labels, parts).reindex(columns=["train", "valid"], fill_value=0)
    untrained = list(counts.index[counts["train"] == 0])
    if untrained:
        raise DataError(
            "The {way} split leaves no photo to train on of: {classes}. Add photos, give a class one "
            "name in all parts, or use `data.splitter: stratified`.",
            way=way,
            classes=", ".join(untrained),
        )
    unscored = ", ".join(counts.index[counts["valid"] == 0])
    return [("noted_unscored", {"classes": unscored})] if unscored else []


def _grouped(photos: pd.DataFrame, parts: pd.Series, section: Data, way: str) -> list[Note]:
    """What staying together made of the shares: of all photos, and of the class that it moved most."""
    sizes = photos["group"].value_counts()
    sizes = sizes[sizes > 1]
    if sizes.empty:
        return []
    asked = 1 / section.folds if way == "kfold" else section.valid_pct
    valid = parts == "valid"
    of_class = valid.groupby(photos["label"]).mean()
    label = (of_class - asked).abs().idxmax()
    values = {"count": len(sizes), "photos": int(sizes.sum()), "share": float(valid.mean()), "asked": asked}
    return [("noted_grouped", {**values, "label": label, "own": float(of_class[label])})]
