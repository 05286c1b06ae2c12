import filecmp

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from kimchi_vision import data
from kimchi_vision.config.sections import Data, Sample
from kimchi_vision.data.sample import CLASSES, draw
from kimchi_vision.data.sample.photo import shoot
from kimchi_vision.data.sample.plan import plan
from kimchi_vision.errors import ConfigError, DataError

PLANTED = Sample(per_class=3, seed=5, label_errors=0.1, duplicates=0.2, background=0.5)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return draw(PLANTED, tmp_path_factory.mktemp("drawn") / "set")


def boxes(folder):
    for properties in folder.glob("*/crop_area.properties"):
        for line in properties.read_text(encoding="utf-8").splitlines():
            name, _, box = line.partition("=")
            yield properties.parent / f"{name}.jpg", [int(side) for side in box.split(",")]


def files(folder):
    return sorted(path.relative_to(folder) for path in folder.rglob("*.*"))


def test_a_drawn_set_can_be_loaded_like_any_folder(drawn):
    photos = data.load(Data(path=drawn, splitter="stratified"), cache=drawn.parent)
    assert set(photos.vocab) == set(CLASSES)
    assert len(photos.items) == 3 * len(CLASSES)


def test_the_same_settings_draw_the_same_bytes(drawn, tmp_path):
    again = draw(PLANTED, tmp_path / "again")
    assert files(again) == files(drawn)
    assert filecmp.cmpfiles(drawn, again, files(drawn), shallow=False)[1:] == ([], [])


def test_a_photo_depends_on_its_own_seed_only(drawn):
    truth = plan(PLANTED)
    row = truth[truth["planted"] == "none"].iloc[-1]
    key = CLASSES.index(row["folder"]), int(row["path"][-8:-4])
    photo = shoot(row["label"], row["table"], np.random.SeedSequence(PLANTED.seed, spawn_key=(1, *key)))
    photo.image.save(drawn.parent / "alone.jpg", quality=photo.quality)
    assert filecmp.cmp(drawn.parent / "alone.jpg", drawn / row["path"], shallow=False)


def test_boxes_lie_inside_their_photos(drawn):
    found = dict(boxes(drawn))
    assert len(found) == 3 * len(CLASSES)
    for path, (left, top, width, height) in found.items():
        with Image.open(path) as image:
            assert 0 <= left < left + width <= image.width
            assert 0 <= top < top + height <= image.height
            assert width * height > 0.03 * image.width * image.height


def test_truth_names_every_photo_and_its_source(drawn):
    truth = pd.read_csv(drawn / "truth.csv", keep_default_na=False)
    assert set(truth["path"]) == {path.relative_to(drawn).as_posix() for path in drawn.glob("*/*.jpg")}
    copies = truth[truth["planted"] == "duplicate"]
    for copy in copies.itertuples():
        source = truth[truth["path"] == copy.source].squeeze()
        assert (source["group"], source["label"], source["planted"] != "duplicate") == (
            copy.group,
            copy.label,
            True,
        )
        assert filecmp.cmp(drawn / copy.path, drawn / copy.source, shallow=False) == (copy.change == "exact")


def test_planted_shares_are_exact():
    truth = plan(Sample(per_class=40, label_errors=0.05, duplicates=0.15))
    assert truth["planted"].value_counts().to_dict() == {"none": 352, "duplicate": 66, "label_error": 22}
    assert set(truth["change"].value_counts()) == {11, 374}
    wrong = truth["label"] != truth["folder"]
    assert (truth["planted"][wrong] == "label_error").all()
    assert wrong.sum() == 22


@pytest.mark.parametrize("share", [0, 0.25, 1])
def test_a_background_tells_that_share_of_each_class(share):
    truth = plan(Sample(per_class=40, background=share))
    telling = truth[truth["planted"] == "background"]
    assert (telling["table"] == telling["label"].map(CLASSES.index)).all()
    assert telling["label"].value_counts().reindex(CLASSES, fill_value=0).eq(40 * share).all()


def test_more_plants_than_photos_is_refused():
    with pytest.raises(ConfigError, match=r"data\.sample asks for 22 label errors"):
        plan(Sample(per_class=2, label_errors=1.0))


def test_a_set_that_is_there_is_kept_and_another_one_is_not_overwritten(drawn):
    before = (drawn / "truth.csv").stat().st_mtime_ns
    assert draw(PLANTED, drawn) == drawn
    assert (drawn / "truth.csv").stat().st_mtime_ns == before
    with pytest.raises(DataError, match="isn't this drawn sample"):
        draw(Sample(per_class=2), drawn)


def test_an_interrupted_drawing_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("kimchi_vision.data.sample.shoot", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        draw(Sample(per_class=2), tmp_path / "set")
    assert list(tmp_path.iterdir()) == []
