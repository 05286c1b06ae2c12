"""The registry of scores: one definition, an interval that holds its value, and a place for one's own."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from kimchi_vision.base.errors import ConfigError
from kimchi_vision.config.sections import Evaluate
from kimchi_vision.results import scores
from kimchi_vision.results.predictions import Predictions

SECTION = Evaluate(top_k=2)


def predictions(truth: list[int], logits: np.ndarray, group: list[int] | None = None) -> Predictions:
    vocab = [f"class {place}" for place in range(logits.shape[1])]
    items = pd.DataFrame({"path": [f"{n}.jpg" for n in range(len(truth))], "split": "valid"})
    items["label"] = [vocab[place] for place in truth]
    if group is not None:
        items["group"] = group
    return Predictions.from_logits(items, logits, vocab)


@st.composite
def tables(draw) -> Predictions:
    """Any table: classes without photos, classes that are never predicted, one photo, one class wrong."""
    classes, photos = draw(st.integers(2, 6)), draw(st.integers(1, 40))
    truth = draw(st.lists(st.integers(0, classes - 1), min_size=photos, max_size=photos))
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    logits = random.normal(size=(photos, classes)) + draw(st.floats(0, 6)) * np.eye(classes)[truth]
    never = draw(st.integers(0, classes))
    # Not so far that scikit-learn's log_loss, which counts no probability below 2e-16, would say less.
    logits[:, never:] -= 20 * draw(st.booleans())
    group = draw(st.lists(st.integers(0, photos), min_size=photos, max_size=photos))
    return predictions(truth, logits, draw(st.sampled_from([None, group])))


def of(table: Predictions) -> dict[str, scores.Score]:
    return {score.name: score for score in scores.scores(table, SECTION)}


@settings(max_examples=200, deadline=None)
@given(tables())
def test_each_score_lies_in_its_interval(table):
    for score in of(table).values():
        if score.interval is not None:
            low, high = score.interval
            assert low <= score.value <= high, score.name
            if score.metric.unit == "share":
                assert low >= 0, score.name
                assert high <= 1, score.name


@settings(max_examples=100, deadline=None)
@given(tables())
def test_each_score_is_scikit_learns_over_the_classes_that_have_photos(table):
    found, truth, answers = of(table), table.truth, table.answers
    shares = table.probabilities / table.probabilities.sum(axis=1, keepdims=True)
    over = {"labels": np.unique(truth), "average": "macro", "zero_division": 0}
    expected = {
        "accuracy": sklearn_metrics.accuracy_score(truth, answers),
        "error_rate": 1 - sklearn_metrics.accuracy_score(truth, answers),
        "macro_recall": sklearn_metrics.recall_score(truth, answers, **over),
        "macro_precision": sklearn_metrics.precision_score(truth, answers, **over),
        "macro_f1": sklearn_metrics.f1_score(truth, answers, **over),
        "loss": sklearn_metrics.log_loss(truth, shares, labels=range(len(table.vocab))),
    }
    for name, value in expected.items():
        assert found[name].value == pytest.approx(value, rel=1e-4, abs=1e-6), name


@settings(max_examples=50, deadline=None)
@given(tables(), st.randoms(use_true_random=False))
def test_the_order_of_photos_changes_no_score(table, random):
    order = list(range(len(table)))
    random.shuffle(order)
    other = of(table.where(np.array(order)))
    for name, score in of(table).items():
        assert other[name].value == pytest.approx(score.value), name
        assert other[name].interval == pytest.approx(score.interval), name


def test_the_k_most_probable_classes_count():
    table = predictions([0, 0, 0], np.array([[3.0, 2, 1], [2, 3, 1], [1, 3, 2]]))
    assert of(table)["top_k_accuracy"].value == pytest.approx(2 / 3)


def test_copies_of_one_picture_narrow_no_interval():
    truth = [0, 1, 2] * 12
    logits = np.random.default_rng(0).normal(size=(36, 3)) + np.eye(3)[truth]
    copied = of(predictions(truth * 2, np.tile(logits, (2, 1)), group=[*range(36)] * 2))
    for name, once in of(predictions(truth, logits)).items():
        assert once.interval is not None
        assert copied[name].interval == pytest.approx(once.interval, abs=5e-3), name


@pytest.mark.parametrize(("name", "sign"), [("accuracy", 1), ("loss", -1), ("valid_loss", -1)])
def test_a_monitor_knows_which_way_is_better(name, sign):
    assert scores.sign(name) == sign


def test_a_monitor_that_is_no_score_is_named_with_the_nearest():
    with pytest.raises(ConfigError, match=r"train.monitor: .* `acuracy`. Did you mean accuracy"):
        scores.check_monitor("acuracy")


def test_a_score_is_shown_with_its_unit():
    found = of(predictions([0, 1] * 4, np.array([[2.0, 0], [2, 0]] * 4)))
    assert str(found["accuracy"]) == "50.0 % (21.5 % – 78.5 %)"
    assert found["loss"].metric.shown(0.41234) == "0.412"
