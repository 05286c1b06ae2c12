import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special, stats
from sklearn.metrics import log_loss

from kimchi_vision.base.errors import InputError
from kimchi_vision.config.sections import Calibrate
from kimchi_vision.results import calibrate
from kimchi_vision.results.calibrate.abstain import (
    DELTA,
    Abstention,
    abstain_at,
    area_under_risk_coverage,
    fewest_photos,
    least_probable,
    risk_coverage,
    unknown_accepted,
)
from kimchi_vision.results.calibrate.confidence import (
    calibration_error,
    error_when_calibrated,
    expected_calibration_error,
    fit_temperature,
    negative_log_likelihood,
    reliability,
)
from kimchi_vision.results.intervals import wilson
from kimchi_vision.results.predictions import Predictions
from kimchi_vision.results.temperature import at_temperature
from tests.answers import shown

VOCAB = ["김치", "ramyeon", "NA", "001"]


def drawn(seed, photos, temperature):
    """Probabilities that are true once they are brought to `temperature`, and the true class."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, (photos, len(VOCAB))) * temperature
    chances = special.softmax(logits / temperature, axis=1)
    truth = (chances.cumsum(axis=1) < random.random((photos, 1))).sum(axis=1)
    return special.softmax(logits, axis=1), truth.clip(max=len(VOCAB) - 1)


def answers(seed, photos, temperature=1.0):
    """Probability of the predicted class, and whether it is right."""
    probabilities, truth = drawn(seed, photos, temperature)
    return probabilities.max(axis=1), probabilities.argmax(axis=1) == truth


def predictions_of(probabilities, truth, split="valid", groups=None):
    rows = [(VOCAB[place], shares) for place, shares in zip(truth, probabilities, strict=True)]
    return shown(rows, VOCAB, split, groups)


@pytest.fixture(scope="module")
def too_sure():
    """Validation photos of a model that is too sure, beside test photos about which it is always wrong."""
    probabilities, truth = drawn(3, 600, 2.0)
    other, _ = drawn(8, 200, 2.0)
    tested = predictions_of(other, (other.argmax(axis=1) + 1) % len(VOCAB), "test")
    return Predictions.joined([tested, predictions_of(probabilities, truth)]).part("valid")


@pytest.fixture(scope="module")
def facts(too_sure):
    return calibrate.fit(Calibrate(abstain_at=0.1, bins=7), too_sure)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_makes_the_true_classes_most_likely(temperature):
    probabilities, truth = drawn(1, 800, temperature)

    def loss(log_coldness):
        powers = probabilities ** np.exp(log_coldness)
        return log_loss(truth, powers / powers.sum(axis=1, keepdims=True), labels=range(len(VOCAB)))

    best = optimize.minimize_scalar(loss, bounds=(-3, 3), method="bounded", options={"xatol": 1e-9})
    found = fit_temperature(probabilities, truth)
    assert found == pytest.approx(np.exp(-best.x), rel=1e-5)
    assert found == pytest.approx(temperature, rel=0.15)
    assert negative_log_likelihood(at_temperature(probabilities, found), truth) == pytest.approx(best.fun)


@pytest.mark.parametrize(
    ("best", "kept"), [(0.015, 1), (0.025, 0.025), (1, 1), (1.5, 1.5), (49.5, 49.5), (50.1, 1)]
)
def test_a_temperature_beyond_0_02_to_50_is_not_believed(best, kept):
    """Eight of ten photos are right, so the best confidence is 0.8 for all."""
    sure = special.expit(np.log(4) * best)
    probabilities = np.tile([sure, special.expit(-np.log(4) * best)], (10, 1))
    assert fit_temperature(probabilities, np.repeat([0, 1], [8, 2])) == pytest.approx(kept)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.05, 20))
def test_calibration_keeps_the_order_of_classes(seed, temperature):
    probabilities = np.random.default_rng(seed).dirichlet(np.full(4, 0.5), 5) + 1e-6
    after = at_temperature(probabilities, temperature)
    assert (after.argsort(axis=1, kind="stable") == probabilities.argsort(axis=1, kind="stable")).all()
    assert after.sum(axis=1) == pytest.approx(1)
    powers = probabilities ** (1 / temperature)
    assert after == pytest.approx(powers / powers.sum(axis=1, keepdims=True))


def test_a_probability_of_0_has_a_finite_loss():
    shares = np.array([[1.0, 0.0], [0.5, 0.5]])
    tiny = float(np.finfo(np.float32).tiny)
    assert negative_log_likelihood(shares, np.array([1, 0])) == pytest.approx((np.log(2) - np.log(tiny)) / 2)
    assert at_temperature(shares, 2.0)[0] == pytest.approx([1, np.sqrt(tiny)])


def test_calibration_error_agrees_with_the_definition():
    confidence, right = answers(2, 700, 2.0)
    expected = 0.0
    for edge in range(15):
        inside = (confidence > edge / 15) & (confidence <= (edge + 1) / 15)
        if inside.any():
            expected += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    assert expected_calibration_error(confidence, right, 15) == pytest.approx(expected)
    # Three photos in two bins: |1 - 0.4| and |1 - 0.6 - 0.8|, over 3.
    three = np.array([0.4, 0.6, 0.8]), np.array([True, True, False])
    assert expected_calibration_error(*three, bins=2) == pytest.approx((0.6 + 0.4) / 3)


def test_bins_have_edges_photos_and_wilson_intervals():
    confidence = np.array([0.5, 0.55, 0.6, 1.0, 1.0000001, 0.0])
    right = np.array([True, False, True, True, True, False])
    table = reliability(confidence, right, bins=4)
    assert table.columns.tolist() == [
        *("low", "high", "photos", "confidence", "accuracy", "accuracy_low", "accuracy_high")
    ]
    assert table.index.tolist() == [0, 1, 2, 3]
    assert table["low"].tolist() == [0, 0.25, 0.5, 0.75]
    assert table["high"].tolist() == [0.25, 0.5, 0.75, 1]
    assert table["photos"].tolist() == [1, 1, 2, 2]
    assert table["confidence"].tolist() == pytest.approx([0, 0.5, 0.575, 1])
    assert table["accuracy"].tolist() == [0, 1, 0.5, 1]
    expected = wilson([0, 1, 0.5, 1], [1, 1, 2, 2])
    assert table[["accuracy_low", "accuracy_high"]].to_numpy() == pytest.approx(expected)


def test_chance_is_taken_out_of_the_calibration_error():
    """Of calibrated models 100 photos seem to be 7 points off; the error that is said is far less."""
    found = [calibration_error(*answers(seed, 100), 15) for seed in range(30)]
    seen = [expected_calibration_error(*answers(seed, 100), 15) for seed in range(30)]
    assert np.mean([each.value for each in found]) < np.mean(seen) / 2
    assert sum(each.low == 0 for each in found) >= 28
    assert calibration_error(np.full(400, 0.9), np.arange(400) < 200, 10).value == pytest.approx(
        0.4, abs=0.01
    )


def test_the_interval_of_the_calibration_error_covers_it():
    """Models that are too sure by a temperature of 2: the truth is that of very many photos."""
    truth = expected_calibration_error(*answers(0, 100_000, 2.0), 15)
    found = [calibration_error(*answers(seed, 300, 2.0), 15) for seed in range(1, 61)]
    assert 54 <= sum(each.low <= truth <= each.high for each in found) <= 59
    assert np.mean([each.value for each in found]) == pytest.approx(truth, abs=0.01)


def test_photos_that_are_all_right_may_yet_be_less_sure_than_they_say():
    """Forty of forty: Wilson's interval of a share of 1 ends at 91 %."""
    found = calibration_error(np.ones(40), np.ones(40, bool), 15)
    assert (found.value, found.low) == (0, 0)
    assert found.high == pytest.approx(1 - wilson(1, 40)[0], abs=0.01)


