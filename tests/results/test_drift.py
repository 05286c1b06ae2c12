"""Photos that come in, beside held-out ones: alike, different, or too few to tell."""

import numpy as np
import pytest

from kimchi_vision.results import drift
from kimchi_vision.results.intervals import Estimate

VOCAB = ("깍두기", "배추김치")


def side(photos, moved=0.0, seed=0):
    """Photos of two classes in equal numbers; `moved` by so many standard deviations in some directions."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(photos, 12)) + 4
    features[:, :3] += moved
    sure = np.where(np.arange(photos) % 2, 0.9, 0.2)
    return drift.Side(features, np.stack([sure, 1 - sure], axis=1), np.arange(photos))


def measured(incoming, threshold=None):
    return drift.measure(side(400), incoming, side(300, seed=1).features, VOCAB, threshold)


def test_photos_of_the_same_kind_are_alike():
    found = measured(side(600, seed=2), threshold=0.85)
    assert (found["verdict"], found["photos"], found["known_photos"]) == ("alike", 600, 400)
    assert found["auc_interval"][0] < 0.5 < found["auc_interval"][1] < drift.ALIKE
    assert found["unlike_share"] == pytest.approx(0.05, abs=0.03)
    assert found["incoming"]["unanswered"] == pytest.approx(0.5)
    assert found["incoming"]["classes"]["깍두기"]["share"] == 0.5


def test_photos_of_another_kind_are_different():
    found = measured(side(100, moved=2, seed=2))
    assert found["verdict"] == "different"
    assert found["auc_interval"][0] > 0.9
    assert found["unlike_share"] > 0.15
    assert "unanswered" not in found["incoming"]


def test_few_photos_cannot_tell():
    found = measured(side(drift.FEWEST - 1, moved=2, seed=2))
    assert (found["verdict"], found["auc_interval"]) == ("cannot tell", None)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.45, 0.59, "alike"), (0.52, 0.59, "alike"), (0.52, 0.7, "different"), (0.45, 0.61, "cannot tell")],
)
def test_a_difference_that_is_certain_and_small_is_none(low, high, verdict):
    assert drift.verdict(Estimate((low + high) / 2, low, high)) == verdict


def test_groups_are_not_told_apart_by_their_own_copies():
    """Copies of a few pictures would be recognised by a classifier that learnt on others of them."""
    pictures, group = [side(40).features, side(40, seed=3).features], np.repeat(np.arange(40), 5)
    known, incoming = (drift.Side(np.repeat(each, 5, axis=0), np.ones((200, 1)), group) for each in pictures)
    assert drift.verdict(drift.told_apart(known, incoming)) != "different"
