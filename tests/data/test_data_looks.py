"""Classes that something other than the food gives away."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.stats import mannwhitneyu

from kimchi_vision.base.messages import catalogue
from kimchi_vision.data import looks
from kimchi_vision.data.looks import Link, links, sharpness


def photos(count=12, labels="ab", **columns):
    """So many photos a class in which nothing tells the class, but for the columns that are given."""
    total = count * len(labels)
    near = [1000 + number // len(labels) for number in range(total)]
    plain = {"width": near, "height": 1000, "bytes": [each**2 for each in near], "sharpness": near}
    table = pd.DataFrame({"label": list(labels) * count, "sha256": [str(number) for number in range(total)]})
    stated = {"camera": "", "format": "JPEG", "mode": "RGB"}
    return table.assign(**{**plain, "bytes": [1000 * each for each in near], **stated, **columns})


def grey(values):
    return np.repeat(np.asarray(values, np.uint8), 16).reshape(-1, 4, 4)


PLAIN = grey([number // 2 for number in range(24)])
ONE = np.arange(24) % 2 == 0  # the photos of class a


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("sharpness", {"sharpness": np.where(ONE, 2000.0, 10)}),
        ("size", {"width": np.where(ONE, 4000, 400), "height": np.where(ONE, 4000, 400),
                  "bytes": np.where(ONE, 4000**2, 400**2)}),
        ("shape", {"width": np.where(ONE, 2000, 500), "height": np.where(ONE, 500, 2000)}),
        ("compression", {"bytes": np.where(ONE, 10**6, 10**5)}),
    ],
)  # fmt: skip
def test_a_measured_property_sets_both_of_two_classes_apart(name, change):
    found = list(links(photos(**change), PLAIN))
    assert found == [Link("a", name, "", 1.0, 0.0), Link("b", name, "", 0.0, 1.0)]


def test_brightness_is_that_of_each_photos_own_thumbnail():
    assert list(links(photos(), PLAIN)) == []
    table = photos(labels="ab")
    table["sha256"] = table["sha256"].iloc[::-1].to_numpy()
    bright = grey([200 if own else number for number, own in enumerate(ONE)])
    assert list(links(table, bright)) == [
        Link("a", "brightness", "", 1.0, 0.0),
        Link("b", "brightness", "", 0.0, 1.0),
    ]


def test_copies_share_a_thumbnail():
    table = photos()
    table.loc[2, "sha256"] = table.loc[0, "sha256"]
    bright = grey([200 if own else 10 for number, own in enumerate(ONE) if number != 2])
    assert [link.own for link in links(table, bright)] == [1.0, 0.0]


@pytest.mark.parametrize("name", ["camera", "format", "mode"])
def test_a_stated_property_says_the_shares_on_both_sides(name):
    values = np.where(ONE, "X", "Y").astype(object)
    values[[1, 2]] = values[[2, 1]]  # one of twelve is the other way in each class
    found = {(link.label, link.value): link for link in links(photos(**{name: values}), PLAIN)}
    assert set(found) == {(label, value) for label in "ab" for value in "XY"}
    assert found["a", "X"] == Link("a", name, "X", pytest.approx(11 / 12), pytest.approx(1 / 12))
    assert found["b", "X"] == Link("b", name, "X", pytest.approx(1 / 12), pytest.approx(11 / 12))


@pytest.mark.parametrize("seed", range(5))
def test_the_share_of_pairs_is_mann_and_whitneys(seed):
    generator = np.random.default_rng(seed)
    values = np.where(ONE, 10, 0) + generator.integers(0, 12, 24)
    found = {link.label: link for link in links(photos(sharpness=values), PLAIN)}
    share = mannwhitneyu(values[ONE], values[~ONE]).statistic / 144
    if share >= looks.LINKED:
        assert found["a"].own == pytest.approx(share)
        assert found["b"].own == pytest.approx(1 - share)
    else:
        assert not found


@pytest.mark.parametrize(("above", "told"), [(10, True), (9, True), (8, False)])
def test_nine_of_ten_pairs_are_told_and_fewer_are_not(above, told):
    own = [100] * above + [0] * (10 - above)
    values = [value for pair in zip(own, range(1, 11), strict=True) for value in pair]
    found = list(links(photos(count=10, sharpness=values), PLAIN[:20]))
    assert bool(found) == told


@pytest.mark.parametrize(("count", "told"), [(10, True), (9, False)])
def test_nothing_is_said_of_fewer_than_ten_photos(count, told):
    values = np.where(ONE[: 2 * count], "X", "Y")
    assert bool(list(links(photos(count=count, camera=values), PLAIN[: 2 * count]))) == told
    few = photos(count=12)[lambda table: (table["label"] == "a") | (table.index < 2 * count)]
    few = few.assign(camera=np.where(few["label"] == "a", "X", "Y"))
    assert bool(list(links(few, PLAIN[: len(few)]))) == told


def test_the_middle_of_several_classes_is_not_set_apart():
    values = [0, 100, 1000] * 10
    found = list(links(photos(count=10, labels="abc", sharpness=values), grey([n // 3 for n in range(30)])))
    assert [(link.label, link.own) for link in found] == [("a", 0.0), ("c", 1.0)]


def test_sharpness_is_the_mean_step_in_standard_deviations():
    stripes = np.tile(np.array([0, 100], np.uint8), (50, 25))
    assert sharpness(Image.fromarray(stripes)) == pytest.approx(2)
    assert sharpness(Image.fromarray(stripes // 10)) == pytest.approx(2)
    assert sharpness(Image.fromarray(np.ascontiguousarray(stripes.T))) == 0
    assert sharpness(Image.new("L", (50, 50), 9)) == 0
    assert sharpness(Image.fromarray(np.arange(50, dtype=np.uint8)[:, None])) == 0
    ramp = np.tile(np.arange(100, dtype=np.uint8), (20, 1))
    assert sharpness(Image.fromarray(ramp)) == pytest.approx(1 / np.arange(100).std())


def test_sharpness_is_that_of_the_middle():
    generator = np.random.default_rng(0)
    middle = generator.integers(0, 256, (160, 160), dtype=np.uint8)
    photo = Image.new("L", (401, 300))
    photo.paste(Image.fromarray(middle), (120, 70))
    assert sharpness(photo) == sharpness(Image.fromarray(middle))


def test_a_link_is_told_in_full():
    say = catalogue("en")
    values = {"label": "a", "value": "–", "own": 0.93, "others": 0.07}
    assert say("found_link_size", **values).startswith(
        "Size sets a apart: in 93 % of pairs its photo is the larger one."
    )
    values = {"label": "a", "value": "KC-1", "own": 1.0, "others": 0.25}
    assert say("found_link_camera", **values).startswith(
        "100 % of the photos of a have the camera KC-1, 25 % of the others."
    )
