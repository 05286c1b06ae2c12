"""Scores and figures come from the table of predictions, over photos, and equal scikit-learn's."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_hex
from PIL import Image
from sklearn import metrics as sklearn_metrics

from kimchi_vision.base.errors import InputError
from kimchi_vision.config.sections import Evaluate
from kimchi_vision.data.photo import Photos
from kimchi_vision.results import evaluate, plots
from kimchi_vision.results.intervals import of_class
from kimchi_vision.results.predictions import Predictions
from tests.answers import shown

VOCAB = ("갓김치", "NA", "001")
ROWS = [
    ("갓김치", [0.8, 0.1, 0.1]),
    ("갓김치", [0.3, 0.1, 0.6]),
    ("갓김치", [0.2, 0.3, 0.5]),
    ("001", [0.1, 0.1, 0.8]),
    ("NA", [0.5, 0.4, 0.1]),
    ("NA", [0.6, 0.25, 0.15]),
    ("NA", [0.1, 0.9, 0.0]),
]

TRUTH = ["갓김치"] * 20 + ["NA"] * 12 + ["001"] * 16
SAID = ["갓김치"] * 15 + ["NA"] * 5 + ["NA"] * 9 + ["001"] * 3 + ["001"] * 12 + ["갓김치"] * 4


@pytest.fixture
def predictions():
    return shown(ROWS, VOCAB, ["valid"] * len(ROWS))


def scored(own):
    """The scores of a class without their intervals."""
    return {name: value for name, value in own.items() if not name.endswith("_interval")}


def test_scores_by_hand(predictions):
    scores = evaluate.metrics(predictions, Evaluate(top_k=2, top_losses=3))
    assert (scores["split"], scores["photos"]) == ("valid", 7)
    assert scores["accuracy"] == 3 / 7
    assert scores["error_rate"] == 4 / 7
    assert scores["confusion_matrix"] == [[1, 0, 2], [2, 1, 0], [0, 0, 1]]
    assert {name: scored(own) for name, own in scores["classes"].items()} == {
        "갓김치": pytest.approx({"precision": 1 / 3, "recall": 1 / 3, "f1": 1 / 3, "support": 3}),
        "NA": pytest.approx({"precision": 1, "recall": 1 / 3, "f1": 1 / 2, "support": 3}),
        "001": pytest.approx({"precision": 1 / 3, "recall": 1, "f1": 1 / 2, "support": 1}),
    }
    assert scores["macro_precision"] == pytest.approx(5 / 9)
    assert scores["macro_recall"] == pytest.approx((1 / 3 + 1 / 3 + 1) / 3)
    assert scores["macro_f1"] == pytest.approx(4 / 9)
    assert scores["most_confused"] == [["갓김치", "001", 2], ["NA", "갓김치", 2]]
    assert scores["top_losses"] == ["2.jpg", "5.jpg", "1.jpg"]
    losses = -np.log([0.8, 0.3, 0.2, 0.8, 0.4, 0.25, 0.9])
    assert scores["loss"] == pytest.approx(losses.mean())


def test_a_classs_intervals_are_of_its_own_photos_and_of_what_was_called_so():
    rows = [
        (truth, [1.0 * (label == said) for label in VOCAB]) for truth, said in zip(TRUTH, SAID, strict=True)
    ]
    predictions = shown(rows, VOCAB, ["valid"] * len(rows))
    found = evaluate.metrics(predictions, Evaluate())
    for label, own in found["classes"].items():
        right = predictions.right
        of, called = np.array(TRUTH) == label, np.array(SAID) == label
        assert own["recall_interval"] == of_class(right[of], predictions.units[of])
        assert own["precision_interval"] == of_class(right[called], predictions.units[called])
        assert own["recall_interval"] != own["precision_interval"]
    assert found["separation"]["NA"]["average_precision"] == pytest.approx(
        sklearn_metrics.average_precision_score(
            np.array(TRUTH) == "NA", predictions.probabilities[:, VOCAB.index("NA")]
        )
    )


@pytest.mark.parametrize(("k", "used", "share"), [(1, 1, 3 / 7), (2, 2, 6 / 7), (3, 3, 1), (5, 3, 1)])
def test_top_k_counts_the_k_most_probable_classes_and_no_more(predictions, k, used, share):
    scores = evaluate.metrics(predictions, Evaluate(top_k=k))
    assert (scores["top_k"], scores["top_k_accuracy"]) == (used, pytest.approx(share))


def test_of_equally_probable_classes_the_first_counts():
    tied = shown([(truth, [0.4, 0.2, 0.4]) for truth in VOCAB], VOCAB)
    assert evaluate.metrics(tied, Evaluate(top_k=1))["top_k_accuracy"] == pytest.approx(1 / 3)
    assert evaluate.metrics(tied, Evaluate(top_k=2))["top_k_accuracy"] == pytest.approx(2 / 3)


def test_of_equal_losses_the_first_photos_are_shown():
    same = shown([("NA", [0.2, 0.6, 0.2])] * 3, VOCAB, ["valid"] * 3)
    assert evaluate.metrics(same, Evaluate(top_losses=2))["top_losses"] == ["0.jpg", "1.jpg"]


def test_a_class_never_predicted_leaves_no_nan(predictions):
    never = Predictions(predictions.table.assign(predicted="갓김치"), VOCAB)
    scores = evaluate.metrics(never, Evaluate())
    assert scores["classes"]["NA"]["precision"] == 0
    assert scores["macro_precision"] == pytest.approx(3 / 7 / 3)
    json.dumps(scores, allow_nan=False)


def test_macro_scores_leave_out_a_class_without_photos(predictions):
    without = predictions.where((predictions.table["truth"] != "001").to_numpy())
    scores = evaluate.metrics(without, Evaluate())
    assert scores["macro_recall"] == pytest.approx(1 / 3)
    assert scores["macro_precision"] == pytest.approx((1 / 3 + 1) / 2)
    assert scored(scores["classes"]["001"]) == {"precision": 0, "recall": 0, "f1": 0, "support": 0}
    json.dumps(scores, allow_nan=False)


def test_each_part_is_scored_by_itself():
    both = shown(ROWS, VOCAB, ["valid"] * 4 + ["test"] * 3)
    validated, tested = both.part("valid"), both.part("test")
    assert evaluate.metrics(validated, Evaluate())["confusion_matrix"] == [
        [1, 0, 2],
        [0, 0, 0],
        [0, 0, 1],
    ]
    scores = evaluate.metrics(tested, Evaluate(top_losses=1))
    assert (scores["split"], scores["photos"], scores["accuracy"]) == ("test", 3, 1 / 3)
    assert scores["top_losses"] == ["5.jpg"]
    with pytest.raises(InputError, match="train"):
        both.part("train")
    assert "of 3 photos (test)" in evaluate.classification_text(tested)


@st.composite
def tables(draw):
    """Predictions over three classes, of which some may have no photo, and the seed of another order."""
    seed, photos = draw(st.integers(0, 2**32 - 1)), draw(st.integers(1, 30))
    random = np.random.default_rng(seed)
    truths = random.choice(random.permutation(VOCAB)[: draw(st.integers(1, 3))], photos)
    return shown([(str(truth), random.dirichlet(np.ones(3))) for truth in truths], VOCAB), seed


@settings(max_examples=15, deadline=None)
@given(tables())
def test_scores_are_scikit_learns(drawn):
    predictions, _ = drawn
    truth, predicted = (predictions.table[column].tolist() for column in ("truth", "predicted"))
    scores = evaluate.metrics(predictions, Evaluate(top_k=2))
    report = sklearn_metrics.classification_report(
        truth, predicted, labels=VOCAB, output_dict=True, zero_division=0
    )
    for name in VOCAB:
        own = scores["classes"][name]
        assert (own["precision"], own["recall"]) == (report[name]["precision"], report[name]["recall"])
        assert (own["f1"], own["support"]) == (report[name]["f1-score"], report[name]["support"])
    assert scores["accuracy"] == sklearn_metrics.accuracy_score(truth, predicted)
    codes = [VOCAB.index(name) for name in truth]
    shares = predictions.probabilities / predictions.probabilities.sum(axis=1, keepdims=True)
    top = sklearn_metrics.top_k_accuracy_score(codes, shares, k=2, labels=range(3))
    assert scores["top_k_accuracy"] == pytest.approx(top)
    assert scores["loss"] == pytest.approx(sklearn_metrics.log_loss(codes, shares, labels=range(3)), rel=1e-5)


@settings(max_examples=15, deadline=None)
@given(tables())
def test_neither_the_order_of_photos_nor_the_names_of_classes_change_a_score(drawn):
    predictions, seed = drawn
    scores = evaluate.metrics(predictions, Evaluate(top_k=2))
    names = dict(zip(VOCAB, ("z", "a", "m"), strict=True))
    vocab = tuple(sorted(names.values()))
    order = np.random.default_rng(seed).permutation(len(predictions))
    columns = [VOCAB.index(old) for name in vocab for old, new in names.items() if new == name]
    rows = zip(predictions.table["truth"], predictions.probabilities[:, columns], strict=True)
    renamed = [(names[truth], shares) for truth, shares in rows]
    again = evaluate.metrics(shown([renamed[place] for place in order], vocab), Evaluate(top_k=2))
    for name in ("accuracy", "macro_precision", "macro_recall", "macro_f1", "top_k_accuracy", "loss"):
        assert again[name] == pytest.approx(scores[name])
    for old, new in names.items():
        assert again["classes"][new] == scores["classes"][old]


TEXT = """\
              precision  recall  f1-score  support
