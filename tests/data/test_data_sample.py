import filecmp

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from kimchi_vision import data
from kimchi_vision.base.errors import ConfigError, DataError
from kimchi_vision.config.sections import Data, Sample
from kimchi_vision.data.sample import CLASSES, draw
from kimchi_vision.data.sample.__init__ import plan
from kimchi_vision.data.sample.photo import CHANGES, Photo, changed, shoot

PLANTED = Sample(per_class=2, seed=5, label_errors=0.1, duplicates=0.2, background=0.5)


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
    assert len(photos.items) == 2 * len(CLASSES)


@pytest.mark.slow
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
    assert len(found) == 2 * len(CLASSES)
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


@pytest.mark.parametrize("change", CHANGES)
def test_the_box_of_a_near_copy_moves_with_the_food(change):
    image = Image.new("RGB", (320, 240), "white")
    image.paste("red", (60, 40, 160, 120))
    copy = changed(Photo(image, (60, 40, 100, 80), 90), change, np.random.default_rng(3))
    red = np.asarray(copy.image)[..., 1] < 100
    left, top, width, height = copy.box
    assert red[top + 2 : top + height - 2, left + 2 : left + width - 2].all()
    assert red.sum() == pytest.approx(width * height, rel=0.05)


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


@pytest.mark.slow
def test_colours_alone_tell_some_classes_but_not_all(tmp_path):
    folder = draw(Sample(per_class=12), tmp_path / "set")
    truth = pd.read_csv(folder / "truth.csv")
    histograms = []
    for path in truth["path"]:
        with Image.open(folder / path) as image:
            coarse = np.asarray(image.resize((64, 48))).reshape(-1, 3) // 64
        histograms.append(np.bincount(coarse @ [16, 4, 1], minlength=64) / len(coarse))
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
    accuracy = cross_val_score(probe, np.array(histograms), truth["label"], cv=4).mean()
    assert 2 / len(CLASSES) < accuracy < 0.9
