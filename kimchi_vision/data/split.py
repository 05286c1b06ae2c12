"""Share photos out between train, valid and test."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kimchi_vision.base.errors import DataError
from kimchi_vision.config.sections import Data
from kimchi_vision.data import groups, split_file
from kimchi_vision.data.photo import Note


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
        parts, notes = split_file.read(section.split, photos, section)
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
    return photos[["path", "label"]].assign(reason="its " + what + " is in the " + part + " part too")[
        rank < highest
    ]


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


def _random(photos: pd.DataFrame, section: Data) -> pd.Series:
    """fastai's RandomSplitter(valid_pct, seed): the first ones of a permutation; test takes the next.

    Then each group goes where its first photo is.
    """
    order = torch_randperm(len(photos), section.seed)
    parts = np.full(len(photos), "train", dtype=object)
    valid, test = (int(share * len(photos)) for share in (section.valid_pct, section.test_pct))
    parts[order[:valid]] = "valid"
    parts[order[valid : valid + test]] = "test"
    return pd.Series(parts, index=photos.index).groupby(photos["group"]).transform("first")


def _stratified(photos: pd.DataFrame, section: Data) -> pd.Series:
    """The shares hold within each class, which keeps a group in train and in valid while it has two."""
    first = photos.drop_duplicates("group").assign(size=photos.groupby("group", sort=False).size().to_numpy())
    generator = np.random.default_rng(section.seed)
    part_of = {}
    for _, units in first.groupby("label", sort=True):
        units = units.iloc[generator.permutation(len(units))]
        part_of.update(zip(units["group"], _dealt(units["size"].to_numpy(), section), strict=True))
    return photos["group"].map(part_of)


def _dealt(sizes: np.ndarray, section: Data) -> np.ndarray:
    """Parts of groups in turn: valid until its share is full, then test, then train."""
    filled, count = sizes.cumsum(), sizes.sum()
    valid = max(round(section.valid_pct * count), 1)
    test = max(round(section.test_pct * count), 1) if section.test_pct else 0
    parts = np.where(filled <= valid, "valid", np.where(filled <= valid + test, "test", "train"))
    if len(parts) > 1:
        parts[0] = "valid"
    parts[-1] = "train"
    return parts.astype(object)


def _hashed(photos: pd.DataFrame, section: Data) -> pd.Series:
    """Each group's part by a hash of its content, keyed by the seed: photos that come later move none.

    The hash is that of the group's first key: what `group_by` matches, else the photo's digest. A copy of a
    photo can bring an earlier key. Shares of a class are those asked for give or take chance; a class that
    lacks a part gets the group nearest to it.
    """
    own = photos["sha256"] if section.group_by is None else groups.matches(photos, section.group_by)
    places = own.groupby(photos["group"]).transform("min").map(lambda key: split_file.place(key, section))
    units = photos.assign(place=places).drop_duplicates("group").sort_values("place", kind="stable")
    parts = units["place"].map(lambda place: split_file.part_at(place, section))
    for _, rows in units.groupby("label", sort=True):
        parts[rows.index] = _filled(parts[rows.index], bool(section.test_pct))
    return photos["group"].map(parts.set_axis(units["group"]))


def _filled(parts: pd.Series, test: bool) -> pd.Series:
    """Parts of a class in the order of their places, each part with a group while there are enough."""
    if "train" not in set(parts):
        parts[parts.index[-1]] = "train"
    for part in ("valid", "test") if test else ("valid",):
        spare = parts[parts.duplicated(keep=False)]
        if part == "valid" and spare.empty:
            spare = parts[parts == "test"]
        if part not in set(parts) and len(spare):
            parts[spare.index[0]] = part
    return parts


def _kfold(photos: pd.DataFrame, section: Data) -> np.ndarray:
    """Part `fold` of scikit-learn's StratifiedGroupKFold validates; the others train."""
    from sklearn.model_selection import StratifiedGroupKFold

    smallest = photos.groupby("label")["group"].nunique()
    if smallest.min() < section.folds:
        raise DataError(
            "`data.folds: {folds}` needs as many different pictures of each class; {fewest} has {count}.",
            folds=section.folds,
            fewest=smallest.idxmin(),
            count=smallest.min(),
        )
    folds = StratifiedGroupKFold(section.folds, shuffle=True, random_state=section.seed % 2**32)
    _, valid = list(folds.split(photos, photos["label"], photos["group"]))[section.fold]
    return np.where(np.isin(np.arange(len(photos)), valid), "valid", "train").astype(object)


WAYS = {"random": _random, "stratified": _stratified, "hashed": _hashed, "kfold": _kfold}
"""Splitters of photos that have no part yet."""


def _own(photos: pd.DataFrame, section: Data) -> tuple[pd.Series, list[Note]]:
    """The set's own parts. Without valid, a share of train validates; test with `splitter: folders`."""
    parts = photos["part"].astype(object)
    without = photos["path"][parts == ""]
    if len(without):
        raise DataError(
            "{photo} lies in no folder named train, valid or test, and no file says its part. "
            "Use another splitter, such as stratified, with `data.parts: pool` where other "
            "photos have parts.",
            photo=without.iloc[0],
        )
    if section.test_pct:
        raise DataError("`data.test_pct` has no meaning where the set has parts of its own; take it away.")
    if "valid" in set(parts):
        return parts, []
    if section.splitter == "folders":
        return parts.replace("test", "valid"), [("noted_test_validates", {})]
    train = photos[parts == "train"]
    parts = _stratified(train, section).reindex(parts.index).fillna(parts)
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
            "The {way} split leaves no photo to train on of: {classes}. Add photos, or use "
            "`data.splitter: stratified`.",
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


def torch_randperm(count: int, seed: int) -> np.ndarray:
    """torch.randperm(count) after torch.manual_seed(seed), without torch.

    The same Mersenne Twister and Fisher-Yates shuffle as torch's randperm_cpu (aten, TensorFactories.cpp);
    so the split can be made, checked and shown where torch is not installed.
    """
    raw = np.random.RandomState(seed % 2**32).randint(0, 2**32, size=max(count - 1, 0), dtype=np.uint32)
    order = np.arange(count)
    for place, number in enumerate(raw.tolist()):
        other = place + number % (count - place)
        order[place], order[other] = order[other], order[place]
    return order