갓김치            0.333   0.333     0.333        3
NA                1.000   0.333     0.500        3
001               0.333   1.000     0.500        1
macro avg         0.556   0.556     0.444        7
weighted avg      0.619   0.429     0.429        7

accuracy 0.429 of 7 photos (valid)

confusion matrix: rows actual, columns predicted
        갓김치  NA  001
갓김치       1   0    2
NA           2   1    0
001          0   0    1
"""


def test_the_text_has_straight_columns_for_hangul_too(predictions):
    assert evaluate.classification_text(predictions) == TEXT


def test_the_text_counts_a_class_that_has_neither_photos_nor_answers():
    text = evaluate.classification_text(shown(ROWS[:1], VOCAB))
    assert text.splitlines()[2].split() == ["NA", "0.000", "0.000", "0.000", "0"]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Photos of many sizes with what the model said, and the figures of their test part."""
    folder = tmp_path_factory.mktemp("photos")
    rows = shown(ROWS * 2, VOCAB, ["test"] * 12 + ["valid"] * 2)
    for number, path in enumerate(rows.paths):
        Image.new("RGB", (400 + number, 200), "orange").save(folder / path)
    items = rows.table[["path", "split"]].assign(label=rows.table["truth"], sha256=rows.paths)
    part = rows.part("test")
    return evaluate.figures(part, Photos(folder, items, VOCAB), part.worst(4).paths)


