"""Photos that come in, beside held-out ones: alike, different, or too few to tell."""

import numpy as np
import pytest

from kimchi_vision.results import drift, intervals
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


def test_few_held_out_photos_cannot_tell_either():
    known = side(drift.FEWEST - 1)
    assert drift.told_apart(known, side(100, moved=2, seed=2)).interval is None


def test_both_kinds_of_photos_have_their_own_answers_and_copies_count_once():
    """Of 600 photos in 200 groups three of four are sure, and the first class is never answered."""
    sure = np.where(np.arange(600) % 4 == 0, 0.6, 0.95)
    incoming = side(600, seed=2)._replace(
        probabilities=np.stack([1 - sure, sure], axis=1), units=np.arange(600) // 3
    )
    found = measured(incoming, threshold=0.85)
    known, new = found["known"], found["incoming"]
    assert (found["groups"], found["known_groups"]) == (200, 400)
    assert [each["classes"]["깍두기"]["share"] for each in (known, new)] == [0.5, 0]
    assert [each["confidence"] for each in (known, new)] == pytest.approx([0.85, 0.8625])
    assert [each["unanswered"] for each in (known, new)] == [0.5, 0.25]
    assert new["unanswered_interval"] == intervals.share(sure < 0.85, incoming.units).interval
    assert new["confidence_interval"] == intervals.mean(sure, incoming.units).interval
    assert new["classes"]["배추김치"]["share_interval"] == intervals.share(sure > 0, incoming.units).interval
    apart = measured(incoming._replace(units=np.arange(600)))
    assert np.ptp(found["unlike_share_interval"]) > np.ptp(apart["unlike_share_interval"])
    twice = side(400)._replace(units=np.arange(400) // 2)
    counted = drift.measure(twice, incoming, side(300, seed=1).features, VOCAB, None)
    assert counted["known_groups"] == 200


def test_how_far_a_photo_lies_is_said_by_its_fifth_neighbour():
    trained = np.array([[1.0, 0]] * 4 + [[0, 1]] * 4)
    assert drift.distances(trained, np.array([[1.0, 0], [1, 1]])) == pytest.approx([1, 1 - 0.5**0.5])


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.45, 0.59, "alike"), (0.52, 0.59, "alike"), (0.52, 0.7, "different"), (0.45, 0.61, "cannot tell")],
)
def test_a_difference_that_is_certain_and_small_is_none(low, high, verdict):
    assert drift.verdict(Estimate((low + high) / 2, low, high)) == verdict


def drawn(pictures, copies, random):
    """Photos of one kind, each picture in so many near copies."""
    features = np.repeat(random.normal(size=(pictures, 20)), copies, axis=0)
    features += 0.1 * random.normal(size=features.shape)
    return drift.Side(features, np.ones((len(features), 1)), np.repeat(np.arange(pictures), copies))


def test_copies_of_a_picture_count_once():
    """Else a classifier recognises copies of what it learnt, and five copies of few photos are many."""
    random, said, apart = np.random.default_rng(0), [], []
    for _ in range(24):
        known, incoming = drawn(60, 1, random), drawn(30, 5, random)
        said.append(drift.verdict(drift.told_apart(known, incoming)))
        each = incoming._replace(units=np.arange(150))
        apart.append(drift.verdict(drift.told_apart(known, each)))
    assert said.count("different") <= 2
    assert apart.count("different") > 8
    few = drawn(drift.FEWEST - 1, 5, random)
    assert drift.told_apart(known, few).interval is None


def test_the_interval_lies_above_chance_only_where_the_rank_test_agrees(monkeypatch):
    sides = side(400), side(100, moved=2, seed=2)
    assert drift.told_apart(*sides).low > 0.9
    monkeypatch.setattr(drift, "by_chance", lambda *_: 0.03)
    assert drift.told_apart(*sides).low == 0.5


def test_the_rank_test_counts_groups():
    scores, new, units = np.array([3.0, 3, 3, 2, 1, 0]), np.arange(6) < 4, np.array([0, 0, 0, 1, 2, 3])
    assert drift.by_chance(scores, new, units) == pytest.approx(1 / 6)  # of two and two
