"""What has changed since a run began, in a few words."""

import pandas as pd

from kimchi_vision.jobs import run_lock

COLUMNS = ["path", "label", "split", "sha256"]


def photos(*rows: tuple[str, str, str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=COLUMNS)


def test_photos_that_differ_are_counted_by_kind_and_three_are_named():
    gone = [(f"a/{number}.jpg", "a", "train", f"{number}") for number in range(4)]
    before = photos(*gone, ("b/1.jpg", "b", "train", "x"), ("b/2.jpg", "b", "valid", "y"))
    now = photos(
        ("b/1.jpg", "c", "train", "z"), ("b/2.jpg", "b", "train", "y"), ("b/3.jpg", "b", "valid", "w")
    )
    assert str(run_lock.photo_changes(before, now)) == (
        "4 gone (a/0.jpg, a/1.jpg, a/2.jpg, ...), 1 new (b/3.jpg), 1 with other content (b/1.jpg), "
        "1 of another class (b/1.jpg), 1 in another part (b/2.jpg)"
    )
    assert str(run_lock.photo_changes(before, before[2:])).startswith("2 gone (a/0.jpg, a/1.jpg)")
    assert str(run_lock.photo_changes(before[:3], before[3:])).startswith(
        "3 gone (a/0.jpg, a/1.jpg, a/2.jpg), 3 new"
    )
    assert run_lock.photo_changes(now, now.sample(frac=1, random_state=0)) is None


def test_keys_that_differ_are_named_with_both_values():
    stop = {"monitor": "accuracy", "patience": 3}
    before = {"train": {"seed": 42, "early_stop": stop}, "name": "a"}
    now = {"train": {"seed": 43, "early_stop": {**stop, "patience": 2}}, "name": "a", "more": "x" * 99}
    said = "train.seed was 42 and is 43, train.early_stop.patience was 3 and is 2, "
    said += f"more was None and is '{'x' * 55} ..."
    assert str(run_lock.key_changes(before, now)) == said
    assert run_lock.key_changes(now, now) is None
