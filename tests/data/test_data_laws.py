"""What holds of every split, whatever the photos."""

import os
import random
import shutil
from unittest.mock import patch

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kimchi_vision import data
from kimchi_vision.base.errors import DataError
from kimchi_vision.config.sections import Data
from kimchi_vision.data import folder
from kimchi_vision.data.split import leaks, split
from tests.conftest import noise

SPLITTERS = st.sampled_from(["random", "stratified", "hashed", "kfold"])
SEEDS = st.integers(0, 2**33)


@st.composite
def tables(draw):
    """Photos of two to four classes, some of them copies of others in their class."""
    counts = draw(st.lists(st.integers(6, 30), min_size=2, max_size=4))
    labels = [f"class {number}" for number, count in enumerate(counts) for _ in range(count)]
    copies = draw(st.lists(st.booleans(), min_size=len(labels), max_size=len(labels)))
    groups = []
    for place, copy in enumerate(copies):
        same = place and copy and labels[place] == labels[place - 1]
        groups.append(groups[-1] if same else place)
    paths = [f"{label}/{place:03}.jpg" for place, label in enumerate(labels)]
    return pd.DataFrame({"path": paths, "label": labels, "group": groups, "sha256": paths, "part": ""})


@settings(max_examples=30)
@given(tables(), SPLITTERS, SEEDS, st.sampled_from([0.0, 0.2]))
def test_every_photo_is_in_one_part_and_no_group_is_cut(photos, splitter, seed, test_pct):
    test = 0.0 if splitter == "kfold" else test_pct
    section = Data(path="photos", splitter=splitter, seed=seed, test_pct=test, folds=2)
    try:
        parts, _ = split(photos, section)
    except DataError:  # a class that only copies of one picture show cannot be split so
        return
    assert len(parts) == len(photos)
    assert {"train", "valid"} <= set(parts) <= {"train", "valid", "test"}
    assert parts.groupby(photos["group"]).nunique().eq(1).all()
    assert leaks(photos.assign(split=parts, picture=photos["group"])).empty
    assert set(photos["label"][parts == "train"]) == set(photos["label"])


@settings(max_examples=15)
@given(tables(), SEEDS)
def test_the_folds_share_out_every_photo_once(photos, seed):
    if photos.groupby("label")["group"].nunique().min() < 3:
        return
    sections = [Data(path="photos", splitter="kfold", folds=3, fold=fold, seed=seed) for fold in range(3)]
    scored = pd.concat([(split(photos, section)[0] == "valid").astype(int) for section in sections], axis=1)
    assert scored.sum(axis=1).eq(1).all()


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("laws") / "photos"
    for number in range(36):
        name = f"{('깍두기', '갓김치', '001')[number % 3]}/{number:02}.JPG"
        noise(root / name, number if number < 30 else number - 3)  # the last ones are copies
    return root


def items(root, splitter, seed):
    section = Data(path=root, splitter=splitter, seed=seed, test_pct=0.0)
    return data.load(section, root.parent / "cache").items


@settings(max_examples=10)
@given(SPLITTERS, st.integers(0, 99), st.randoms(use_true_random=False))
def test_the_order_of_files_on_the_disk_changes_no_split(root, splitter, seed, chance):
    scandir = os.scandir

    def shuffled(path):
        return iter(chance.sample(found := list(scandir(path)), len(found)))

    before = items(root, splitter, seed)
    with patch.object(folder.os, "scandir", shuffled):
        pd.testing.assert_frame_equal(items(root, splitter, seed), before)


@pytest.mark.parametrize("splitter", ["random", "stratified", "hashed", "kfold"])
def test_another_name_of_the_folder_changes_no_split(root, splitter, tmp_path):
    other = shutil.copytree(root, tmp_path / "train" / "다른 이름")
    pd.testing.assert_frame_equal(items(other, splitter, 3), items(root, splitter, 3))


@settings(max_examples=20)
@given(tables(), SEEDS)
def test_names_of_classes_change_no_stratified_split(photos, seed):
    section = Data(path="photos", splitter="stratified", seed=seed)
    renamed = photos.assign(label=photos["label"].str.replace("class ", "종류 "))
    assert split(renamed, section)[0].equals(split(photos, section)[0])


@settings(max_examples=20)
@given(st.lists(st.sampled_from("ABCD"), min_size=8, max_size=30), st.integers(0, 99))
def test_groups_are_those_that_links_reach(bowls, seed):
    """Joined by picture or by bowl, directly or through others: as walking the links finds."""
    from kimchi_vision.data.duplicates import joined

    chance = random.Random(seed)
    pictures = [chance.randrange(len(bowls)) for _ in bowls]
    photos = pd.DataFrame({"path": [f"{bowl}{n}" for n, bowl in enumerate(bowls)], "group": pictures})
    found = joined(photos, r"[ABC]")
    reached = list(range(len(bowls)))
    for _ in bowls:
        for one in range(len(bowls)):
            for other in range(len(bowls)):
                same_bowl = bowls[one] == bowls[other] != "D"
                if same_bowl or pictures[one] == pictures[other]:
                    reached[one] = reached[other] = min(reached[one], reached[other])
    assert pd.Series(found).groupby(reached).nunique().eq(1).all()
    assert len(set(found)) == len(set(reached))
