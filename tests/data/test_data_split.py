import hashlib

import numpy as np
import pandas as pd
import pytest

from kimchi_vision.base.errors import DataError
from kimchi_vision.config.sections import Data
from kimchi_vision.data.duplicates import joined
from kimchi_vision.data.split import leaks, share_of_training, split
from kimchi_vision.data.splitters import torch_randperm


def table(counts, above=""):
    labels = [label for label, count in counts.items() for _ in range(count)]
    paths = [f"{above}{label}/{n}.jpg" for n, label in enumerate(labels)]
    part = {"": "", "train/": "train", "Val/": "valid", "test/": "test"}[above]
    return pd.DataFrame({"path": paths, "label": labels, "group": paths, "sha256": paths, "part": part})


def section(**options):
    return Data(path="photos", **options)


@pytest.mark.parametrize(("count", "seed"), [(2, 0), (800, 42), (5500, 2**40 + 3)])
def test_random_is_fastais_random_splitter(count, seed):
    splitter = pytest.importorskip("fastai.data.transforms").RandomSplitter(0.2, seed=seed)
    _, valid = splitter(list(range(count)))
    order = torch_randperm(count, seed)
    assert order[: int(0.2 * count)].tolist() == list(valid)
    torch = pytest.importorskip("torch")
    torch.manual_seed(seed)
    assert order.tolist() == torch.randperm(count).tolist()


def test_the_test_part_leaves_validation_as_it_was():
    photos = table({"a": 50, "b": 50})
    without, _ = split(photos, section())
    with_test, _ = split(photos, section(test_pct=0.1))
    assert (with_test[without == "valid"] == "valid").all()
    assert with_test.value_counts().to_dict() == {"train": 70, "valid": 20, "test": 10}


def test_shares_of_a_random_split_are_rounded_down_and_follow_the_permutation():
    parts, _ = split(table({"a": 5, "b": 6}), section(valid_pct=0.35, test_pct=0.26, seed=3))
    order = torch_randperm(11, 3)
    assert set(np.flatnonzero(parts == "valid")) == set(order[:3])
    assert set(np.flatnonzero(parts == "test")) == set(order[3:5])


def test_stratified_keeps_every_class_in_train_and_valid():
    photos = table({"rare": 2, "few": 3, "many": 95})
    parts, notes = split(photos, section(splitter="stratified", test_pct=0.1))
    counts = pd.crosstab(photos["label"], parts)
    assert (counts[["train", "valid"]] >= 1).all(axis=None)
    assert counts.loc["rare"].to_dict() == {"train": 1, "valid": 1, "test": 0}
    assert counts.loc["few"].to_dict() == {"train": 1, "valid": 1, "test": 1}
    assert counts.loc["many"].to_dict() == {"train": 66, "valid": 19, "test": 10}
    assert notes == []


def test_stratified_shares_are_those_that_were_asked_for():
    photos = table({"a": 10, "b": 20})
    parts, _ = split(photos, section(splitter="stratified", valid_pct=0.3, test_pct=0.2))
    assert pd.crosstab(photos["label"], parts)[["train", "valid", "test"]].to_numpy().tolist() == [
        [5, 3, 2],
        [10, 6, 4],
    ]
    without, _ = split(photos, section(splitter="stratified", valid_pct=0.3))
    assert set(without) == {"train", "valid"}


