from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from kimchi_vision.results.compare import paired
from kimchi_vision.results.compare.pairs import Row, judge

PHOTOS = (30, 100, 300, 1100, 2000)
law = settings(derandomize=True, deadline=None, max_examples=6)


def trials(seed, photos, only_first, only_second, number=20_000):
    """Photos that only one of two models has right, in many trials."""
    shares = (only_first, only_second, 1 - only_first - only_second)
    return np.random.default_rng(seed).multinomial(photos, shares, number)[:, :2].T


def rows(*rights):
    every = map(np.atleast_2d, rights)
    return [Row(f"exp{n}", right, np.arange(right.shape[1])) for n, right in enumerate(every, 1)]


def test_the_best_p_that_145_against_148_right_of_150_can_have():
    assert paired.exact_p(0, 3) == pytest.approx(0.25)


@pytest.mark.parametrize(("first", "second"), [(0, 3), (12, 4), (30, 30), (101, 55)])
def test_exact_p_is_that_of_statsmodels(first, second):
    assert paired.exact_p(first, second) == pytest.approx(mcnemar([[0, first], [second, 0]]).pvalue)


def test_mid_p_is_less_timid_than_exact_p():
    """Airways of 21 patients before and after a transplant, from the paper that recommends mid-p."""
    assert paired.mid_p(7, 1) == paired.mid_p(1, 7) == pytest.approx(0.0391, abs=5e-5)
    assert paired.exact_p(7, 1) == pytest.approx(0.0703, abs=5e-5)
    assert paired.mid_p([0, 4], [0, 4]) == pytest.approx([1, 1])
    assert paired.exact_p(4, 4) == 1


def test_holm_multiplies_the_smallest_p_by_their_number():
    assert paired.holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert paired.holm([0.04]) == pytest.approx([0.04])
    assert len(paired.holm([])) == 0


def test_holm_is_that_of_statsmodels():
    for p in (np.random.default_rng(0).uniform(0, 0.2, 15), [0.02, 0.02, 0.9, 0.9]):
        assert paired.holm(p) == pytest.approx(multipletests(p, method="holm")[1])


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
    assert paired.power_to_tell(photos, discordant, 0.5) <= 0.05


@pytest.mark.parametrize("level", [0.05, 0.05 / 6])
def test_the_exact_power_is_the_sum_over_all_that_can_be_seen(level):
    first, second = np.meshgrid(np.arange(61), np.arange(61), indexing="ij")
    rest = 60 - first - second
    seen = np.stack([first, second, rest], axis=-1)[rest >= 0]
    chance = stats.multinomial.pmf(seen, 60, [0.24, 0.08, 0.68])
    told = paired.mid_p(seen[:, 0], seen[:, 1]) < level
    assert paired.power_to_tell(60, 0.32, 0.75, level) == pytest.approx(chance[told].sum(), abs=1e-6)


def test_the_power_to_equate_is_that_of_the_score_interval():
    draws = np.random.default_rng(0).multinomial(900, (0.03, 0.02, 0.95), paired.DRAWS)
    low, high = paired.difference_interval(draws[:, 0], draws[:, 1], 900).T
    within = ((low > -0.025) & (high < 0.025)).mean()
    assert 0.2 < within == paired.power_to_equate(900, 0.03, 0.02, 0.025) < 0.9
    assert paired.power_to_equate(900, 0.02, 0.03, 0.025) == pytest.approx(within, abs=0.02)


def test_with_many_discordant_photos_the_normal_formulas_hold():
    """Connor's for a difference of 0.2 points; two one-sided tests for a margin of 1 point."""
    discordant, difference, z = 0.03, 0.002, stats.norm.ppf
    root = z(0.975) * discordant**0.5 + z(0.8) * (discordant - difference**2) ** 0.5
    assert paired.photos_to_tell(1600, 1400, 100_000) == np.ceil((root / difference) ** 2)
    assert paired.photos_to_tell(1400, 1600, 100_000) == paired.photos_to_tell(1600, 1400, 100_000)
    assert paired.photos_to_tell(1600, 1400, 100_000, 0.01) > paired.photos_to_tell(1600, 1400, 100_000)
    for first, second, margin in ((30_000, 29_700, 0.008), (24_000, 24_000, 0.005)):
        needed = paired.photos_to_equate(first, second, 100_000, margin)
        share, apart = (first + second) / 100_000, (first - second) / 100_000
        error = ((share - apart**2) / needed) ** 0.5
        bounds = (margin - apart) / error, (margin + apart) / error
        assert sum(stats.norm.cdf(bound - z(0.975)) for bound in bounds) - 1 == pytest.approx(0.8, abs=1e-4)


