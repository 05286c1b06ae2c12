from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import precision_recall_fscore_support
from statsmodels.stats.proportion import proportion_confint

from kimchi_vision.base.errors import InputError
from kimchi_vision.results.intervals import (
    confusion_matrix,
    intervals,
    macro_intervals,
    macro_scores,
    over_seeds,
    wilson,
    with_intervals,
)

VOCAB = ("ramyeon", "김치", "NA")
law = settings(derandomize=True, deadline=None, max_examples=12)
answers = st.lists(st.tuples(st.sampled_from(VOCAB), st.sampled_from(VOCAB)), min_size=1, max_size=40)


def drawn(seed, photos, accuracy, shares=(1 / 3, 1 / 3, 1 / 3)):
    """Predictions of a classifier that is right with probability `accuracy` on every class."""
    random = np.random.default_rng(seed)
    truth = random.choice(len(VOCAB), photos, p=shares)
    wrong = (truth + random.integers(1, len(VOCAB), photos)) % len(VOCAB)
    predicted = np.where(random.random(photos) < accuracy, truth, wrong)
    names = np.array(VOCAB)
    return pd.DataFrame({"truth": names[truth], "predicted": names[predicted]})


@pytest.mark.parametrize(("right", "expected"), [(145, (92.4, 98.6)), (148, (95.3, 99.6))])
def test_the_pizza_steak_sushi_figures(right, expected):
    assert (wilson(right / 150, 150) * 100).round(1).tolist() == list(expected)


@pytest.mark.parametrize("photos", [30, 50, 100, 300, 1100, 2000])
def test_wilson_covers_the_truth(photos):
    """Over all accuracies from 0.5 to 0.99; no interval of a count covers 95 % at every single accuracy."""
    random = np.random.default_rng(photos)
    truth = random.uniform(0.5, 0.99, 40_000)
    seen = wilson(random.binomial(photos, truth) / photos, photos)
    assert 0.935 <= ((seen[:, 0] <= truth) & (truth <= seen[:, 1])).mean() <= 0.965


def test_no_standard_interval_covers_better_at_each_single_accuracy():
    """Exact: right answers are whole numbers, so coverage jumps with the accuracy, and no interval of a count
    stays within 93.5 to 96.5 % at all of them. Wilson's does at 11 of 12, more than the others."""
    grid = [(n, p) for n in (30, 50, 100, 300, 1100, 2000) for p in np.arange(0.5, 0.995, 0.01)]
    ways = ("wilson", "jeffreys", "agresti_coull", "beta")
    covered = {way: np.array([exact_coverage(way, n, p) for n, p in grid]) for way in ways}
    within = {way: ((seen >= 0.935) & (seen <= 0.965)).mean() for way, seen in covered.items()}
    assert max(within, key=within.get) == "wilson"
    assert within["wilson"] > 0.91
    assert covered["wilson"].min() > 0.91
    assert covered["wilson"].max() < 0.98


@cache
def bounds(way, photos):
    return proportion_confint(np.arange(photos + 1), photos, method=way)


def exact_coverage(way, photos, accuracy):
    low, high = bounds(way, photos)
    chance = stats.binom.pmf(np.arange(photos + 1), photos, accuracy)
    return chance[(low <= accuracy) & (accuracy <= high)].sum()


@pytest.mark.parametrize(
    ("photos", "classes"), [(30, 2), (30, 3), (150, 3), (300, 10), (1100, 10), (2000, 5)]
)
def test_macro_intervals_cover_the_truth(photos, classes):
    """All classes are equally hard here, so that each macro score's true value is the accuracy."""
    random = np.random.default_rng(photos)
    truth = random.uniform(0.5, 0.99, 4000)
    own = np.eye(classes)
    cells = own * truth[:, None, None] + (1 - own) * (1 - truth[:, None, None]) / (classes - 1)
    seen = random.multinomial(photos, cells.reshape(len(truth), -1) / classes).reshape(cells.shape)
    for name, (low, high) in ((name, both.T) for name, both in macro_intervals(seen).items()):
        assert 0.935 <= ((low <= truth) & (truth <= high)).mean() <= 0.965, name


