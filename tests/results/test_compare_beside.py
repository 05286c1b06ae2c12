"""A run beside its floor, and averaged views beside one view."""

from dataclasses import replace

import numpy as np
import pytest

from kimchi_vision.base.messages import catalogue
from kimchi_vision.results import compare
from kimchi_vision.results.compare.pairs import about_gain
from kimchi_vision.results.intervals import wilson
from kimchi_vision.results.predictions import Predictions
from tests.answers import said

VOCAB = ("갓김치", "무")


def answers(right, split="valid"):
    """So many right of 100 photos."""
    rows = [("갓김치", "갓김치" if number < right else "무") for number in range(100)]
    return said(rows, VOCAB, split)


def averaged(right, views=4, split="valid"):
    """The same, said of several views of each photo."""
    one = answers(right, split)
    return replace(one, table=one.table.assign(views=views))


def test_the_gain_over_the_floor_is_the_runs_accuracy_minus_the_floors():
    found = compare.beside_floor(answers(80), answers(60))
    assert (found["accuracy"], found["verdict"]) == (0.6, "above")
    assert found["accuracy_interval"] == pytest.approx(wilson(0.6, 100))
    assert found["gain"] == pytest.approx(0.2)
    assert found["gain_interval"] == pytest.approx(compare.difference_interval(20, 0, 100))
    below = compare.beside_floor(answers(60), answers(80))
    assert (below["accuracy"], below["gain"], below["verdict"]) == (0.8, pytest.approx(-0.2), "below")
    assert below["gain_interval"] == pytest.approx(compare.difference_interval(0, 20, 100))


def test_equal_accuracies_are_no_gain():
    found = compare.beside_floor(answers(60), answers(60))
    assert (found["gain"], found["verdict"]) == (0, "cannot tell")
    low, high = found["gain_interval"]
    assert low == pytest.approx(-high)


def test_the_run_is_compared_on_the_floors_photos_by_name():
    """The floor lacks ten photos, all of which the run has right, and lists the others backwards."""
    floor = answers(60).where(np.arange(99, 9, -1))
    found = compare.beside_floor(answers(80), floor)
    assert found["accuracy"] == pytest.approx(50 / 90)
    assert found["gain"] == pytest.approx(20 / 90)
    assert found["gain_interval"] == pytest.approx(compare.difference_interval(20, 0, 90))


def test_too_few_photos_tell_neither_how_good_the_floor_is_nor_what_training_adds():
    """Seven photos, all of which the run has right and the floor wrong."""
    right, wrong = (answers(share).where(np.arange(7)) for share in (100, 0))
    found = compare.beside_floor(right, wrong)
    assert (found["accuracy_interval"], found["gain_interval"], found["verdict"]) == (
        None,
        None,
        "cannot tell",
    )
    said = about_gain("floor", found).said(catalogue("en"))
    assert "0.0 % right, and training adds +100.0 points; these are too few" in said
    assert "너무 적어" in about_gain("tta", {**found, "n": 4}).said(catalogue("ko"))


@pytest.mark.parametrize(("views", "verdict"), [(80, "above"), (61, "cannot tell"), (40, "below")])
def test_the_gain_over_one_view_is_that_of_the_averaged_views(views, verdict):
    found = compare.beside_one_view(averaged(views), answers(60))
    assert (found["n"], found["accuracy"], found["verdict"]) == (4, views / 100, verdict)
    assert found["gain"] == pytest.approx((views - 60) / 100)


def test_each_part_has_its_own_gain():
    several = Predictions.joined([averaged(80), averaged(50, split="test")])
    plain = Predictions.joined([answers(60), answers(50, "test")])
    for part, gain in (("valid", 0.2), ("test", 0)):
        assert compare.beside_one_view(several.part(part), plain.part(part))["gain"] == pytest.approx(gain)


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("en", "61.0 % (51.2 % to 70.0 %), +1.0 points (-2.7 to +5.4) against one view: cannot tell."),
        (
            "ko",
            "61.0 %(51.2 % ~ 70.0 %)입니다. "
            "한 장만 볼 때와의 차이는 +1.0%p(-2.7 ~ +5.4)로, 더 나은지 알 수 없",
        ),
    ],
)
def test_a_sentence_says_what_averaging_gave(lang, said):
    found = compare.beside_one_view(averaged(61), answers(60))
    assert said in about_gain("tta", found).said(catalogue(lang))