def test_no_discordant_photo_needs_as_many_as_make_the_interval_narrow():
    needed = paired.photos_to_equate(0, 0, 50, 0.02)
    assert (
        paired.difference_interval(0, 0, needed)[1] <= 0.02 < paired.difference_interval(0, 0, needed - 1)[1]
    )
    assert paired.photos_to_equate(5, 2, 100, 0.03) is None
    assert paired.photos_to_equate(2, 5, 100, 0.03) is None
    assert paired.photos_to_equate(5, 2, 100, 0.0301) is not None
    assert paired.photos_to_tell(5, 5, 100) is None


@pytest.mark.parametrize("guess", [5, 100, 700, 1501, 2400])
def test_the_fewest_photos_are_found_within_half_a_percent(guess):
    asked = []
    found = paired._fewest(guess, lambda number: asked.append(number) or (0.8 if number >= 601 else 0.79))
    assert 601 <= found <= 604
    assert max(asked) <= max(guess, 1202)


@pytest.mark.parametrize(
    ("first", "second", "photos"), [(3, 0, 150), (8, 3, 150), (60, 40, 1000), (310, 300, 20_000)]
)
def test_the_photos_that_it_asks_for_give_the_power(first, second, photos):
    needed = paired.photos_to_tell(first, second, photos)
    reached = paired.mid_p(*trials(1, needed, first / photos, second / photos)) < 0.05
    assert reached.mean() == pytest.approx(0.8, abs=0.05)


@pytest.mark.parametrize(("first", "second", "photos"), [(20, 20, 1100), (40, 36, 1000), (310, 300, 20_000)])
def test_the_photos_that_it_asks_for_show_equality(first, second, photos):
    needed = paired.photos_to_equate(first, second, photos, margin=0.01)
    only_first, only_second = trials(2, needed, first / photos, second / photos, 5000)
    low, high = paired.difference_interval(only_first, only_second, needed).T
    assert (np.maximum(-low, high) < 0.01).mean() == pytest.approx(0.8, abs=0.05)


def test_verdicts():
    right = np.ones(1000, bool)
    worse, near = right.copy(), right.copy()
    worse[:40] = False
    near[-2:] = False
    best, second, last = judge(rows(worse, right, near), margin=0.01)
    assert (best.first, best.second, best.verdict) == ("exp2", "exp3", "practically equal")
    assert (second.second, second.verdict, round(second.difference, 9)) == ("exp1", "better", 0.04)
    assert (last.first, last.second, last.verdict) == ("exp3", "exp1", "better")
    assert (last.only_first, last.only_second, last.photos) == (40, 2, 1000)
    assert {pair.about for pair in (best, second, last)} == {"trainings"}
    assert [last.low, last.high] == pytest.approx(paired.difference_interval(40, 2, 1000))


def test_a_pair_is_tested_by_mid_p_and_corrected_for_the_number_of_pairs():
    """Seven photos are enough for one pair, not for the second and third of three."""
    right, few, more = (np.arange(300) >= wrong for wrong in (0, 7, 30))
    (alone,) = judge(rows(right, few), 0.01)
    assert alone.p == alone.holm_p == alone.mid_p == paired.mid_p(7, 0)
    assert alone.exact_p == paired.exact_p(7, 0) > alone.mid_p
    assert alone.verdict == "better"
    crowd = judge(rows(right, few, more), 0.01)
    p = [pair.p for pair in crowd]
    assert p == [paired.mid_p(7, 0), paired.mid_p(30, 0), paired.mid_p(23, 0)]
    assert [pair.holm_p for pair in crowd] == pytest.approx([p[0], 3 * p[1], 2 * p[2]])


def test_many_pairs_need_more_than_one_pair_does():
    right = np.ones(300, bool)
    a_little = right.copy()
    a_little[:7] = False
    assert judge(rows(right, a_little), 0.01)[0].verdict == "better"
    crowd = judge(rows(right, a_little, *[right] * 6), 0.0)
    told = [pair for pair in crowd if pair.second == "exp2"]
    assert {pair.verdict for pair in told} == {"cannot tell"}
    needed = paired.photos_to_tell(7, 0, 300, 0.05 / 28)
    assert {(pair.needed_for, pair.photos_needed) for pair in told} == {("better", needed - 300)}