def test_macro_intervals_agree_with_a_bootstrap_where_it_holds():
    table = drawn(3, 2000, 0.8, shares=(0.6, 0.3, 0.1))
    confusion = confusion_matrix(table, VOCAB)
    draws = np.random.default_rng(3).multinomial(2000, confusion.ravel() / 2000, 4000).reshape(-1, 3, 3)
    for name, interval in macro_intervals(confusion).items():
        assert interval == pytest.approx(np.quantile(macro_scores(draws)[name], [0.025, 0.975]), abs=0.004)


def test_macro_intervals_agree_with_a_bootstrap_over_groups_of_near_copies():
    """Photos in groups of three that are right or wrong together: whole groups are drawn."""
    table = drawn(5, 1200, 0.8)
    copies = pd.concat([table] * 3, ignore_index=True)
    groups = pd.Series(np.tile(np.arange(1200), 3))
    cells = confusion_matrix(table, VOCAB)
    draws = 3 * np.random.default_rng(5).multinomial(1200, cells.ravel() / 1200, 4000).reshape(-1, 3, 3)
    found = intervals(copies, VOCAB, groups)
    for name, scores in macro_scores(draws).items():
        assert found[f"macro_{name}_interval"] == pytest.approx(
            np.quantile(scores, [0.025, 0.975]), abs=0.005
        )


@pytest.mark.parametrize("shares", [(0.7, 0.2, 0.1), (0.7, 0.3, 0)])
def test_macro_scores_are_those_of_scikit_learn(shares):
    table = drawn(1, 80, 0.6, shares)
    expected = precision_recall_fscore_support(
        table["truth"], table["predicted"], average="macro", zero_division=0
    )
    scores = macro_scores(confusion_matrix(table, VOCAB))
    assert [scores[name] for name in ("precision", "recall", "f1")] == pytest.approx(expected[:3])


def test_near_copies_count_as_one_photo():
    table = drawn(2, 200, 0.9)
    copies = pd.concat([table] * 3, ignore_index=True)
    once = intervals(table, VOCAB)
    grouped = intervals(copies, VOCAB, groups=pd.Series(list(range(200)) * 3))
    assert grouped["accuracy_interval"] == pytest.approx(once["accuracy_interval"])
    assert grouped["classes"]["김치"]["recall_interval"] == pytest.approx(
        once["classes"]["김치"]["recall_interval"]
    )
    naive = intervals(copies, VOCAB)
    for name in ("accuracy", "macro_recall", "macro_f1"):
        assert np.ptp(naive[f"{name}_interval"]) < 0.7 * np.ptp(grouped[f"{name}_interval"])


def test_all_right_is_not_certainty():
    table = pd.DataFrame({"truth": VOCAB * 10, "predicted": VOCAB * 10})
    result = intervals(table, VOCAB)
    assert result["accuracy_interval"] == pytest.approx([1 - 0.1135, 1], abs=1e-4)
    for name in ("recall", "precision", "f1"):
        low, high = result[f"macro_{name}_interval"]
        assert 0.85 < low < 0.9
        assert high == 1


def test_a_score_that_does_not_exist_is_none():
    table = pd.DataFrame(
        {"truth": ["ramyeon", "김치", "김치"], "predicted": ["ramyeon", "ramyeon", "ramyeon"]}
    )
    result = intervals(table, VOCAB)
    assert result["classes"]["김치"]["precision_interval"] is None
    assert result["classes"]["NA"] == {"recall_interval": None, "precision_interval": None}
    assert set(result["classes"]) == set(VOCAB)
    every = [value for name, value in result.items() if name != "classes"]
    assert np.isfinite(every).all()


