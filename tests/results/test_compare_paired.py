import numpy as np
import pytest
from statsmodels.stats.contingency_tables import mcnemar

from kimchi_vision.results.compare import paired, power
from kimchi_vision.results.compare.pairs import Row, judge

PHOTOS = (30, 100, 300, 1100, 2000)


def trials(seed, photos, only_first, only_second, number=20_000):
    """Photos that only one of two models has right, in many trials."""
    shares = (only_first, only_second, 1 - only_first - only_second)
    return np.random.default_rng(seed).multinomial(photos, shares, number)[:, :2].T


def rows(*rights):
    return [Row(f"exp{number}", np.atleast_2d(right)) for number, right in enumerate(rights, 1)]


def test_the_best_p_that_145_against_148_right_of_150_can_have():
    assert paired.exact_p(0, 3) == pytest.approx(0.25)


@pytest.mark.parametrize(("first", "second"), [(0, 3), (12, 4), (30, 30), (101, 55)])
def test_exact_p_is_that_of_statsmodels(first, second):
    assert paired.exact_p(first, second) == pytest.approx(mcnemar([[0, first], [second, 0]]).pvalue)


def test_intervals_are_those_of_the_r_package_propcis():
    # scoreci.mp(60, 20, 1000), with the sign that its difference has.
    assert paired.difference_interval(60, 20, 1000) == pytest.approx([0.0231, 0.0584], abs=5e-5)
    low, high = paired.difference_interval(0, 0, 1100)
    assert high == -low == pytest.approx(1.959964**2 / (1100 + 1.959964**2))


@pytest.mark.parametrize("photos", PHOTOS)
def test_the_interval_covers_the_true_difference(photos):
    random = np.random.default_rng(photos)
    discordant, share = random.uniform(0.02, 0.5, 20_000), random.uniform(0, 1, 20_000)
    first, second = discordant * share, discordant * (1 - share)
    only_first, only_second, _ = random.multinomial(photos, np.stack([first, second, 1 - discordant], 1)).T
    low, high = paired.difference_interval(only_first, only_second, photos).T
    assert 0.935 <= ((low <= first - second) & (first - second <= high)).mean() <= 0.965


@pytest.mark.parametrize("discordant", [0.02, 0.1, 0.3, 0.5])
@pytest.mark.parametrize("photos", PHOTOS)
def test_better_is_wrong_in_at_most_one_trial_of_twenty(photos, discordant):
    """Equal models, so that each photo that only one has right is a fair coin. The sum is exact."""
    assert power.power_to_tell(photos, discordant, 0.5) <= 0.05


def test_the_exact_power_is_that_of_trials():
    seen = paired.mid_p(*trials(0, 400, 0.06, 0.02)) < 0.05
    assert power.power_to_tell(400, 0.08, 0.75) == pytest.approx(seen.mean(), abs=0.01)


@pytest.mark.parametrize(
    ("first", "second", "photos"), [(3, 0, 150), (8, 3, 150), (60, 40, 1000), (310, 300, 20_000)]
)
def test_the_photos_that_it_asks_for_give_the_power(first, second, photos):
    needed = power.photos_to_tell(first, second, photos)
    reached = paired.mid_p(*trials(1, needed, first / photos, second / photos)) < 0.05
    assert reached.mean() == pytest.approx(0.8, abs=0.05)


@pytest.mark.parametrize(("first", "second", "photos"), [(20, 20, 1100), (40, 36, 1000), (310, 300, 20_000)])
def test_the_photos_that_it_asks_for_show_equality(first, second, photos):
    needed = power.photos_to_equate(first, second, photos, margin=0.01)
    only_first, only_second = trials(2, needed, first / photos, second / photos, 5000)
    low, high = paired.difference_interval(only_first, only_second, needed).T
    assert (np.maximum(-low, high) < 0.01).mean() == pytest.approx(0.8, abs=0.05)


def test_verdicts():
    right = np.ones(1000, bool)
    worse, near = right.copy(), right.copy()
    worse[:40] = False
    near[-2:] = False
    best, second, last = judge(rows(right, near, worse), margin=0.01)
    assert (best.first, best.second, best.verdict) == ("exp1", "exp2", "practically equal")
    assert (second.second, second.verdict, second.difference) == ("exp3", "better", 0.04)
    assert last.verdict == "better"
    assert last.p <= last.holm_p


def test_many_pairs_need_more_than_one_pair_does():
    right = np.ones(300, bool)
    a_little = right.copy()
    a_little[:7] = False
    assert judge(rows(right, a_little), 0.01)[0].verdict == "better"
    crowd = judge(rows(right, a_little, *[right] * 6), 0.01)
    assert {pair.verdict for pair in crowd if pair.second == "exp2"} == {"cannot tell"}


def test_no_discordant_photo():
    few, many = np.ones(100, bool), np.ones(1000, bool)
    (pair,) = judge(rows(few, few), margin=0.01)
    assert (pair.p, pair.verdict, pair.needed_for) == (1.0, "cannot tell", "practically equal")
    assert 200 < pair.photos_needed < 300
    (pair,) = judge(rows(many, many), margin=0.01)
    assert pair.verdict == "practically equal"
    (pair,) = judge(rows(many, many), margin=0.0)
    assert (pair.verdict, pair.photos_needed) == ("cannot tell", None)


def test_a_lucky_seed_is_not_a_better_experiment():
    """Two equal experiments whose accuracy moves with the seed far more than photos alone would move it."""
    random = np.random.default_rng(5)
    wrong = 0
    for _ in range(400):
        accuracy = 0.85 + 0.03 * random.standard_normal((6, 1))
        right = random.random((6, 800)) < accuracy
        _, _, p = paired.over_seeds(right[:3], right[3:])
        wrong += p < 0.05
    # Two standard errors of a share of 0.05 in 400 trials are 2.2 points.
    assert wrong / 400 < 0.072


def test_seeds_that_agree_tell_experiments_apart():
    random = np.random.default_rng(6)
    good, bad = random.random((3, 800)) < 0.9, random.random((3, 800)) < 0.8
    (pair,) = judge(rows(bad, good), margin=0.01)
    assert (pair.first, pair.verdict, pair.only_first, pair.photos_needed) == ("exp2", "better", None, None)
    assert pair.low < 0.1 < pair.high
