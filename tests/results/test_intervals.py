from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import precision_recall_fscore_support
from statsmodels.stats.proportion import proportion_confint

from kimchi_vision.base.errors import InputError
from kimchi_vision.config.sections import Evaluate
from kimchi_vision.results import evaluate
from kimchi_vision.results.intervals import macro, mean, of_class, over_seeds, share, wilson, worth
from kimchi_vision.results.predictions import Predictions
from tests.answers import said

VOCAB = ("ramyeon", "김치", "NA")
TRIALS = 1000
law = settings(derandomize=True, deadline=None, max_examples=12)
answers = st.lists(st.tuples(st.sampled_from(VOCAB), st.sampled_from(VOCAB)), min_size=1, max_size=40)


def intervals(rows, groups=None, vocab=VOCAB):
    """Every interval of metrics.json, from (truth, predicted) of each photo."""
    found = evaluate.metrics(said(rows, vocab, groups=groups), Evaluate())
    classes = {
        name: {key: value for key, value in own.items() if key.endswith("_interval")}
        for name, own in found["classes"].items()
    }
    return {key: value for key, value in found.items() if key.endswith("_interval")} | {"classes": classes}


def drawn(seed, photos, accuracy, shares=(1 / 3, 1 / 3, 1 / 3)):
    """Truth and answer of a classifier that is right with probability `accuracy` on every class."""
    random = np.random.default_rng(seed)
    truth = random.choice(len(VOCAB), photos, p=shares)
    wrong = (truth + random.integers(1, len(VOCAB), photos)) % len(VOCAB)
    predicted = np.where(random.random(photos) < accuracy, truth, wrong)
    return [(VOCAB[one], VOCAB[other]) for one, other in zip(truth, predicted, strict=True)]


def confusion_of(rows):
    return said(rows, VOCAB).confusion


def counted(confusion):
    """Macro scores of photos without groups, from how many there are in each cell."""
    places = np.indices(confusion.shape).reshape(2, -1)
    truth, predicted = np.repeat(places, confusion.ravel(), axis=1)
    return macro(truth, predicted, np.arange(len(truth)), len(confusion))


@pytest.mark.parametrize(("right", "expected"), [(145, (92.4, 98.6)), (148, (95.3, 99.6))])
def test_the_pizza_steak_sushi_figures(right, expected):
    assert (wilson(right / 150, 150) * 100).round(1).tolist() == list(expected)
    hits = np.arange(150) < right
    rate, *ends = share(hits, np.arange(150))
    assert (rate, [round(100 * end, 1) for end in ends]) == (right / 150, list(expected))


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
    truth = random.uniform(0.5, 0.99, TRIALS)
    own = np.eye(classes)
    cells = own * truth[:, None, None] + (1 - own) * (1 - truth[:, None, None]) / (classes - 1)
    drawn = random.multinomial(photos, cells.reshape(len(truth), -1) / classes).reshape(cells.shape)
    found = [counted(each) for each in drawn]
    told = truth[[each["recall"].low is not None for each in found]]
    assert len(told) > 0.9 * TRIALS
    for name in found[0]:
        low, high = np.array([each[name][1:] for each in found if each[name].low is not None], float).T
        assert 0.935 <= ((low <= told) & (told <= high)).mean() <= 0.965, name


def macro_scores(confusion):
    """Macro scores over the classes that have photos, by name; of confusion matrices, shape (..., K, K)."""
    right, photos, said = np.diagonal(confusion, 0, -2, -1), confusion.sum(-1), confusion.sum(-2)
    shares = {"recall": right / photos, "precision": right / said, "f1": 2 * right / (photos + said)}
    counted = {name: np.where(photos > 0, np.nan_to_num(each), np.nan) for name, each in shares.items()}
    return {name: np.nanmean(each, axis=-1) for name, each in counted.items()}


def bootstrapped(photos, cells, times=1):
    """95 % of the macro scores of 4000 draws; each drawn photo counts so many times."""
    draws = np.random.default_rng(3).multinomial(photos, cells.ravel() / photos, 4000)
    scores = macro_scores(times * draws.reshape(-1, *cells.shape))
    return {name: np.quantile(each, [0.025, 0.975]) for name, each in scores.items()}


def test_macro_intervals_agree_with_a_bootstrap_where_it_holds():
    confusion = confusion_of(drawn(3, 2000, 0.8, shares=(0.6, 0.3, 0.1)))
    expected = bootstrapped(2000, confusion)
    for name, (_, *interval) in counted(confusion).items():
        assert interval == pytest.approx(expected[name], abs=0.004), name


