"""What a learning curve says, against drawn right and wrong answers whose law is known."""

import numpy as np
import pandas as pd
import pytest

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.messages import catalogue
from kimchi_vision.jobs.learning_curve import plan, sentences
from kimchi_vision.results import plots
from kimchi_vision.results.compare import Learning, power_law
from kimchi_vision.results.compare.power_law import fit

SHARES = np.array([0.1, 0.25, 0.5, 1])


def drawn(random, errors, photos=1000):
    """Right or wrong by share, [1, photos]; some photos are hard for every share."""
    hard = random.random(photos)
    often = [np.where(random.random(photos) < 0.7, hard, random.random(photos)) for _ in SHARES]
    return [(each >= error)[None] for each, error in zip(often, errors, strict=True)]


@pytest.mark.parametrize(("a", "b", "c"), [(0.05, 0.1, 0.5), (0.1, 0.02, 0.3)])
def test_the_interval_of_the_gain_holds_the_truth(a, b, c, monkeypatch):
    monkeypatch.setattr(power_law, "DRAWS", 60)
    random, truth = np.random.default_rng(1), np.arange(1000) % 2
    gain, covered = b * (1 - 2**-c), 0
    for _ in range(30):
        gains = fit(drawn(random, a + b * SHARES**-c), truth, [0, 1], 1000 * SHARES).gains()[1:]
        covered += gains.min() <= gain <= gains.max()
    assert covered >= 27


def test_a_law_without_noise_is_found_again():
    errors = 0.05 + 0.1 * SHARES**-0.5
    photos = 20_000
    right = [(np.arange(photos) >= error * photos)[None] for error in errors]
    fits = fit(right, np.zeros(photos), [0], 1000 * SHARES)
    assert fits.gains()[0] == pytest.approx(0.1 * (1 - 2**-0.5), abs=0.002)
    assert fits.accuracy(SHARES)[0] == pytest.approx(1 - errors, abs=0.002)


def test_the_class_that_still_learns_comes_first():
    random, truth = np.random.default_rng(2), np.arange(3000) % 3
    learning, done = drawn(random, 0.1 + 0.1 * SHARES**-0.5, 3000), drawn(random, 0.1 * SHARES**0, 3000)
    right = [np.where(truth == 1, some, others) for some, others in zip(learning, done, strict=True)]
    fits = fit(right, truth, [0, 1, 2], 1000 * SHARES)
    assert fits.by_class[0].argmax() == 1
    assert fits.alike([0, 1, 2], 1) == []
    assert set(fits.alike([0, 1, 2], 0)) >= {1}


def found(gain, low, high, alike=()):
    points = pd.DataFrame({"train_photos": [100, 400], "seeds": [1, 1]})
    classes = pd.DataFrame({"class": ["김치", "깍두기"], "gain": [0.03, 0.0], "gain_low": [0.01, 0.0]})
    classes = classes.assign(gain_high=[0.05, 0.01], recall=[0.7, 0.8], low=[0.6, 0.7], high=[0.8, 0.9])
    return Learning(points, points, classes, gain, low, high, alike)


def test_verdicts():
    english, korean = catalogue("en"), catalogue("ko")
    said = sentences(found(0.03, 0.015, 0.05), english)
    assert said[0].startswith("More data is worth it: 800 training photos")
    assert "another seed" in said[1]
    assert (
        said[2]
        == "Photograph next: 김치. Twice its photos would add +3.0 points to its recall (+1.0 to +5.0)."
    )
    assert sentences(found(0.002, 0.0, 0.004), english)[0].startswith(
        "More data of this kind is not worth it"
    )
    assert sentences(found(0.01, 0.0, 0.04), english)[0].startswith("Cannot tell")
    assert sentences(found(0.03, 0.015, 0.05, ("깍두기",)), korean)[-1] == (
        "재현율이 가장 낮은 클래스: 김치, 70.0%(60.0% ~ 80.0%)."
    )


def test_the_figure_reaches_to_twice_the_photos():
    points = pd.DataFrame({"train_photos": [100, 400], "accuracy": [0.7, 0.8], "low": [0.6, 0.7]})
    points = points.assign(high=[0.8, 0.9])
    curve = pd.concat([points, points.tail(1).assign(train_photos=800)])
    (axes,) = plots.learning_curve(points, curve).axes
    assert axes.get_xlim()[1] > 800


def test_shares_that_are_none_are_refused():
    for fractions in ([0.5, 1], [0.1, 0.5, 2]):
        with pytest.raises(InputError, match="three shares"):
            plan(None, fractions)
