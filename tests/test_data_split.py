import numpy as np
import pandas as pd
import pytest

from kimchi_vision.config.sections import Data
from kimchi_vision.data.split import split, torch_randperm
from kimchi_vision.errors import DataError


def table(counts, above=""):
    labels = [label for label, count in counts.items() for _ in range(count)]
    return pd.DataFrame(
        {"path": [f"{above}{label}/{n}.jpg" for n, label in enumerate(labels)], "label": labels}
    )


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


def test_folders_name_the_part():
    photos = pd.concat(
        [table({"a": 2, "b": 2}, above) for above in ("train/", "Val/", "test/")], ignore_index=True
    )
    parts, _ = split(photos, section(splitter="folders"))
    assert parts.tolist() == ["train"] * 4 + ["valid"] * 4 + ["test"] * 4


def test_a_test_folder_alone_serves_for_validation():
    photos = pd.concat([table({"a": 2, "b": 2}, above) for above in ("train/", "test/")], ignore_index=True)
    parts, notes = split(photos, section(splitter="folders"))
    assert set(parts) == {"train", "valid"}
    assert "test folder are the validation photos" in notes[0]


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