@pytest.mark.parametrize(
    ("only_first", "only_second", "needed_for"),
    [(11, 4, "better"), (12, 10, "practically equal"), (26, 18, None)],
)
def test_photos_are_asked_for_where_a_difference_beyond_the_margin_is_plausible(
    only_first, only_second, needed_for
):
    """Equal models often differ by 8 of 300 photos, and 2 of 300 is within the margin."""
    right, other = np.ones(300, bool), np.ones(300, bool)
    right[:only_second], other[only_second : only_second + only_first] = False, False
    (pair,) = judge(rows(right, other), 0.02)
    counts = only_first, only_second, 300
    needs = {
        "better": paired.photos_to_tell(*counts),
        "practically equal": paired.photos_to_equate(*counts, 0.02),
    }
    assert (pair.verdict, pair.needed_for) == ("cannot tell", needed_for)
    assert pair.photos_needed == (needed_for and needs[needed_for] - 300)


def test_copies_of_every_photo_change_no_verdict_and_groups_are_tested_as_one():
    random = np.random.default_rng(4)
    one, other = random.random((2, 120)) < [[0.9], [0.8]]
    (alone,) = judge(rows(one, other), 0.01)
    copied = [
        Row(name, np.tile(right, 3)[None], np.tile(np.arange(120), 3))
        for name, right in zip(("exp1", "exp2"), (one, other), strict=True)
    ]
    (again,) = judge(copied, 0.01)
    for name in ("difference", "low", "high", "p", "exact_p", "only_first", "worth", "photos_needed"):
        assert getattr(again, name) == pytest.approx(getattr(alone, name)), name
    (naive,) = judge(rows(np.tile(one, 3), np.tile(other, 3)), 0.01)
    assert naive.p < again.p / 5


