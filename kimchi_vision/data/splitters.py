"""Splitters of photos that have no part yet, random, stratified, hashed and k-fold; and a split as a file."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd

from kimchi_vision.base.errors import DataError
from kimchi_vision.base.files import write_table
from kimchi_vision.base.sentence import Note, Sentence
from kimchi_vision.config.sections import Data
from kimchi_vision.data import duplicates
from kimchi_vision.data.names import part_of
from kimchi_vision.data.photo import Photos
from kimchi_vision.data.tables import read_csv

COLUMNS = ["path", "label", "sha256", "split"]
"""Of a split's file."""


def random(photos: pd.DataFrame, section: Data) -> pd.Series:
    """fastai's RandomSplitter(valid_pct, seed): the first ones of a permutation; test takes the next.

    Then each group goes where its first photo is.
    """
    order = torch_randperm(len(photos), section.seed)
    parts = np.full(len(photos), "train", dtype=object)
    valid, test = (int(share * len(photos)) for share in (section.valid_pct, section.test_pct))
    parts[order[:valid]] = "valid"
    parts[order[valid : valid + test]] = "test"
    return pd.Series(parts, index=photos.index).groupby(photos["group"]).transform("first")


def stratified(photos: pd.DataFrame, section: Data) -> pd.Series:
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


def hashed(photos: pd.DataFrame, section: Data) -> pd.Series:
    """Each group's part by a hash of its content, keyed by the seed: photos that come later move none.

    The hash is that of the group's first key: what `group_by` matches, else the photo's digest. A copy of a
    photo can bring an earlier key. Shares of a class are those asked for give or take chance; a class that
    lacks a part gets the group nearest to it.
    """
    own = photos["sha256"] if section.group_by is None else duplicates.matches(photos, section.group_by)
    places = own.groupby(photos["group"]).transform("min").map(lambda key: _place(key, section))
    units = photos.assign(place=places).drop_duplicates("group").sort_values("place", kind="stable")
    parts = units["place"].map(lambda place: _part_at(place, section))
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


def kfold(photos: pd.DataFrame, section: Data) -> np.ndarray:
    """Part `fold` of scikit-learn's StratifiedGroupKFold validates; the others train."""
    from sklearn.model_selection import StratifiedGroupKFold

    smallest = photos.groupby("label")["group"].nunique()
    if smallest.min() < section.folds:
        what = "`data.folds: {folds}` needs as many different pictures of each class; {fewest} has {count}."
        raise DataError(what, folds=section.folds, fewest=smallest.idxmin(), count=smallest.min())
    folds = StratifiedGroupKFold(section.folds, shuffle=True, random_state=section.seed % 2**32)
    _, valid = list(folds.split(photos, photos["label"], photos["group"]))[section.fold]
    return np.where(np.isin(np.arange(len(photos)), valid), "valid", "train").astype(object)


WAYS = {"random": random, "stratified": stratified, "hashed": hashed, "kfold": kfold}
"""By the name that `data.splitter` gives; each from photos to parts."""


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


def write_split(photos: Photos, file: Path) -> None:
    """Write the split of `photos`; `data.split` reads it."""
    write_table(file, photos.items[COLUMNS])


def read_split(file: Path, photos: pd.DataFrame, section: Data) -> tuple[pd.Series, list[Note]]:
    """The part of each photo by its content, and notes about new and missing photos.

    A photo that the file does not know goes where the set itself puts it (column part), or where its group
    is; else to a part by its content hash, so that what is there already never moves.
    Raises DataError when the file cannot be used.
    """
    table = _table(file)
    known = table.drop_duplicates("sha256").set_index("sha256")["split"]
    parts = photos["sha256"].map(known)
    new = parts.isna()
    by_group = parts.groupby(photos["group"]).transform("first")
    by_hash = photos["sha256"].map(lambda content: _part_at(_place(content, section), section))
    leader = by_hash.groupby(photos["group"]).transform("first")
    missing = len(known.index.difference(photos["sha256"]))
    notes = []
    if new.any():
        notes.append(("noted_new", {"file": str(file), "count": int(new.sum())}))
    if missing:
        notes.append(("noted_missing", {"file": str(file), "count": missing}))
    own = photos["part"].where(photos["part"] != "")
    return parts.fillna(own).fillna(by_group).fillna(leader), notes


def _place(key: str, section: Data) -> float:
    """Where a key lies between 0 and 1: evenly spread, the same on every machine, another for each seed."""
    return int.from_bytes(hashlib.sha256(f"{section.seed} {key}".encode()).digest()[:8], "big") / 2**64


def _part_at(at: float, section: Data) -> str:
    """The part of a place: valid has the lowest ones, then test, then train."""
    if at < section.valid_pct:
        return "valid"
    return "test" if at < section.valid_pct + section.test_pct else "train"


def _table(file: Path) -> pd.DataFrame:
    table = read_csv(file, ["sha256", "split"], Sentence("`data split` writes one."))
    parts = table["split"].map(part_of)
    if (parts == "").any():
        line = parts.index[parts == ""][0]
        what = "`data.split`: {file} holds the part {part!r} in line {line}; it may be train, valid or test."
        raise DataError(what, file=file, part=table.loc[line, "split"], line=line)
    return table.assign(split=parts)