def test_calibration_error_by_chance_is_passed_by_5_of_100_calibrated_models():
    """Of photos in one bin it is known: how far 2,000 throws of a coin lie from their chance."""
    gaps = np.abs(stats.binom(2000, 0.7).rvs(20_000, random_state=0) / 2000 - 0.7)
    found = error_when_calibrated(np.full(2000, 0.7), 15)
    assert found == pytest.approx(np.quantile(gaps, 0.95), rel=0.06)


def test_a_photo_beside_its_copy_counts_once():
    """Everything that has an interval is as it was when each photo has a copy in its group."""
    probabilities, truth = drawn(9, 150, 2.0)
    once = predictions_of(probabilities, truth, groups=range(150))
    section = Calibrate(abstain_at=0.2, bins=10)
    twice = Predictions.joined([once, once])
    first, second = calibrate.fit(section, once), calibrate.fit(section, twice)
    apart = calibrate.fit(section, Predictions(twice.table, twice.vocab))
    assert (first.pop("photos"), second.pop("photos"), apart.pop("photos")) == (150, 300, 300)
    for name in ("before", "after"):
        bins, doubled = first[name].pop("reliability"), second[name].pop("reliability")
        for one, two in zip(bins, doubled, strict=True):
            assert two == pytest.approx(one | {"photos": 2 * one["photos"]})
        for key, value in first[name].items():
            assert second[name][key] == pytest.approx(value)
        assert apart[name]["calibration_error_interval"] != pytest.approx(
            first[name]["calibration_error_interval"], abs=1e-3
        )
    for key, value in first["abstain"].items():
        assert second["abstain"][key] == pytest.approx(value)
    assert second["temperature"] == pytest.approx(first["temperature"])
    assert apart["abstain"]["threshold"] < first["abstain"]["threshold"]