def test_top_losses_are_shown_with_what_was_said_and_red_where_it_is_wrong(drawn):
    axes = drawn["top_losses"].axes
    assert [one.get_title() for one in axes] == [
        "001  50 %\nactual 갓김치, loss 1.61",
        "001  50 %\nactual 갓김치, loss 1.61",
        "갓김치  60 %\nactual NA, loss 1.39",
        "001  60 %\nactual 갓김치, loss 1.20",
    ]
    assert {to_hex(one.title.get_color()) for one in axes} == {plots.WRONG}
    assert axes[0].images[0].get_array().shape == (159, 320, 3)


def test_some_results_are_drawn_and_right_ones_are_green(drawn):
    axes = drawn["results"].axes
    assert len(axes) == 9
    colours = [to_hex(one.title.get_color()) for one in axes]
    said = [one.get_title().split("  ")[0] for one in axes]
    actual = [one.get_title().split("actual ")[1].split(",")[0] for one in axes]
    assert colours == [
        plots.RIGHT if first == second else plots.WRONG for first, second in zip(said, actual, strict=True)
    ]
    assert set(colours) == {plots.RIGHT, plots.WRONG}
    assert (plots.RIGHT, plots.WRONG) == ("#1a7f37", "#cf222e")


def test_the_matrix_is_drawn_in_photos_and_in_shares(drawn):
    def shown(name):
        (axes,) = drawn[name].axes
        return {text.get_position(): text.get_text() for text in axes.texts}

    # (column, row): 갓김치 taken for 001 in 4 of 6 test photos.
    assert shown("confusion_matrix")[(2, 0)] == "4"
    assert shown("confusion_matrix_normalized")[(2, 0)] == "0.67"
    assert shown("confusion_matrix")[(0, 2)] == "·"


def test_each_curve_is_drawn_in_its_own_figure(drawn):
    """A ROC curve begins at no photo found; a curve of precision against recall ends where all are."""
    for name, first in (("roc", (0, 0)), ("precision_recall", (1, pytest.approx(1 / 3)))):
        (axes,) = drawn[name].axes
        line = next(each for each in axes.lines if each.get_label().startswith("NA"))
        assert tuple(float(value) for value in line.get_xydata()[0]) == first