def test_macro_intervals_agree_with_a_bootstrap_over_groups_of_near_copies():
    """Photos in groups of three that are right or wrong together: whole groups are drawn."""
    rows = drawn(5, 1200, 0.8)
    found = intervals(rows * 3, groups=list(range(1200)) * 3)
    for name, expected in bootstrapped(1200, confusion_of(rows), times=3).items():
        assert found[f"macro_{name}_interval"] == pytest.approx(expected, abs=0.005)


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("shares", [(0.7, 0.2, 0.1), (0.7, 0.3, 0)])
def test_macro_scores_are_those_of_scikit_learn(shares):
    rows = drawn(1, 80, 0.6, shares)
    truth, predicted = zip(*rows, strict=True)
    over = {"labels": sorted(set(truth)), "average": "macro", "zero_division": 0}
    found = precision_recall_fscore_support(truth, predicted, **over)
    expected = dict(zip(("precision", "recall", "f1"), found[:3], strict=True))
    assert {name: each.value for name, each in counted(confusion_of(rows)).items()} == pytest.approx(expected)
    assert macro_scores(confusion_of(rows)) == pytest.approx(expected)


def test_near_copies_count_as_one_photo():
    rows = drawn(2, 200, 0.9)
    once, grouped = intervals(rows), intervals(rows * 3, groups=list(range(200)) * 3)
    for name in ("accuracy", "top_k_accuracy"):
        assert grouped[f"{name}_interval"] == pytest.approx(once[f"{name}_interval"])
    assert grouped["classes"]["김치"]["recall_interval"] == pytest.approx(
        once["classes"]["김치"]["recall_interval"]
    )
    # Student's t divides by one unit less than there are: 199 and 199.
    assert grouped["loss_interval"] == pytest.approx(once["loss_interval"])
    naive = intervals(rows * 3)
    for name in ("accuracy", "macro_recall", "macro_f1", "loss"):
        assert np.ptp(naive[f"{name}_interval"]) < 0.7 * np.ptp(grouped[f"{name}_interval"])


def test_all_right_is_not_certainty():
    result = intervals([(name, name) for name in VOCAB] * 10)
    assert result["accuracy_interval"] == pytest.approx([1 - 0.1135, 1], abs=1e-4)
    for name in ("recall", "precision", "f1"):
        low, high = result[f"macro_{name}_interval"]
        assert 0.85 < low < 0.9
        assert high == 1


def test_a_score_that_does_not_exist_is_none():
    result = intervals([("ramyeon", "ramyeon"), ("김치", "ramyeon"), ("김치", "ramyeon")])
    assert result["classes"]["김치"]["precision_interval"] is None
    assert result["classes"]["NA"] == {"recall_interval": None, "precision_interval": None}
    assert set(result["classes"]) == set(VOCAB)
    assert {value for name, value in result.items() if name != "classes"} == {None}