@pytest.mark.parametrize("photos", [60, 400])
def test_equal_models_are_called_better_in_one_trial_of_twenty_whatever_the_groups(photos):
    random = np.random.default_rng(photos)
    wrong = 0
    for _ in range(400):
        sizes = np.minimum(random.pareto(1.5, photos).astype(int) + 1, photos // 4)
        units = np.repeat(np.arange(photos), sizes)[:photos]
        first, second = random.random((2, photos))[:, units] < 0.85
        wrong += paired.mid_p(*paired.discordant(first, second, units)[:2]) < 0.05
    assert wrong / 400 <= 0.05


def test_counts_that_are_fractions_lie_between_whole_ones():
    whole = paired.mid_p([3, 3, 4], [8, 9, 9])
    assert whole[1] < paired.mid_p(3, 8.5) < whole[0]
    assert whole[1] < paired.mid_p(3.5, 9) < whole[2]
    assert paired.exact_p(3, 8) == pytest.approx(stats.binomtest(3, 11).pvalue)


def test_enough_photos_and_bad_luck_need_one_more():
    """The interval reaches the margin, though so many photos keep below it in four trials of five."""
    (pair,) = judge(rows(np.ones(390, bool), np.ones(390, bool)), 0.0098)
    assert (pair.verdict, pair.photos_needed, pair.needed_for) == ("practically equal", None, None)
    (pair,) = judge(rows(np.arange(2000) >= 21, np.arange(2000) < 1979), 0.0065)
    assert pair.photos_needed >= 1


@law
@given(st.integers(0, 2**32 - 1))
def test_swapping_two_runs_mirrors_what_is_said_of_them(seed):
    random = np.random.default_rng(seed)
    one, other = random.random((2, 2, 200)) < [[[0.95]], [[0.75]]]
    difference, interval, p = paired.over_seeds(one, other, np.arange(200))
    mirrored, (low, high), again = paired.over_seeds(other, one, np.arange(200))
    assert (mirrored, again) == (pytest.approx(-difference), pytest.approx(p))
    assert [-high, -low] == pytest.approx(interval)
    counts = int((one[0] & ~other[0]).sum()), int((other[0] & ~one[0]).sum())
    assert paired.difference_interval(*counts[::-1], 200) == pytest.approx(
        -paired.difference_interval(*counts, 200)[::-1]
    )
    for rights in ((one, other), (one[0], other[0])):
        (pair,), (back,) = judge(rows(*rights), 0.0), judge(rows(*rights[::-1]), 0.0)
        if pair.difference:
            names = {"exp1": "exp2", "exp2": "exp1"}
            assert back == replace(pair, first=names[pair.first], second=names[pair.second])


def test_no_discordant_photo():
    few, many = np.ones(100, bool), np.ones(1000, bool)
    (pair,) = judge(rows(few, few), margin=0.01)
    assert (pair.p, pair.verdict, pair.needed_for) == (1.0, "cannot tell", "practically equal")
    assert 200 < pair.photos_needed < 300
    (pair,) = judge(rows(many, many), margin=0.01)
    assert pair.verdict == "practically equal"
    (pair,) = judge(rows(many, many), margin=0.0)
    assert (pair.verdict, pair.photos_needed) == ("cannot tell", None)


@pytest.mark.parametrize("seeds", [2, 3])
def test_a_lucky_seed_is_not_a_better_experiment(seeds):
    """Two equal experiments whose accuracy moves with the seed far more than photos alone would move it."""
    random = np.random.default_rng(5)
    wrong = 0
    for _ in range(400):
        accuracy = 0.85 + 0.03 * random.standard_normal((2 * seeds, 1))
        right = random.random((2 * seeds, 800)) < accuracy
        _, _, p = paired.over_seeds(right[:seeds], right[seeds:], np.arange(800))
        wrong += p < 0.05
    # Two standard errors of a share of 0.05 in 400 trials are 2.2 points.
    assert 0.01 < wrong / 400 < 0.06


def test_where_photos_agree_seeds_are_tested_as_two_samples():
    """So many photos that only the seeds move the accuracy."""
    wrong = [[10, 40, 20], [60, 50, 90, 70]]
    first, second = (np.array([np.arange(100_000) >= 100 * n for n in each]) for each in wrong)
    difference, interval, p = paired.over_seeds(first, second, np.arange(first.shape[1]))
    expected = stats.ttest_ind(first.mean(1), second.mean(1))
    assert difference == pytest.approx(first.mean() - second.mean())
    assert p == pytest.approx(expected.pvalue, rel=0.02)
    assert interval == pytest.approx(expected.confidence_interval(), rel=0.01)


def test_where_seeds_agree_photos_are_tested_as_pairs():
    random = np.random.default_rng(7)
    first, second = np.sort(random.random((2, 900))) < [[0.9], [0.8]]
    first, second = random.permutation(first), random.permutation(second)
    difference, interval, p = paired.over_seeds(np.stack([first] * 2), np.stack([second] * 3), np.arange(900))
    expected = stats.ttest_rel(first.astype(float), second.astype(float))
    assert (difference, p) == (pytest.approx(first.mean() - second.mean()), pytest.approx(expected.pvalue))
    assert interval == pytest.approx(expected.confidence_interval())


def test_photos_and_seeds_each_have_students_quantile():
    """Of n - 1 degrees of freedom over photos, and of both numbers of seeds - 2."""
    random = np.random.default_rng(8)
    first, second = (
        random.random((2, 300)) < [[0.95], [0.9]],
        random.random((3, 300)) < [[0.8], [0.7], [0.75]],
    )
    units = np.arange(300)
    difference, (low, high), p = paired.over_seeds(first, second, units)
    of_photos = (first.mean(0) - second.mean(0)).var(ddof=1) / 300
    pooled = (first.mean(1).var(ddof=1) + 2 * second.mean(1).var(ddof=1)) / 3

    def half(level):
        of_seeds = pooled * (1 / 2 + 1 / 3) * stats.t.isf(level / 2, 3) ** 2
        return np.sqrt(of_photos * stats.t.isf(level / 2, 299) ** 2 + of_seeds)

    assert [low, high] == pytest.approx([difference - half(0.05), difference + half(0.05)])
    assert half(p) == pytest.approx(abs(difference))


def test_experiments_that_never_differ_have_the_interval_of_no_discordant_photo():
    right = np.ones((2, 50), bool)
    difference, interval, p = paired.over_seeds(right, right, np.arange(50))
    assert (difference, p) == (0, 1)
    assert interval == pytest.approx(paired.difference_interval(0, 0, 50))


def test_seeds_that_agree_tell_experiments_apart():
    random = np.random.default_rng(6)
    good, bad = random.random((3, 800)) < 0.9, random.random((3, 800)) < 0.8
    (pair,) = judge(rows(bad, good), margin=0.01)
    assert (pair.first, pair.verdict, pair.only_first, pair.photos_needed) == ("exp2", "better", None, None)
    assert pair.difference == pytest.approx(good.mean() - bad.mean())
    assert pair.low < 0.1 < pair.high
    (pair,) = judge(rows(good, random.random(800) < 0.89), margin=0.0)
    assert (pair.photos, pair.verdict, pair.photos_needed) == (800, "cannot tell", None)
    assert pair.p == pair.holm_p
