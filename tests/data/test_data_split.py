import numpy as np
import pandas as pd
import pytest

from kimchi_vision.base.errors import DataError
from kimchi_vision.config.sections import Data
from kimchi_vision.data.split import leaks, split, torch_randperm


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


def test_the_test_part_leaves_validation_as_it_was():
    photos = table({"a": 50, "b": 50})
    without, _ = split(photos, section())
    with_test, _ = split(photos, section(test_pct=0.1))
    assert (with_test[without == "valid"] == "valid").all()
    assert with_test.value_counts().to_dict() == {"train": 70, "valid": 20, "test": 10}


def test_stratified_keeps_every_class_in_train_and_valid():
    photos = table({"rare": 2, "few": 3, "many": 95})
    parts, notes = split(photos, section(splitter="stratified", test_pct=0.1))
    counts = pd.crosstab(photos["label"], parts)
    assert (counts[["train", "valid"]] >= 1).all(axis=None)
    assert counts.loc["many"].to_dict() == {"train": 66, "valid": 19, "test": 10}
    assert notes == []


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
    photos = parted("train/", "Val/", "test/")
    with pytest.raises(DataError, match=rf"`data\.splitter: {splitter}` would share them out anew"):
        split(photos, section(splitter=splitter))
    parts, notes = split(photos, section(splitter=splitter, parts="pool"))
    assert (parts[40:] == "test").all()
    assert parts[:40].value_counts().to_dict() == {"train": 32, "valid": 8}
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


def test_no_part_shares_a_photo_and_the_seed_decides():
    photos = table({"a": 30, "b": 30})
    first, again, other = (split(photos, section(seed=seed))[0] for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("splitter", ["random", "stratified", "kfold"])
def test_a_group_is_never_parted(splitter):
    photos = table({"a": 60, "b": 60})
    photos["group"] = photos.index // 3
    parts, _ = split(photos, section(splitter=splitter))
    assert (parts.groupby(photos["group"]).nunique() == 1).all()
    assert 15 <= (parts == "valid").sum() <= 33


def test_photos_of_one_bowl_stay_together():
    photos = table({"a": 40, "b": 40})
    photos["path"] = [
        f"{label}/bowl{number % 8}_{number}.jpg" for number, label in enumerate(photos["label"])
    ]
    parts, _ = split(photos, section(splitter="stratified", group_by=r"bowl(\d+)_"))
    assert (parts.groupby(photos["path"].str.extract(r"(bowl\d+)")[0]).nunique() == 1).all()
    for pattern, reason in (
        ("(", "not a regular expression"),
        ("plate", "matches no path, such as a/bowl0_0"),
    ):
        with pytest.raises(DataError, match=reason):
            split(photos, section(group_by=pattern))


def test_the_folds_cover_every_photo_once():
    photos = table({"a": 12, "b": 13})
    folds = [split(photos, section(splitter="kfold", folds=4, fold=fold))[0] == "valid" for fold in range(4)]
    assert (sum(fold.astype(int) for fold in folds) == 1).all()
    with pytest.raises(
        DataError, match=r"`data.folds: 20` needs as many different pictures of each class; a has 12"
    ):
        split(photos, section(splitter="kfold", folds=20))


def test_a_picture_in_train_and_test_folders_is_not_trained_on():
    photos = table({"a": 4}).assign(split=["train", "train", "valid", "test"], group=[0, 1, 0, 1])
    left_out = leaks(photos)
    assert left_out["path"].tolist() == ["a/0.jpg", "a/1.jpg"]
    assert left_out["reason"].tolist() == [
        f"its picture is in the {part} part too" for part in ("valid", "test")
    ]


def test_a_file_decides_by_content_and_new_photos_move_nothing(tmp_path):
    photos = table({"a": 50, "b": 50})
    parts, _ = split(photos, section())
    file = tmp_path / "split.csv"
    photos.assign(split=parts).to_csv(file, index=False)
    more = table({"a": 80, "b": 50})
    more["sha256"] = [*photos["sha256"][:50], *(f"new {n}" for n in range(30)), *photos["sha256"][50:]]
    more.loc[50, "group"] = more.loc[int(np.flatnonzero(parts == "valid")[0]), "group"]
    again, notes = split(more, section(split=file))
    assert again.drop(range(50, 80)).tolist() == parts.tolist()
    assert again[50] == "valid"
    assert set(again[51:80]) == {"train", "valid"}
    assert notes == [("noted_new", {"file": str(file), "count": 30})]


def test_a_file_that_is_no_split_is_refused(tmp_path):
    file = tmp_path / "split.csv"
    for content, reason in (
        (None, "there is no such file"),
        ("path,label\n", "has no column sha256 or split"),
        ("sha256,split\n1,trian\n", "holds the part 'trian'"),
    ):
        if content:
            file.write_text(content)
        with pytest.raises(DataError, match=reason):
            split(table({"a": 5, "b": 5}), section(split=file))