def test_metrics_have_intervals_of_their_own_split():
    rows = drawn(4, 60, 0.9)
    rows = [row for row in rows[::2] for _ in range(2)]
    groups = [number // 2 for number in range(60)]
    both = [said(rows[:40], VOCAB, "valid", groups[:40]), said(rows[40:], VOCAB, "test", groups[40:])]
    result = evaluate.metrics(Predictions.joined(both).part("valid"), Evaluate())
    right = np.mean([truth == predicted for truth, predicted in rows[:40]])
    assert result["accuracy_interval"] == pytest.approx(wilson(right, 20))
    assert {key for key in result["classes"]["김치"] if key.endswith("_interval")} == {
        "recall_interval",
        "precision_interval",
    }


def test_bad_predictions_are_refused():
    nothing = said([("ramyeon", "ramyeon")], VOCAB, "test")
    with pytest.raises(InputError, match="no predictions"):
        nothing.part("valid")
    table = said([("ramyeon", "ramyeon")] * 2, VOCAB).table
    for column in ("predicted", "truth"):
        strange = Predictions(table.assign(**{column: ["ramyeon", "sushi"]}), VOCAB)
        sentence = f"Class 'sushi' in column `{column}` is not one of: ramyeon, 김치, NA."
        with pytest.raises(InputError, match=f"^{sentence}$"):
            evaluate.metrics(strange, Evaluate())


@law
@given(answers, st.randoms(use_true_random=False))
def test_the_order_of_photos_and_of_classes_changes_no_interval(rows, random):
    groups = [number // 2 for number in range(len(rows))]
    order = random.sample(range(len(rows)), len(rows))
    once = intervals(rows, groups)
    again = intervals([rows[place] for place in order], [groups[place] for place in order], VOCAB[::-1])
    assert flat(again) == pytest.approx(flat(once), abs=1e-9)


@law
@given(answers)
def test_names_of_classes_change_no_interval(rows):
    names = {"ramyeon": "001", "김치": "1", "NA": "nan"}
    other = intervals([(names[truth], names[answer]) for truth, answer in rows], vocab=list(names.values()))
    assert flat(other, {name: label for label, name in names.items()}) == flat(intervals(rows))


@law
@given(answers)
def test_a_copy_of_each_photo_changes_no_interval(rows):
    found, expected = intervals(rows * 2, [*range(len(rows))] * 2), intervals(rows)
    for name in ("accuracy_interval", "error_rate_interval", "top_k_accuracy_interval", "loss_interval"):
        assert found[name] == pytest.approx(expected[name]), name
    assert flat({"classes": found["classes"]}) == pytest.approx(flat({"classes": expected["classes"]}))


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
    found = intervals([*rows, ("NA", "NA")])
    assert found["accuracy_interval"] == pytest.approx(wilson(5 / 8, 8))
    assert found["error_rate_interval"] == pytest.approx(wilson(3 / 8, 8))
    assert found["classes"]["ramyeon"]["recall_interval"] == pytest.approx(wilson(3 / 4, 4))
    assert found["classes"]["ramyeon"]["precision_interval"] == pytest.approx(wilson(3 / 5, 5))
    assert found["classes"]["김치"]["recall_interval"] == pytest.approx(wilson(1 / 3, 3))
    assert found["classes"]["김치"]["precision_interval"] == pytest.approx(wilson(1 / 2, 2))


def test_copies_count_once_in_their_own_class():
    """Both ramyeon are one picture, and so are two of the 김치."""
    truth, predicted = ["ramyeon"] * 2 + ["김치"] * 3, ["ramyeon"] * 3 + ["김치"] * 2
    found = intervals(list(zip(truth, predicted, strict=True)), [7, 7, 8, 9, 9])["classes"]
    assert found["ramyeon"]["recall_interval"] == pytest.approx(wilson(1, 1))
    assert found["ramyeon"]["precision_interval"] == pytest.approx(wilson(2 / 3, 1.8))
    assert found["김치"]["recall_interval"] == pytest.approx(wilson(2 / 3, 1.8))
    assert found["김치"]["precision_interval"] == pytest.approx(wilson(1, 1))


def test_a_class_without_photos_has_no_interval():
    assert of_class(np.array([], bool), np.array([])) is None
    assert of_class(np.array([True, True]), np.array([4, 4])) == pytest.approx(wilson(1, 1))


def test_the_interval_of_a_mean_is_students_where_nothing_is_skewed():
    """As scipy's of one sample, also with three copies of each photo."""
    values = np.random.default_rng(0).uniform(size=20)
    values = np.concatenate([values, 1 - values])
    expected = stats.ttest_1samp(values, 0).confidence_interval()
    for copies in (1, 3):
        found = mean(np.tile(values, copies), np.tile(np.arange(40), copies))
        assert found == pytest.approx((0.5, expected.low, expected.high))


def test_the_mean_of_one_photo_has_no_interval_and_a_loss_does_not_reach_below_0():
    assert mean(np.array([0.5, 0.7]), np.array([3, 3])) == (pytest.approx(0.6), None, None)
    assert mean(np.repeat([0.0, 3.0], [9, 1]), np.arange(10)).low >= 0


@pytest.mark.parametrize("copies", [1, 3])
def test_the_interval_of_a_mean_covers_the_truth(copies):
    """Losses of 100 photos, each beside its copies."""
    random = np.random.default_rng(copies)
    covered = 0
    for _ in range(TRIALS):
        _, low, high = mean(np.repeat(random.exponential(size=100), copies), np.repeat(range(100), copies))
        covered += low <= 1 <= high
    assert 0.935 <= covered / TRIALS <= 0.965


def test_an_interval_ends_at_none_and_at_all():
    assert wilson(0, 3)[0] == 0
    assert wilson(1, 3)[1] == 1


def test_the_counts_have_truth_in_rows():
    assert confusion_of([("김치", "NA"), ("김치", "NA"), ("NA", "ramyeon")]).tolist() == [
        [0, 0, 0],
        [0, 0, 2],
        [1, 0, 0],
    ]


def test_one_class_alone_is_worth_its_photos():
    for value, *interval in counted(np.array([[12]])).values():
        assert value == 1
        assert interval == pytest.approx(wilson(1, 12))


def test_a_class_with_few_photos_makes_a_macro_score_uncertain():
    """All are right: with 4 + 96 photos, worth as little as the small class makes it."""
    found = counted(np.diag([4, 96]))["recall"]
    assert wilson(1, 8)[0] < found.low < wilson(1, 20)[0]


def test_too_few_independent_photos_have_no_interval():
    assert share(np.ones(7, bool), np.arange(7)) == (1, None, None)
    assert share(np.ones(80, bool), np.arange(80) // 12) == (1, None, None)
    assert share(np.ones(8, bool), np.arange(8)).low == pytest.approx(wilson(1, 8)[0])
    assert counted(np.diag([3, 90]))["recall"] == (1, None, None)
    assert mean(np.arange(7.0), np.arange(7)) == (3, None, None)


def test_groups_that_disagree_within_are_worth_their_photos_and_those_that_agree_one_each():
    mixed, alike = np.arange(600) % 3 > 0, np.arange(600) // 3 % 3 > 0
    groups = np.arange(600) // 3
    assert worth(mixed, groups) > 550
    assert worth(alike, groups) == pytest.approx(200)
    assert worth(np.ones(600), groups) == pytest.approx(200)


@pytest.mark.parametrize("together", [0.1, 1.0])
def test_a_share_over_unequal_groups_covers_the_truth(together):
    """A few groups hold many photos, which are right together in a share `together` of the groups."""
    random = np.random.default_rng(1)
    covered = 0
    for _ in range(TRIALS):
        truth, sizes = random.uniform(0.7, 0.99), np.minimum(random.pareto(1.5, 100).astype(int) + 1, 40)
        units = np.repeat(np.arange(100), sizes)
        alike = (random.random(100) < together)[units]
        hits = np.where(alike, random.random(100)[units], random.random(len(units))) < truth
        _, low, high = share(hits, units)
        covered += low <= truth <= high
    assert covered / TRIALS >= 0.935


@pytest.mark.parametrize(("agree", "spread"), [(0.0, 0.03), (1.0, 0.0)])
def test_the_interval_over_seeds_covers_the_accuracy_that_seeds_have_on_average(agree, spread):
    """Seeds that move, and seeds that are all right about the same photos."""
    random = np.random.default_rng(8)
    covered = 0
    for _ in range(1000):
        chances = 0.85 + spread * random.standard_normal((3, 1))
        right = random.random((3, 800)) < chances
        right = np.where(random.random(800) < agree, right[0], right)
        _, low, high = over_seeds(right, np.arange(right.shape[1]))
        covered += low <= 0.85 <= high
    # Give or take two standard errors of a share in 1000 trials.
    assert 0.936 <= covered / 1000 <= 0.985


def several(rates, photos=500, seed=3):
    """Right or wrong of seeds with these accuracies, [seeds, photos]."""
    return np.random.default_rng(seed).random((len(rates), photos)) < np.array(rates)[:, None]


def test_the_interval_over_seeds_adds_students_over_seeds_to_that_over_photos():
    right = several([0.6, 0.9, 0.7, 0.95], photos=40)
    wider = stats.t.ppf(0.975, 3) / stats.norm.ppf(0.975)
    variance = right.mean(0).var(ddof=1) / 40 + right.mean(1).var(ddof=1) / 4 * wider**2
    rate = right.mean()
    assert over_seeds(right, np.arange(40))[1:] == pytest.approx(wilson(rate, rate * (1 - rate) / variance))


def test_seeds_that_are_wrong_about_other_photos_bring_no_photos():
    right = np.ones((3, 60), bool)
    for seed in range(3):
        right[seed, 10 * seed : 10 * seed + 10] = False
    assert over_seeds(right, np.arange(right.shape[1]))[1:] == pytest.approx(wilson(50 / 60, 60))


def test_one_seed_has_wilsons_interval():
    right = np.arange(150)[None] >= 5
    assert over_seeds(right, np.arange(150))[1:] == pytest.approx(wilson(145 / 150, 150))
    assert over_seeds(np.ones((3, 30), bool), np.arange(30))[1:] == pytest.approx(wilson(1, 30))