def test_facts_of_a_model_that_is_too_sure(facts, too_sure):
    raw, truth = too_sure.probabilities, too_sure.truth
    right = raw.argmax(axis=1) == truth
    assert facts["photos"] == 600
    assert facts["temperature"] == pytest.approx(2, rel=0.15)
    for name, shares in (("before", raw), ("after", at_temperature(raw, facts["temperature"]))):
        found, sure = facts[name], shares.max(axis=1)
        assert found["calibration_error_seen"] == expected_calibration_error(sure, right, 7)
        ends = found["calibration_error_interval"]
        assert (found["calibration_error"], *ends) == calibration_error(sure, right, 7)
        assert found["calibration_error_by_chance"] == error_when_calibrated(sure, 7)
        assert found["loss"] == pytest.approx(log_loss(truth, shares / shares.sum(axis=1, keepdims=True)))
        assert found["reliability"] == reliability(sure, right, 7).to_dict("records")
        assert sum(row["photos"] for row in found["reliability"]) == 600
    before, after = facts["before"], facts["after"]
    assert before["calibration_error_interval"][0] > before["calibration_error_by_chance"] / 2
    assert after["calibration_error"] < after["calibration_error_by_chance"]
    assert after["calibration_error_interval"][0] == 0
    assert after["loss"] < before["loss"]
    assert "NaN" not in json.dumps(facts)


def test_the_threshold_is_one_for_probabilities_after_the_temperature(facts, too_sure):
    raw, truth = too_sure.probabilities, too_sure.truth
    calibrated = at_temperature(raw, facts["temperature"]).max(axis=1)
    right = raw.argmax(axis=1) == truth
    expected = abstain_at(0.1, calibrated, right)
    promise = {"error_wanted": 0.1, "delta": DELTA, "least_photos": fewest_photos(0.1)}
    assert facts["abstain"] == promise | vars(expected)
    assert facts["abstain"]["threshold"] < abstain_at(0.1, raw.max(axis=1), right).threshold - 0.05
    assert facts["risk_coverage_area"] == area_under_risk_coverage(risk_coverage(calibrated, right))
    points, whole = facts["risk_coverage"], risk_coverage(calibrated, right)
    assert len(points) == 200
    assert (points[0], points[-1]) == (whole.iloc[0].to_dict(), whole.iloc[-1].to_dict())
    assert points[-1]["risk"] == pytest.approx((~right).mean())


