import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from kimchi_vision.config.sections import Evaluate
from kimchi_vision.results import evaluate, plots, separation
from kimchi_vision.results.scores import METRICS, scores
from tests.answers import shown

VOCAB = ("김치", "ramyeon", "$5")


def drawn(photos, skill, seed=0):
    """Truth and probabilities of a model; a higher skill parts the classes better."""
    random = np.random.default_rng(seed)
    truth = np.arange(photos) % len(VOCAB)
    outputs = random.normal(size=(photos, len(VOCAB)))
    outputs[np.arange(photos), truth] += skill
    shares = np.exp(outputs)
    return truth, shares / shares.sum(axis=1, keepdims=True)


def predictions(truth, shares, groups=None):
    return shown(
        [(VOCAB[place], row) for place, row in zip(truth, shares, strict=True)], VOCAB, groups=groups
    )


def test_areas_are_those_of_scikit_learn():
    truth, shares = drawn(200, 1.0)
    said = predictions(truth, shares)
    assert separation.macro(said).value == pytest.approx(roc_auc_score(truth, shares, multi_class="ovr"))
    for place, name in enumerate(VOCAB):
        own = truth == place
        assert separation.by_class(said)[name].value == pytest.approx(roc_auc_score(own, shares[:, place]))
        assert separation.average_precision(said)[name] == pytest.approx(
            average_precision_score(own, said.probabilities[:, place])
        )


def test_the_variance_of_an_area_is_delongs():
    """Of ten photos, written out: every positive against every negative."""
    random = np.random.default_rng(1)
    positive, marks = np.arange(10) < 4, random.normal(size=10)
    marks[positive] += 1
    wins = (marks[positive][:, None] > marks[~positive]).astype(float)
    value, parts = separation.area(marks, positive)
    assert value == wins.mean()
    expected = wins.mean(1).var() / 4 + wins.mean(0).var() / 6
    assert (parts**2).mean() / 10 == pytest.approx(expected)


def test_the_interval_of_the_macro_area_covers_it_and_copies_tell_nothing():
    truth = separation.macro(predictions(*drawn(30_000, 1.5, seed=9))).value
    found = [separation.macro(predictions(*drawn(90, 1.5, seed=seed))) for seed in range(100)]
    assert 91 <= sum(each.low <= truth <= each.high for each in found) <= 99
    one, shares = drawn(90, 1.5)
    twice = predictions(np.tile(one, 2), np.tile(shares, (2, 1)), groups=np.tile(np.arange(90), 2))
    assert separation.macro(twice) == pytest.approx(found[0])
    each = separation.by_class(predictions(one, shares))
    assert separation.by_class(twice) == {name: pytest.approx(area) for name, area in each.items()}


def test_classes_apart_are_not_certain_and_few_photos_have_no_interval():
    truth = np.arange(30) % 3
    shares = np.where(np.arange(3) == truth[:, None], 0.8, 0.1)
    found = separation.macro(predictions(truth, shares))
    assert (found.value, found.high) == (1, 1)
    assert 0.6 < found.low < 0.8
    assert separation.macro(predictions(truth[:9], shares[:9])) == (1, None, None)
    assert separation.macro(predictions(truth[:1], shares[:1])) == (0.5, None, None)


def test_log_loss_brier_score_and_area_are_in_the_registry_and_figures_show_each_class():
    truth, shares = drawn(60, 1.0)
    said = predictions(truth, shares)
    found = {score.name: score for score in scores(said, Evaluate())}
    assert {"loss", "brier", "macro_auc"} <= set(found)
    assert found["brier"].value == pytest.approx(((shares - np.eye(3)[truth]) ** 2).sum(axis=1).mean())
    assert METRICS["brier"].shown(0.4123) == "0.412"
    own = evaluate.metrics(said, Evaluate())["separation"]["김치"]
    assert own["auc_interval"][0] < own["auc"] < own["auc_interval"][1]
    curves = separation.curves(said, "roc")
    (axes,) = plots.one_against_rest(curves, "false positives", "recall").axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("false positives", "recall")
    for line, name in zip(axes.lines, VOCAB, strict=True):
        assert line.get_xydata().T.tolist() == [each.tolist() for each in curves[name]]
    recall, precision = separation.curves(said, "precision_recall")["김치"]
    assert (recall[0], precision[0]) == (1, pytest.approx(1 / 3))
