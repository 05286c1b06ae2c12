"""What is concluded from answers about photos with other backgrounds, without a network."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from kimchi_vision.base.messages import catalogue
from kimchi_vision.base.sentence import noted
from kimchi_vision.results.compare import background_reliance, difference_interval
from kimchi_vision.results.compare.background import about_background
from kimchi_vision.results.intervals import wilson


def answers(same: int, other: int, mask: str = "box", photos: int = 100) -> pd.DataFrame:
    """So many photos right on backgrounds of their own and of another class."""
    columns = dict.fromkeys(("plain", "food_only", "blurred", "background_only", "same"), same)
    table = {name: np.where(np.arange(photos) < right, "가", "나") for name, right in columns.items()}
    table["other"] = np.where(np.arange(photos) < other, "가", "나")
    fixed = {"truth": "가", "mask": mask, "other_class": "나", "outside": np.nan, "area": 0.5}
    return pd.DataFrame(table).assign(path="x", **fixed)


@pytest.mark.parametrize(
    ("same", "other", "mask", "photos", "verdict"),
    [(95, 60, "box", 100, "relies"), (95, 60, "segmentation", 100, "no boxes"),
     (95, 94, "box", 100, "little"),
     (95, 94, "segmentation", 100, "no boxes"), (19, 16, "box", 20, "cannot tell")],
)  # fmt: skip
def test_the_verdict_follows_the_interval_of_the_gap(same, other, mask, photos, verdict):
    found = background_reliance(answers(same, other, mask, photos))
    assert found["verdict"] == verdict
    assert found["gap"] == pytest.approx((same - other) / photos)
    for lang in ("en", "ko"):
        sentences = [catalogue(lang)(key, **values) for key, values in about_background(found)]
        assert f"{100 * (same - other) / photos:.1f}" in sentences[0]
        assert not any("None" in sentence or "nan" in sentence for sentence in sentences)


@pytest.mark.parametrize(("photos", "verdict"), [(30, "cannot tell"), (36, "little")])
def test_little_is_less_than_a_tenth(photos, verdict):
    assert background_reliance(answers(20, 20, photos=photos))["verdict"] == verdict


def test_one_guessed_mask_among_boxes_leaves_no_verdict():
    asked = pd.concat([answers(95, 60), answers(1, 1, "segmentation", 1)])
    found = background_reliance(asked)
    assert found["verdict"] == "no boxes"
    assert found["masks"] == {"box": 100, "segmentation": 1}


def test_a_suspicion_of_before_is_told_as_what_it_is():
    """Folders of before judged without boxes."""
    found = {**background_reliance(answers(95, 60, "segmentation")), "verdict": "suspect"}
    told = [catalogue("en")(key, **values) for key, values in about_background(found)]
    assert told[0].startswith("Whether backgrounds decide is not judged")
    assert told[1].startswith("Boxes around the food would settle it")
    assert len(told) == 4


def test_photos_without_partners_are_said():
    found = background_reliance(answers(90, 80).assign(same="", other=""))
    assert found["gap"] is None
    assert (found["gap_interval"], found["followed"], found["followed_interval"]) == (None, None, None)
    assert found["conditions"]["same"] == {
        "photos": 0,
        "accuracy": None,
        "accuracy_interval": None,
        "change": None,
        "change_interval": None,
    }
    assert found["verdict"] == "cannot tell"
    assert "two photos of a class" in str(noted(about_background(found)[:1]))


def test_every_number_is_of_its_own_photos():
    """Ten photos; two have no partner of their class, and two others none of another class."""
    asked = pd.DataFrame(
        {
            "truth": list("가가가가가가가나나나"),
            "plain": list("가가가가가나나나나나"),
            "food_only": list("가가나가가나나나나나"),
            "blurred": list("가가가가가가나나나나"),
            "background_only": list("나나나나나나가가가가"),
            "same": ["", "", *"가가가가가나나나"],
            "other": ["가", "나", "", "", *"나나나다나가"],
            "other_class": ["다", "나", "", "", *"나나다다가가"],
            "mask": ["box"] * 9 + ["segmentation"],
            "outside": [np.nan, 0.2, 0.4, 0.9, *[np.nan] * 6],
            "area": [0.5] * 9 + [1.0],
        }
    )
    found = background_reliance(asked)
    assert (found["photos"], found["chance"]) == (10, 0.7)
    plain, food = found["conditions"]["plain"], found["conditions"]["food_only"]
    assert (plain["photos"], plain["accuracy"], plain["change"]) == (10, 0.8, 0)
    assert (food["accuracy"], food["change"]) == (0.7, pytest.approx(-0.1))
    assert food["accuracy_interval"] == pytest.approx(wilson(0.7, 10))
    assert food["change_interval"] == pytest.approx(difference_interval(0, 1, 10))
    blurred, alone = found["conditions"]["blurred"], found["conditions"]["background_only"]
    assert (blurred["accuracy"], blurred["change"]) == (0.9, pytest.approx(0.1))
    assert alone["accuracy"] == pytest.approx(0.1)
    same, other = found["conditions"]["same"], found["conditions"]["other"]
    assert (same["photos"], same["accuracy"], same["change"]) == (8, 1, 0.25)
    assert (other["photos"], other["accuracy"]) == (8, 0.25)
    # Six photos have both backgrounds: all are right on that of their class, one on the other.
    assert found["gap"] == pytest.approx(5 / 6)
    assert found["gap_interval"] == pytest.approx(difference_interval(5, 0, 6))
    # Of eight on the background of another class, five are called that.
    assert found["followed"] == 5 / 8
    assert found["followed_interval"] == pytest.approx(wilson(5 / 8, 8))
    assert (found["outside"], found["area"]) == (pytest.approx(0.5), pytest.approx(0.55))
    interval = stats.t.interval(0.95, 2, 0.5, stats.sem([0.2, 0.4, 0.9]))
    assert found["outside_interval"] == [max(interval[0], 0), min(interval[1], 1)]


def test_shares_of_the_map_have_students_interval():
    shares = np.linspace(0.3, 0.5, 11)
    found = background_reliance(answers(6, 6, photos=11).assign(outside=shares))
    expected = stats.ttest_1samp(shares, 0).confidence_interval()
    assert found["outside_interval"] == pytest.approx(expected)
    one = background_reliance(answers(6, 6, photos=11).assign(outside=[0.3] + [np.nan] * 10))
    assert (one["outside"], one["outside_interval"], one["area"]) == (None, None, None)