def test_without_the_key_every_photo_is_answered(too_sure):
    assert calibrate.fit(Calibrate(), too_sure)["abstain"] is None


def test_figures_show_the_bins_before_and_after_and_the_chosen_point(facts):
    found = calibrate.figures(facts)
    shown = found["reliability"].axes
    assert [axes.get_title() for axes in shown[:2]] == [
        "as trained",
        f"at temperature {facts['temperature']:.2f}",
    ]
    for axes, name in zip(shown, ("before", "after"), strict=False):
        (points, *_) = axes.containers[0]
        bins = pd.DataFrame(facts[name]["reliability"])
        assert points.get_xydata() == pytest.approx(bins[["confidence", "accuracy"]].to_numpy())
    (axes,) = found["risk_coverage"].axes
    assert axes.lines[0].get_ydata()[-1] == facts["risk_coverage"][-1]["risk"]
    (chosen, *_) = axes.containers[0]
    point = facts["abstain"]
    assert chosen.get_xydata().tolist() == [[point["coverage"], point["error"]]]
    nowhere = {"threshold": None, "coverage": 0.0, "error": None, "error_interval": None}
    for nothing in (None, nowhere):
        (axes,) = calibrate.figures({**facts, "abstain": nothing})["risk_coverage"].axes
        assert not axes.containers


def test_all_right_leaves_the_temperature_alone():
    truth = np.arange(30) % 4
    probabilities = np.where(np.arange(4) == truth[:, None], 0.7, 0.1)
    facts = calibrate.fit(Calibrate(abstain_at=0.3), predictions_of(probabilities, truth))
    assert facts["temperature"] == 1
    assert (facts["abstain"]["coverage"], facts["abstain"]["error"]) == (1, 0)
    assert "NaN" not in json.dumps(facts)


def test_risk_coverage_answers_the_surest_first():
    confidence, right = np.array([0.9, 0.6, 0.8, 0.6]), np.array([True, False, True, True])
    curve = risk_coverage(confidence, right)
    assert curve["threshold"].tolist() == [0.9, 0.8, 0.6]
    assert curve["coverage"].tolist() == [0.25, 0.5, 1.0]
    assert curve["risk"].tolist() == [0, 0, 0.25]
    assert area_under_risk_coverage(risk_coverage(confidence, right)) == 0.125


@pytest.mark.parametrize("copies", [1, 3])
def test_the_promised_error_is_exceeded_on_fresh_photos_in_at_most_one_run_of_twenty(copies):
    sure_later, right_later = answers(4, 50_000)
    exceeded, promised = 0, 0
    for seed in range(60):
        sure, right = answers(100 + seed, 400)
        sure, right, groups = (np.repeat(each, copies) for each in (sure, right, np.arange(400)))
        found = abstain_at(0.25, sure, right, groups)
        if found.threshold is not None:
            promised += 1
            exceeded += (1 - right_later[sure_later >= found.threshold].mean()) > 0.25
    assert promised >= 50
    assert exceeded <= 3


def test_the_best_of_ten_epochs_answers_less_and_needs_more_photos(too_sure):
    one, ten = (calibrate.fit(Calibrate(abstain_at=0.1), too_sure, epochs)["abstain"] for epochs in (1, 10))
    assert one["threshold"] < ten["threshold"]
    assert one["coverage"] > ten["coverage"]
    assert (one["least_photos"], ten["least_photos"]) == (39, 61)


def test_copies_promise_nothing_more():
    sure, right = answers(3, 300)
    found = abstain_at(0.1, np.tile(sure, 2), np.tile(right, 2), np.tile(np.arange(300), 2))
    assert found == abstain_at(0.1, sure, right)


