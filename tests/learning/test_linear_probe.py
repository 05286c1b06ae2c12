from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import noise
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold, cross_val_predict, cross_val_score
from sklearn.utils.class_weight import compute_sample_weight
from torch import nn

from kimchi_vision import data
from kimchi_vision.base import cache
from kimchi_vision.base.errors import RunError
from kimchi_vision.config import Experiment
from kimchi_vision.config.sections import Data, Features
from kimchi_vision.data.photo import open_photo
from kimchi_vision.learning import linear_probe
from kimchi_vision.learning.linear_probe import linear
from kimchi_vision.learning.model.side_by_side import SideBySide
from kimchi_vision.results.preprocess import Preprocess

PREPROCESS = Preprocess(resize=16, size=16)


class Colours(nn.Module):
    """A body that counts the photos it sees; its map holds the colours of a photo."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.seen = 0

    def forward(self, photos):
        self.seen += len(photos)
        return photos[:, :, ::4, ::4] * self.scale


@pytest.fixture
def photos(folder_of, tmp_path):
    return data.load(Data(path=folder_of({"갓김치": 8, "백김치": 8}), splitter="stratified"), tmp_path)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("KIMCHI_CACHE", str(tmp_path / "kept"))


def test_a_photo_goes_through_the_same_weights_once(photos):
    body = Colours()
    first = linear_probe.compute(body, photos, photos.part("train"), PREPROCESS)
    opened = [PREPROCESS(open_photo(file)) for file in photos.files(photos.part("train"))]
    assert np.allclose(first, [picture[:, ::4, ::4].mean((1, 2)) for picture in opened], atol=1e-6)
    assert linear_probe.compute(body, photos, photos.items, PREPROCESS).shape == (16, 3)
    assert body.seen == 16
    assert np.array_equal(first, linear_probe.compute(body, photos, photos.part("train"), PREPROCESS))


def test_other_weights_are_other_features(photos):
    body = Colours()
    one = linear_probe.compute(body, photos, photos.items, PREPROCESS)
    with torch.no_grad():
        body.scale.fill_(2)
    assert np.allclose(linear_probe.compute(body, photos, photos.items, PREPROCESS), 2 * one)


def test_photos_that_are_prepared_otherwise_have_other_features(photos):
    one = linear_probe.compute(Colours(), photos, photos.items, PREPROCESS)
    halves = replace(PREPROCESS, mean=(0.5,) * 3, std=(0.5,) * 3)
    assert np.allclose(linear_probe.compute(Colours(), photos, photos.items, halves), 2 * one - 1, atol=1e-6)


def test_damaged_features_are_computed_anew(photos, caplog):
    body = Colours()
    linear_probe.compute(body, photos, photos.items, PREPROCESS)
    (file,) = cache.folder().glob("*.features.npz")
    file.write_bytes(b"PK what is this")
    assert linear_probe.compute(body, photos, photos.items, PREPROCESS).shape == (16, 3)
    assert "is damaged" in caplog.text


def test_the_body_stays_in_the_mode_it_was_in(photos):
    body = nn.Sequential(Colours(), nn.BatchNorm2d(3, eps=0)).train()
    assert np.allclose(
        linear_probe.compute(body, photos, photos.items, PREPROCESS),
        linear_probe.compute(body[0], photos, photos.items, PREPROCESS),
    )
    assert body.training


@pytest.mark.parametrize(("classes", "number"), [(2, 5), (3, 5), (2, 300), (3, 300)])
def test_the_head_gives_scikit_learns_probabilities(classes, number):
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(classes), 20)
    values = random.normal(size=(len(labels), number)).astype(np.float32) + labels[:, None]
    head = linear_probe.fit(Features(), values, labels, classes)
    scaled = (values - values.mean(axis=0)) / np.sqrt(values.var(axis=0).mean())
    model = LogisticRegression(C=head.strength, solver="newton-cg").fit(scaled, labels)
    own = model.predict_proba(scaled)
    assert np.allclose(head.probabilities(values), own, atol=1e-3)


RARE = {
    "class weights": {"train": {"class_weights": "balanced"}},
    "balanced sampling": {"loader": {"sampling": "balanced"}},
    "logit adjustment": {"train": {"logit_adjustment": 1}},
}


@pytest.mark.parametrize("asked", RARE.values(), ids=list(RARE))
def test_a_rare_class_counts_in_the_head_as_it_does_in_training(asked):
    labels = np.repeat([0, 1], [200, 20])
    values = np.random.default_rng(0).normal(size=(220, 5)) + 0.5 * labels[:, None]
    rare = linear_probe.Rare.of(Experiment(name="rare", data={"path": "photos"}, recipe="quick", **asked))
    heads = [linear_probe.fit(Features(), values, labels, 2, each) for each in (linear_probe.Rare(), rare)]
    missed, found = ((head.probabilities(values)[labels == 1, 1] > 0.5).mean() for head in heads)
    assert found > missed + 0.3


def test_an_adjusted_head_answers_as_if_classes_were_alike():
    labels = np.repeat([0, 1, 2], [40, 20, 10])
    values = np.random.default_rng(0).normal(size=(70, 5)) + labels[:, None]
    plain, halved = (
        linear_probe.fit(Features(), values, labels, 3, linear_probe.Rare(adjustment=each))
        for each in (0, 0.5)
    )
    shares = np.array([4, 2, 1]) / 7
    expected = plain.probabilities(values) / np.sqrt(shares)
    assert halved.probabilities(values) == pytest.approx(
        expected / expected.sum(axis=1, keepdims=True), abs=1e-5
    )


def test_features_that_tell_classes_apart_are_regularised_least_and_noise_most():
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 30)
    telling = labels[:, None] * 5 + random.normal(scale=0.1, size=(90, 3))
    noise = random.normal(size=(90, 20))
    strengths = [linear_probe.fit(Features(), values, labels, 3).strength for values in (telling, noise)]
    assert strengths == [1.0, 0.01]
    # A class of one photo leaves nothing to choose by.
    alone = np.array([0] * 30 + [1])
    assert linear_probe.fit(Features(), telling[:31], alone, 2).strength == 0.1


def test_how_strongly_to_regularise_is_chosen_by_the_folds_that_are_asked_for():
    random = np.random.default_rng(3)
    labels = np.repeat([0, 1], 20)
    values = random.normal(size=(40, 6)) + 0.6 * labels[:, None]
    scaled = (values - values.mean(axis=0)) / np.sqrt(values.var(axis=0).mean())
    for folds in (2, 4):
        losses = {}
        for strength in linear.STRENGTHS:
            cv = StratifiedKFold(folds, shuffle=True, random_state=0)
            model = LogisticRegression(C=strength, solver="newton-cg")
            losses[strength] = -cross_val_score(model, scaled, labels, cv=cv, scoring="neg_log_loss").mean()
        assert linear_probe.fit(Features(folds=folds), values, labels, 2).strength == min(
            losses, key=losses.get
        )


def test_how_strongly_is_chosen_by_what_rare_photos_lose_where_classes_count_alike():
    labels = np.repeat([0, 1], [60, 6])
    values = np.random.default_rng(5).normal(size=(66, 6)) + 0.6 * labels[:, None]
    scaled = (values - values.mean(axis=0)) / np.sqrt(values.var(axis=0).mean())
    weights, losses = compute_sample_weight("balanced", labels), {}
    for strength in linear.STRENGTHS:
        model = LogisticRegression(C=strength, solver="newton-cg", class_weight="balanced")
        cv = StratifiedKFold(5, shuffle=True, random_state=0)
        said = cross_val_predict(model, scaled, labels, cv=cv, method="predict_proba")
        losses[strength] = [log_loss(labels, said, sample_weight=each) for each in (weights, None)]
    weighed, plain = (min(losses, key=lambda strength: losses[strength][way]) for way in (0, 1))
    assert linear_probe.fit(Features(), values, labels, 2, linear_probe.Rare("balanced")).strength == weighed
    assert weighed != plain


def test_photos_to_choose_by_are_2000_of_all_classes():
    labels = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], [4000, 1000, 50]))
    some = linear._some(labels)
    assert (len(some), len(set(some))) == (2000, 2000)
    assert np.bincount(labels[some]).tolist() == pytest.approx([1584, 396, 20], abs=1)


def test_cross_validation_finds_what_features_tell_and_nothing_in_noise():
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1], 50)
    telling = labels[:, None] + random.normal(scale=0.1, size=(100, 4))
    assert (linear_probe.cross_validated(Features(), telling, labels) == labels).all()
    noise = random.normal(size=(100, 4))
    assert 30 < (linear_probe.cross_validated(Features(), noise, labels) == labels).sum() < 70


def test_a_photo_is_not_told_by_its_copy():
    labels, noise = np.repeat([0, 1], 30), np.random.default_rng(0).normal(size=(60, 100))
    twice, groups = np.tile(labels, 2), np.tile(np.arange(60), 2)
    features = np.concatenate([noise, noise])
    apart, told = (
        (linear_probe.cross_validated(Features(), features, twice, each) == twice).mean()
        for each in (groups, None)
    )
    assert told > 0.8
    assert 0.3 < apart < 0.7


@pytest.mark.parametrize("smallest", [1, 2, 3])
def test_a_class_may_have_fewer_photos_than_there_are_folds(smallest):
    labels = np.array([0] * 20 + [1] * smallest)
    values = np.random.default_rng(0).normal(size=(len(labels), 3)) + labels[:, None]
    head = linear_probe.fit(Features(folds=5), values, labels, 2)
    assert np.isfinite(head.probabilities(values)).all()


def test_the_floor_answers_for_the_validation_photos(photos, caplog):
    caplog.set_level("INFO")
    body = Colours()
    floor = linear_probe.floor(Features(), body, photos, PREPROCESS)
    train, valid = photos.part("train"), photos.part("valid")
    labels = train["label"].map(photos.vocab.index).to_numpy()
    head = linear_probe.fit(Features(), linear_probe.compute(body, photos, train, PREPROCESS), labels, 2)
    shares = head.probabilities(linear_probe.compute(body, photos, valid, PREPROCESS))
    table, truth = floor.predictions.table, valid["label"].map(photos.vocab.index).to_numpy()
    assert table.columns.tolist() == ["path", "split", "truth", "predicted", "loss", "p:갓김치", "p:백김치"]
    assert (table[["path", "split"]] == valid[["path", "split"]]).all(axis=None)
    assert table["truth"].tolist() == valid["label"].tolist()
    assert np.array_equal(table[["p:갓김치", "p:백김치"]], shares)
    assert table["predicted"].tolist() == [photos.vocab[place] for place in shares.argmax(axis=1)]
    assert table["loss"].tolist() == pytest.approx((-np.log(shares[np.arange(len(valid)), truth])).tolist())
    right = (shares.argmax(axis=1) == truth).sum()
    assert f"Floor: {right} of {len(valid)} photos right" in caplog.text
    assert floor.lost.empty
    assert floor.head.strength == head.strength
    assert linear_probe.floor(Features(floor=False), Colours(), photos, PREPROCESS) is None


def test_a_training_photo_that_vanished_is_left_out_where_the_policy_says_so(photos, caplog):
    gone = photos.files(photos.part("train"))[0].path
    gone.unlink()
    with pytest.raises(ValueError, match=gone.name):
        linear_probe.floor(Features(), Colours(), photos, PREPROCESS)
    lenient = replace(photos, on_unreadable="skip")
    floor = linear_probe.floor(Features(), Colours(), lenient, PREPROCESS)
    assert len(floor.predictions)
    assert floor.lost["path"].tolist() == [photos.part("train")["path"].iloc[0]]
    assert f"{gone} is left out" in caplog.text
    noise(gone, 1)
    assert linear_probe.floor(Features(), Colours(), lenient, PREPROCESS).lost.empty


def test_a_class_that_vanished_is_named(photos):
    train = photos.part("train")
    for file in photos.files(train[train["label"] == "갓김치"]):
        file.path.unlink()
    with pytest.raises(RunError, match="No training photo of 갓김치"):
        linear_probe.floor(Features(), Colours(), replace(photos, on_unreadable="skip"), PREPROCESS)


def test_a_validation_photo_that_vanished_is_an_error_under_any_policy(photos):
    photos.files(photos.part("valid"))[0].path.unlink()
    with pytest.raises(ValueError, match="No such file"):
        linear_probe.floor(Features(), Colours(), replace(photos, on_unreadable="skip"), PREPROCESS)


@pytest.mark.parametrize("rare", [linear_probe.Rare(), linear_probe.Rare("balanced", 0.5)], ids=str)
def test_a_trained_body_starts_from_its_own_head_and_the_others_keep_their_say(folder_of, tmp_path, rare):
    counts = {"갓김치": 8, "백김치": 4}
    photos = data.load(Data(path=folder_of(counts), splitter="stratified"), tmp_path)
    body = SideBySide([Colours(), Colours()], [3, 3], [((0.5,) * 3, (0.5,) * 3)] * 2)
    train = photos.part("train")
    values = linear_probe.compute(body, photos, train, PREPROCESS)
    floor = linear_probe.floor(Features(), body, photos, PREPROCESS, rare)
    centre = values[:, 3:].mean(axis=0)
    assert np.allclose(body.centre, centre, atol=1e-6)
    labels = train["label"].map(photos.vocab.index).to_numpy()
    own = linear_probe.fit(Features(), values[:, :3], labels, 2, rare)
    assert np.allclose(floor.start.weight[:, :3], own.weight)
    # 3 parts of 10 in each answer, as the recipe says.
    assert np.allclose(floor.start.weight[:, 3:], 3 / 7 * own.weight, atol=1e-4)
    others = linear_probe.fit(Features(), values[:, 3:] - centre, labels, 2, rare)
    assert np.allclose(floor.start.bias, own.bias + 3 / 7 * others.bias, atol=1e-4)
    both = np.concatenate([values[:, :3], values[:, 3:] - centre], axis=1)
    assert np.allclose(
        floor.head.weight, linear_probe.fit(Features(), both, labels, 2, rare).weight, atol=1e-4
    )
    assert not np.allclose(floor.head.weight, floor.start.weight)