def test_metrics_gain_intervals_of_their_own_split():
    table = drawn(4, 60, 0.9).assign(
        path=[f"{i}.jpg" for i in range(60)], split=["valid"] * 40 + ["test"] * 20
    )
    items = table[["path"]].assign(group=[i // 2 for i in range(60)])
    scores = {"split": "valid", "accuracy": 0.9, "classes": {label: {"recall": 0.9} for label in VOCAB}}
    result = with_intervals(scores, table, items)
    right = (table["truth"] == table["predicted"])[:40].mean()
    assert result["accuracy_interval"] == pytest.approx(wilson(right, 20))
    assert set(result["classes"]["김치"]) == {"recall", "recall_interval", "precision_interval"}


def test_bad_predictions_are_refused():
    with pytest.raises(InputError, match="no predictions"):
        intervals(pd.DataFrame({"truth": [], "predicted": []}), VOCAB)
    table = pd.DataFrame({"truth": ["ramyeon"] * 2, "predicted": ["ramyeon", "sushi"]})
    said = "Class 'sushi' in column `predicted` is not one of: ramyeon, 김치, NA."
    with pytest.raises(InputError, match=f"^{said}$"):
        intervals(table, VOCAB)
    with pytest.raises(InputError, match="'sushi' in column `truth`"):
        intervals(table.rename(columns={"truth": "predicted", "predicted": "truth"}), VOCAB)


@law
@given(answers, st.randoms(use_true_random=False))
def test_the_order_of_photos_and_of_classes_changes_no_interval(rows, random):
    table = pd.DataFrame(rows, columns=["truth", "predicted"])
    groups = pd.Series([number // 2 for number in range(len(rows))])
    order = random.sample(range(len(rows)), len(rows))
    once, again = intervals(table, VOCAB, groups), intervals(table.iloc[order], VOCAB[::-1], groups[order])
    assert flat(again) == pytest.approx(flat(once), abs=1e-9)


@law
@given(answers)
def test_names_of_classes_change_no_interval(rows):
    names = {"ramyeon": "001", "김치": "1", "NA": "nan"}
    table = pd.DataFrame(rows, columns=["truth", "predicted"])
    other = intervals(table.map(names.get), list(names.values()))
    assert flat(other, {name: label for label, name in names.items()}) == flat(intervals(table, VOCAB))


@law
@given(answers)
def test_a_copy_of_each_photo_changes_no_interval(rows):
    table = pd.DataFrame(rows, columns=["truth", "predicted"])
    twice = pd.concat([table, table])
    groups = pd.Series([*range(len(rows))] * 2)
    found, expected = intervals(twice, VOCAB, groups), intervals(table, VOCAB)
    for name in ("accuracy_interval", "error_rate_interval", "classes"):
        assert flat({name: found[name]}) == pytest.approx(flat({name: expected[name]}))


def flat(found, names=None):
    """Bounds by name; None where there is no interval."""
    bounds = {}
    for name, value in found.items():
        pairs = value.items() if name == "classes" else [(name, {"": value})]
        for label, each in pairs:
            for kind, both in each.items():
                low, high = both or (None, None)
                key = ((names or {}).get(label, label), kind)
                bounds |= {(*key, "low"): low, (*key, "high"): high}
    return bounds


def test_errors_are_the_rest_of_accuracy_and_each_class_has_its_own_photos():
    """ramyeon: 3 of 4 found, 3 of 5 answers right; 김치: 1 of 3, 1 of 2."""
    rows = [("ramyeon", "ramyeon")] * 3 + [("ramyeon", "김치"), ("김치", "김치")] + [("김치", "ramyeon")] * 2
    found = intervals(pd.DataFrame(rows, columns=["truth", "predicted"]), VOCAB)
    assert found["accuracy_interval"] == pytest.approx(wilson(4 / 7, 7))
    assert found["error_rate_interval"] == pytest.approx(wilson(3 / 7, 7))
    assert found["classes"]["ramyeon"]["recall_interval"] == pytest.approx(wilson(3 / 4, 4))
    assert found["classes"]["ramyeon"]["precision_interval"] == pytest.approx(wilson(3 / 5, 5))
    assert found["classes"]["김치"]["recall_interval"] == pytest.approx(wilson(1 / 3, 3))
    assert found["classes"]["김치"]["precision_interval"] == pytest.approx(wilson(1 / 2, 2))


def test_copies_count_once_in_their_own_class():
    """Both ramyeon are one picture, the three 김치 are two."""
    table = pd.DataFrame(
        {"truth": ["ramyeon"] * 2 + ["김치"] * 3, "predicted": ["ramyeon"] * 3 + ["김치"] * 2}
    )
    found = intervals(table, VOCAB, pd.Series([7, 7, 8, 9, 9]))["classes"]
    assert found["ramyeon"]["recall_interval"] == pytest.approx(wilson(1, 1))
    assert found["ramyeon"]["precision_interval"] == pytest.approx(wilson(2 / 3, 2))
    assert found["김치"]["recall_interval"] == pytest.approx(wilson(2 / 3, 2))
    assert found["김치"]["precision_interval"] == pytest.approx(wilson(1, 1))


def test_an_interval_ends_at_none_and_at_all():
    assert wilson(0, 3)[0] == 0
    assert wilson(1, 3)[1] == 1


def test_the_counts_have_truth_in_rows():
    table = pd.DataFrame({"truth": ["김치", "김치", "NA"], "predicted": ["NA", "NA", "ramyeon"]})
    assert confusion_matrix(table, VOCAB).tolist() == [[0, 0, 0], [0, 0, 2], [1, 0, 0]]


def test_one_class_alone_is_worth_its_photos():
    for interval in macro_intervals(np.array([[12]])).values():
        assert interval == pytest.approx(wilson(1, 12))


def test_half_right_photos_steady_what_is_all_right():
    """Eight photos, all right, and four imagined ones, half of them right: Agresti and Coull's variance."""
    steadied = (8 + 4 * 0.75) / 12
    low, _ = macro_intervals(np.diag([4, 4]))["recall"]
    worth = steadied * (1 - steadied) / (2 * 0.25 * steadied * (1 - steadied) / 6) * 12 / 12 * 8 / 12
    assert low == pytest.approx(wilson(1, worth)[0])


@pytest.mark.parametrize(("agree", "spread"), [(0.0, 0.03), (1.0, 0.0)])
def test_the_interval_over_seeds_covers_the_accuracy_that_seeds_have_on_average(agree, spread):
    """Seeds that move, and seeds that are all right about the same photos."""
    random = np.random.default_rng(8)
    covered = 0
    for _ in range(1000):
        chances = 0.85 + spread * random.standard_normal((3, 1))
        right = random.random((3, 800)) < chances
        right = np.where(random.random(800) < agree, right[0], right)
        low, high = over_seeds(right)
        covered += low <= 0.85 <= high
    # Give or take two standard errors of a share in 1000 trials.
    assert 0.936 <= covered / 1000 <= 0.964


def several(rates, photos=500, seed=3):
    """Right or wrong of seeds with these accuracies, [seeds, photos]."""
    return np.random.default_rng(seed).random((len(rates), photos)) < np.array(rates)[:, None]


def test_the_interval_over_seeds_has_the_width_of_welchs():
    """Its variance is that of a mean over photos plus that of a mean over seeds, as between two samples."""
    right = several([0.6, 0.9, 0.7, 0.95], photos=40)
    welch = stats.ttest_ind(right.mean(0), right.mean(1), equal_var=False).confidence_interval()
    error = (welch.high - welch.low) / 2 / stats.norm.ppf(0.975)
    rate = right.mean()
    assert over_seeds(right) == pytest.approx(wilson(rate, rate * (1 - rate) / error**2))


def test_seeds_that_are_wrong_about_other_photos_bring_no_photos():
    right = np.ones((3, 60), bool)
    for seed in range(3):
        right[seed, 10 * seed : 10 * seed + 10] = False
    assert over_seeds(right) == pytest.approx(wilson(50 / 60, 60))


def test_one_seed_has_wilsons_interval():
    right = np.arange(150)[None] >= 5
    assert over_seeds(right) == pytest.approx(wilson(145 / 150, 150))
    assert over_seeds(np.ones((3, 30), bool)) == pytest.approx(wilson(1, 30))