def test_too_few_photos_promise_nothing():
    none = Abstention(None, 0.0, None, None)
    assert abstain_at(0.05, np.full(70, 0.9), np.ones(70, bool)) == none
    assert fewest_photos(0.05) == 80
    enough = abstain_at(0.05, np.full(80, 0.9), np.ones(80, bool))
    assert (enough.coverage, enough.error, enough.error_interval) == (1, 0, [0, 0.05])
    assert enough.threshold <= 0.9
    assert abstain_at(0.05, np.full(200, 0.9), np.arange(200) < 170) == none


def test_photos_of_no_class_that_are_accepted():
    unknown, known = np.array([0.2, 0.7, 0.95, 0.3]), np.array([0.9, 0.99, 0.8])
    result = unknown_accepted(unknown, known, threshold=0.7)
    assert (result["photos"], result["accepted"], result["accepted_share"]) == (4, 2, 0.5)
    assert result["auroc"] == pytest.approx(10 / 12)
    assert result["accepted_share_interval"] == pytest.approx(wilson(0.5, 4).tolist())


def test_photos_of_no_class_are_judged_beside_the_validation_photos(facts, too_sure):
    unknown = np.array([0.3, facts["abstain"]["threshold"], 0.999])
    known = at_temperature(too_sure.probabilities, facts["temperature"]).max(axis=1)
    found = calibrate.unknown(unknown, too_sure, facts, None)
    assert (found["error_wanted"], found["threshold"]) == (0.1, facts["abstain"]["threshold"])
    assert found | unknown_accepted(unknown, known, found["threshold"]) == found
    assert found["accepted"] == 2
    other = calibrate.unknown(unknown, too_sure, facts, 0.3)
    right = too_sure.right
    assert (other["error_wanted"], other["threshold"]) == (0.3, abstain_at(0.3, known, right).threshold)
    assert other["threshold"] < found["threshold"]
    wrong = too_sure.table["predicted"].map(dict(zip(VOCAB, VOCAB[1:] + VOCAB[:1], strict=True)))
    nothing = calibrate.unknown(unknown, Predictions(too_sure.table.assign(truth=wrong), VOCAB), facts, 0.3)
    assert (nothing["threshold"], nothing["accepted"]) == (None, 0)
    with pytest.raises(InputError, match=r"--abstain-at 0\.05"):
        calibrate.unknown(unknown, too_sure, {**facts, "abstain": None}, None)


def test_a_threshold_that_is_chosen_afterwards_is_that_of_fit():
    probabilities, truth = drawn(5, 800, 1.0)
    predictions = predictions_of(probabilities, truth, groups=np.repeat(range(400), 2))
    fitted = calibrate.fit(Calibrate(abstain_at=0.2), predictions)
    later = calibrate.unknown(np.array([0.5]), predictions, {**fitted, "abstain": None}, 0.2)
    assert later["threshold"] == fitted["abstain"]["threshold"] is not None


def test_no_validation_photos_is_a_sentence():
    tested = predictions_of(np.full((3, 4), 0.25), np.arange(3), split="test")
    with pytest.raises(InputError, match="There are no predictions for photos of the part `valid`"):
        calibrate.fit(Calibrate(), tested.part("valid"))


def test_a_label_set_counts_the_photo_to_come_as_one_more():
    """Of 19 photos the least sure right label is where 95 % begin; 99 % take 99 photos."""
    right = np.linspace(0.1, 0.91, 19)
    rows, truth = np.stack([right, 1 - right], axis=1), np.zeros(19, int)
    found = least_probable(rows, truth)
    assert found["0.95"] == pytest.approx(right[0])
    assert found["0.9"] == pytest.approx(right[1])
    assert found["0.99"] is None
    assert least_probable(rows[:18], truth[:18])["0.95"] is None
    copied = [np.repeat(each, 3, axis=0) for each in (rows, truth, np.arange(19))]
    assert least_probable(*copied) == found