def test_stratified_counts_photos_and_not_pictures():
    photos = table({"a": 100, "b": 100})
    photos["group"] = [number // 5 for number in range(200)]
    parts, _ = split(photos, section(splitter="stratified", valid_pct=0.4, test_pct=0.1))
    assert (pd.crosstab(photos["label"], parts)[["train", "valid", "test"]] == [50, 40, 10]).all(axis=None)


def test_a_class_of_one_picture_is_trained_on_and_noted_as_unscored():
    photos = table({"a": 10, "b": 3, "c": 2})
    photos.loc[photos["label"] != "a", "group"] = photos["label"]
    parts, notes = split(photos, section(splitter="stratified"))
    assert set(parts[photos["label"] != "a"]) == {"train"}
    assert notes[0] == ("noted_unscored", {"classes": "b, c"})


def parted(*above):
    return pd.concat([table({"a": 10, "b": 10}, each) for each in above], ignore_index=True)


@pytest.mark.parametrize("splitter", ["auto", "folders"])
def test_a_sets_own_parts_are_kept(splitter):
    parts, notes = split(parted("train/", "Val/", "test/"), section(splitter=splitter))
    assert parts.tolist() == ["train"] * 20 + ["valid"] * 20 + ["test"] * 20
    assert notes == []


def test_without_a_valid_folder_train_gives_photos_to_validate_with():
    parts, notes = split(parted("train/", "test/"), section())
    assert parts.tolist()[20:] == ["test"] * 20
    assert parts.value_counts().to_dict() == {"train": 16, "test": 20, "valid": 4}
    assert notes == [("noted_test_kept", {"count": 20})]


def test_a_test_folder_alone_validates_where_folders_was_said():
    parts, notes = split(parted("train/", "test/"), section(splitter="folders"))
    assert parts.value_counts().to_dict() == {"train": 20, "valid": 20}
    assert notes == [("noted_test_validates", {})]


@pytest.mark.parametrize("splitter", ["random", "stratified", "kfold"])
def test_parts_are_pooled_only_where_that_was_said(splitter):
    photos = parted("test/", "train/", "Val/")
    with pytest.raises(DataError, match=rf"`data\.splitter: {splitter}` would share them out anew"):
        split(photos, section(splitter=splitter))
    parts, notes = split(photos, section(splitter=splitter, parts="pool"))
    assert (parts[:20] == "test").all()
    assert parts[20:].value_counts().to_dict() == {"train": 32, "valid": 8}
    assert notes == [("noted_pooled", {"count": 40})]


def test_folders_without_a_part_are_refused():
    with pytest.raises(DataError, match=r"a/0\.jpg lies in no folder named train, valid or test"):
        split(table({"a": 2, "b": 2}), section(splitter="folders"))


def test_a_class_that_is_never_trained_on_is_refused():
    photos = table({"a": 60, "b": 2})
    seed = next(seed for seed in range(10_000) if set(torch_randperm(62, seed)[:12]) >= {60, 61})
    with pytest.raises(DataError, match=r"no photo to train on of: b.*stratified"):
        split(photos, section(seed=seed))


def test_too_few_photos_for_a_validation_part():
    with pytest.raises(DataError, match="random split of 4 photos leaves none to validate with"):
        split(table({"a": 2, "b": 2}), section())


@pytest.mark.parametrize("splitter", ["random", "stratified", "hashed", "kfold"])
def test_the_seed_decides_the_split(splitter):
    photos = table({"a": 30, "b": 30})
    seeds = (1, 1, 2**20 + 1)
    first, again, other = (split(photos, section(splitter=splitter, seed=seed))[0] for seed in seeds)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    later, _ = split(photos.set_index(photos.index + 7), section(splitter=splitter, seed=1))
    assert later.index.tolist() == list(range(7, 67))
    assert later.tolist() == first.tolist()


@pytest.mark.parametrize("splitter", ["random", "stratified", "hashed", "kfold"])
def test_a_group_is_never_parted(splitter):
    photos = table({"a": 60, "b": 60})
    photos["group"] = photos.index // 3
    parts, _ = split(photos, section(splitter=splitter))
    assert (parts.groupby(photos["group"]).nunique() == 1).all()
    assert 15 <= (parts == "valid").sum() <= 33


def test_a_random_group_goes_where_its_first_photo_is():
    photos = table({"a": 20, "b": 20})
    alone, _ = split(photos, section(test_pct=0.2))
    photos["group"] = [number % 20 for number in range(40)]
    together, _ = split(photos, section(test_pct=0.2))
    assert together.tolist() == alone[:20].tolist() * 2


@pytest.mark.parametrize("pattern", [r"bowl\d+", r"(bowl\d+)/(\d)"])
def test_group_by_takes_the_first_bracket_or_all_that_matches(pattern):
    photos = table({"a": 60, "b": 60})
    photos["path"] = [
        f"bowl{number // 4}/{number}.jpg" if number < 80 else f"{number}.jpg" for number in range(120)
    ]
    parts, _ = split(photos.assign(group=joined(photos, pattern)), section())
    bowls = photos["path"].str.extract(r"(bowl\d+)/")[0]
    assert (parts.groupby(bowls).nunique() == 1).all()
    assert parts.groupby(bowls).first().nunique() == 2
    assert set(parts[80:]) == {"train", "valid"}


def test_copies_and_bowls_join_into_one_group():
    photos = table({"a": 40, "b": 40})
    photos["path"] = [f"bowl{number // 2}/{number}.jpg" for number in range(80)]
    photos["group"] = [(number + 1) // 2 for number in range(80)]  # each bowl shares a picture with the next
    with pytest.raises(DataError, match="leaves none to"):
        split(photos.assign(group=joined(photos, r"bowl\d+")), section())


def test_photos_of_one_bowl_stay_together():
    photos = table({"a": 40, "b": 40})
    photos["path"] = [
        f"{label}/bowl{number % 8}_{number}.jpg" for number, label in enumerate(photos["label"])
    ]
    together = photos.assign(group=joined(photos, r"bowl(\d+)_"))
    parts, _ = split(together, section(splitter="stratified"))
    assert (parts.groupby(photos["path"].str.extract(r"(bowl\d+)")[0]).nunique() == 1).all()
    for pattern, reason in (
        ("(", r"^`data\.group_by`: \( is not a regular expression: missing \), .*\.$"),
        ("plate", r"^`data\.group_by`: plate matches no path, such as a/bowl0_0\.jpg\.$"),
    ):
        with pytest.raises(DataError, match=reason):
            joined(photos, pattern)


def test_the_folds_cover_every_photo_once():
    photos = table({"a": 12, "b": 13})
    folds = [split(photos, section(splitter="kfold", folds=4, fold=fold))[0] == "valid" for fold in range(4)]
    assert (sum(fold.astype(int) for fold in folds) == 1).all()
    assert len(split(photos, section(splitter="kfold", folds=12))[0]) == 25
    with pytest.raises(
        DataError, match=r"`data.folds: 13` needs as many different pictures of each class; a has 12"
    ):
        split(photos, section(splitter="kfold", folds=13))


def test_a_picture_in_train_and_test_folders_is_not_trained_on():
    rows = [("train", 0), ("train", 1), ("valid", 0), ("test", 1), ("valid", 2), ("test", 2), ("train", 3)]
    parts, pictures = zip(*rows, strict=True)
    photos = table({"a": 7}).assign(split=parts, group=pictures, picture=pictures)
    assert leaks(photos).to_numpy().tolist() == [
        ["a/0.jpg", "a", "its picture is in the valid part too"],
        ["a/1.jpg", "a", "its picture is in the test part too"],
        ["a/4.jpg", "a", "its picture is in the test part too"],
    ]


def test_a_bowl_in_train_and_test_folders_is_not_trained_on():
    photos = table({"a": 4}).assign(split=["train", "test", "train", "valid"], group=[0, 0, 1, 2])
    photos["picture"] = photos.index
    assert leaks(photos).to_numpy().tolist() == [
        ["a/0.jpg", "a", "its group (data.group_by) is in the test part too"]
    ]


def test_a_share_of_training_keeps_a_class_whose_groups_hold_other_classes_too():
    photos = table({"a": 30, "b": 30}).assign(split="train")
    photos["group"] = photos.index % 30
    assert set(share_of_training(photos, section(train_share=0.1))["label"]) == {"a", "b"}


def test_a_smaller_share_of_training_lies_within_a_larger_one():
    photos = table({"a": 40, "b": 23, "c": 4})
    photos["group"] = photos.index // 2
    photos["split"] = split(photos, section(splitter="stratified", test_pct=0.1))[0]
    small, large, other = (
        share_of_training(photos, section(train_share=share, seed=seed))
        for share, seed in ((0.1, 1), (0.5, 1), (0.5, 2))
    )
    assert set(small["path"]) < set(large["path"])
    assert set(large["path"]) != set(other["path"])
    for kept in (small, large):
        assert (
            kept[kept["split"] != "train"]["path"].tolist()
            == photos[photos["split"] != "train"]["path"].tolist()
        )
        assert (
            kept["group"]
            .value_counts()
            .equals(photos[photos["path"].isin(kept["path"])]["group"].value_counts())
        )
        assert kept.index.tolist() == list(range(len(kept)))
    trained = photos[photos["split"] == "train"].groupby("label")["group"].nunique()
    halves = large[large["split"] == "train"].groupby("label")["group"].nunique()
    assert halves.to_dict() == {name: max(round(count / 2), 1) for name, count in trained.items()}
    assert small[small["split"] == "train"].groupby("label")["group"].nunique().to_dict() == {
        "a": round(trained["a"] / 10),
        "b": 1,
        "c": 1,
    }
    assert share_of_training(photos, section()) is photos


def digests(counts):
    """Photos as they come from a camera: nothing in a digest says which class it is of."""
    photos = table(counts)
    return photos.assign(sha256=[hashlib.sha256(path.encode()).hexdigest() for path in photos["path"]])


def test_photos_that_are_added_move_none_of_those_there():
    photos = digests({"a": 200, "b": 100, "c": 60})
    asked = section(splitter="hashed", valid_pct=0.15, test_pct=0.2)
    random = np.random.default_rng(0)
    order = random.permutation(len(photos))
    before = split(photos.loc[sorted(order[:90])], asked)[0]
    for count in (120, 200, 360):
        now = split(photos.loc[sorted(order[:count])], asked)[0]
        assert (now[before.index] == before).all()
        before = now
    shares = pd.crosstab(photos["label"], before, normalize="index")
    assert abs(shares["valid"] - 0.15).max() < 0.1
    assert abs(shares["test"] - 0.2).max() < 0.1


def test_a_hashed_split_fills_each_part_of_a_small_class():
    asked = section(splitter="hashed", valid_pct=0.1, test_pct=0.1)
    for seed in range(20):
        parts, _ = split(digests({"few": 3, "pair": 2, "many": 90}), asked.model_copy(update={"seed": seed}))
        counts = pd.crosstab(digests({"few": 3, "pair": 2, "many": 90})["label"], parts)
        assert counts.loc["few"].tolist() == [1, 1, 1]
        assert counts.loc["pair", ["train", "valid"]].tolist() == [1, 1]


def test_a_photo_of_a_patient_that_comes_later_joins_the_others():
    photos = digests({"a": 40, "b": 40})
    photos["path"] = [f"{label}/p{place % 8}_{place}.jpg" for place, label in enumerate(photos["label"])]
    asked = section(splitter="hashed", group_by=r"/(p\d)_")
    photos["group"] = [place % 8 for place in range(len(photos))]
    few = photos[photos.index % 5 == 0]
    assert (split(photos, asked)[0][few.index] == split(few, asked)[0]).all()


@pytest.mark.parametrize("splitter", ["random", "stratified", "hashed", "kfold"])
def test_a_note_says_what_groups_did_to_the_split(splitter):
    photos = table({"a": 20, "b": 20})
    assert "noted_grouped" not in dict(split(photos, section(splitter=splitter))[1])
    photos["group"] = ["burst" if row < 12 else path for row, path in enumerate(photos["path"])]
    parts, notes = split(photos, section(splitter=splitter))
    said = dict(notes)["noted_grouped"]
    assert (said["count"], said["photos"], said["asked"]) == (1, 12, 0.2)
    more = dict(split(photos, section(splitter=splitter, valid_pct=0.4, folds=4))[1])["noted_grouped"]
    assert more["asked"] == (0.25 if splitter == "kfold" else 0.4)
    assert said["share"] == (parts == "valid").mean()
    assert said["own"] == (parts == "valid")[photos["label"] == said["label"]].mean()
