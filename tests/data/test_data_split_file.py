"""A split that was made before, in a file: what it knows stays, what is new moves nothing."""

import numpy as np
import pandas as pd
import pytest

from kimchi_vision.base.errors import DataError
from kimchi_vision.data.split import split
from tests.data.test_data_split import section, table


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


@pytest.fixture
def known(tmp_path):
    """Photos in a split file, and the same with 400 new ones."""
    photos = table({"a": 50, "b": 50})
    file = tmp_path / "split.csv"
    photos.assign(split=split(photos, section())[0]).to_csv(file, index=False)
    return photos, table({"a": 250, "b": 250}), file


def test_new_photos_are_shared_out_by_seed_and_share(known):
    _, more, file = known
    parts = {
        (seed, share): split(more, section(split=file, seed=seed, valid_pct=share))[0]
        for seed, share in ((1, 0.2), (2, 0.2), (1, 0.6))
    }
    new = ~more["sha256"].isin(pd.read_csv(file)["sha256"])
    assert (parts[1, 0.2] != parts[2, 0.2]).any()
    assert (parts[1, 0.2] == parts[2, 0.2])[~new].all()
    for (_, share), found in parts.items():
        assert (found[new] == "valid").mean() == pytest.approx(share, abs=0.07)
    assert (parts[1, 0.6] == "valid")[parts[1, 0.2] == "valid"].all()


def test_new_copies_of_one_picture_go_to_one_part(known):
    _, more, file = known
    more["group"] = more.index // 10
    parts, _ = split(more, section(split=file))
    new = ~more["sha256"].isin(pd.read_csv(file)["sha256"])
    assert (parts[new].groupby(more["group"]).nunique() == 1).all()


def test_a_file_tells_how_many_of_its_photos_are_gone_and_may_name_a_content_twice(known):
    photos, _, file = known
    table_of_file = pd.read_csv(file)
    pd.concat([table_of_file, table_of_file.head(3)]).to_csv(file, index=False)
    parts, notes = split(photos.drop(index=[4, 99]).reset_index(drop=True), section(split=file))
    assert parts.tolist() == table_of_file["split"].drop(index=[4, 99]).tolist()
    assert notes == [("noted_missing", {"file": str(file), "count": 2})]


def test_a_file_without_a_validation_part_is_refused(known):
    photos, _, file = known
    photos.assign(split="train").to_csv(file, index=False)
    with pytest.raises(DataError, match=r"^The file split of 100 photos leaves none to validate with"):
        split(photos, section(split=file))


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
