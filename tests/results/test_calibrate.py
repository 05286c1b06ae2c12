import json

import numpy as np
import pandas as pd
import pytest
import torch

from kimchi_vision.base.errors import InputError
from kimchi_vision.config.sections import Calibrate
from kimchi_vision.results import calibrate
from kimchi_vision.results.calibrate.abstain import (
    abstain_at,
    area_under_risk_coverage,
    risk_coverage,
    unknown_accepted,
)
from kimchi_vision.results.calibrate.confidence import (
    at_temperature,
    error_when_calibrated,
    expected_calibration_error,
    fit_temperature,
    negative_log_likelihood,
    reliability,
)

VOCAB = ["김치", "ramyeon", "NA", "001"]


def drawn(seed, photos, temperature):
    """Logits whose softmax at `temperature` is the true probability of each class, and the true class."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, (photos, len(VOCAB))) * temperature
    chances = at_temperature(softmax(logits), temperature)
    truth = (chances.cumsum(axis=1) < random.random((photos, 1))).sum(axis=1)
    return logits, truth.clip(max=len(VOCAB) - 1)


def softmax(logits):
    return torch.tensor(logits).softmax(dim=1).numpy()


def table_of(probabilities, truth, split="valid"):
    names = np.array(VOCAB)
    table = pd.DataFrame(probabilities, columns=[f"p:{label}" for label in VOCAB])
    predicted = names[probabilities.argmax(axis=1)]
    paths = [f"{number}.jpg" for number in range(len(truth))]
    return table.assign(path=paths, split=split, truth=names[truth], predicted=predicted)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_temperature_agrees_with_lbfgs_on_logits(temperature):
    logits, truth = drawn(1, 800, temperature)
    scores, labels = torch.tensor(logits), torch.tensor(truth)
    coldness = torch.ones(1, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS(
        [coldness], max_iter=200, tolerance_grad=1e-12, tolerance_change=1e-15, line_search_fn="strong_wolfe"
    )

    def closure():
        optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(coldness * scores, labels)
        loss.backward()
        return loss

    loss = optimiser.step(closure)
    for _ in range(5):
        loss = optimiser.step(closure)
    found = fit_temperature(softmax(logits), truth)
    assert found == pytest.approx(1 / coldness.item(), abs=1e-6)
    cooled = at_temperature(softmax(logits), found)
    assert negative_log_likelihood(cooled, truth) == pytest.approx(loss.item(), abs=1e-6)
    assert found == pytest.approx(temperature, rel=0.15)


def test_calibration_error_agrees_with_the_definition():
    logits, truth = drawn(2, 700, 2.0)
    probabilities = torch.tensor(logits).softmax(dim=1)
    confidence, predicted = probabilities.max(dim=1)
    right = predicted.eq(torch.tensor(truth))
    expected = 0.0
    for edge in range(15):
        inside = (confidence > edge / 15) & (confidence <= (edge + 1) / 15)
        if inside.any():
            gap = right[inside].double().mean() - confidence[inside].mean()
            expected += inside.double().mean().item() * abs(gap.item())
    assert expected_calibration_error(confidence.numpy(), right.numpy(), 15) == pytest.approx(
        expected, abs=1e-6
    )


def test_a_bin_holds_its_upper_edge_and_certainty_has_one():
    confidence, right = np.array([0.5, 0.51, 1.0, 1.0000001]), np.array([True, False, True, True])
    table = reliability(confidence, right, bins=2)
    assert table["photos"].tolist() == [1, 3]
    assert table["accuracy"].tolist() == pytest.approx([1, 2 / 3])
    assert (table["accuracy_low"] < table["accuracy"]).all()


def test_calibration_error_by_chance_is_rarely_passed_by_a_calibrated_model():
    passed = 0
    for seed in range(50):
        logits, truth = drawn(seed, 200, 1.0)
        confidence, right = softmax(logits).max(axis=1), softmax(logits).argmax(axis=1) == truth
        passed += expected_calibration_error(confidence, right, 15) > error_when_calibrated(confidence, 15)
    # A share of 0.05 passes 7 of 50 trials once in a hundred times.
    assert passed <= 7


def test_facts_of_a_model_that_is_too_sure():
    logits, truth = drawn(3, 1500, 2.0)
    predictions = table_of(softmax(logits), truth)
    facts = calibrate.fit(Calibrate(abstain_at=0.1), predictions, VOCAB, predictions[["path"]])
    assert facts["temperature"] == pytest.approx(2, rel=0.1)
    before, after = facts["before"], facts["after"]
    assert before["calibration_error_interval"][0] > before["calibration_error_by_chance"] / 2
    assert after["calibration_error"] < after["calibration_error_by_chance"]
    assert after["calibration_error_interval"][0] == 0
    assert after["loss"] < before["loss"]
    assert facts["abstain"]["error_wanted"] == 0.1
    assert "NaN" not in json.dumps(facts)


def test_figures_show_the_bins_before_and_after():
    logits, truth = drawn(5, 1100, 2.0)
    predictions = table_of(softmax(logits), truth)
    facts = calibrate.fit(Calibrate(abstain_at=0.1), predictions, VOCAB, predictions[["path"]])
    found = calibrate.figures(facts)
    titles = [axes.get_title() for axes in found["reliability"].axes[:2]]
    assert titles == ["as trained", f"at temperature {facts['temperature']:.2f}"]
    (line, *_) = found["risk_coverage"].axes[0].lines
    assert line.get_ydata()[-1] == pytest.approx((softmax(logits).argmax(axis=1) != truth).mean())
    assert len(facts["risk_coverage"]) == 200


def test_all_right_leaves_the_temperature_alone():
    probabilities = np.full((30, 4), 0.1)
    truth = np.arange(30) % 4
    probabilities[np.arange(30), truth] = 0.7
    assert fit_temperature(probabilities, truth) == 1.0
    predictions = table_of(probabilities, truth)
    facts = calibrate.fit(Calibrate(abstain_at=0.05), predictions, VOCAB, predictions[["path"]])
    assert facts["abstain"]["coverage"] == 1
    assert facts["abstain"]["error"] == 0
    assert "NaN" not in json.dumps(facts)


def test_risk_coverage_answers_the_surest_first():
    confidence, right = np.array([0.9, 0.6, 0.8, 0.6]), np.array([True, False, True, True])
    curve = risk_coverage(confidence, right)
    assert curve["threshold"].tolist() == [0.9, 0.8, 0.6]
    assert curve["coverage"].tolist() == [0.25, 0.5, 1.0]
    assert curve["risk"].tolist() == [0, 0, 0.25]
    assert area_under_risk_coverage(confidence, right) == 0.125


def test_the_threshold_keeps_its_error_on_photos_that_come_later():
    """The interval covers the true error of the threshold, known here from very many photos."""
    logits, truth = drawn(4, 50_000, 1.0)
    sure_later, right_later = softmax(logits).max(axis=1), softmax(logits).argmax(axis=1) == truth
    covered, errors = 0, []
    for seed in range(100):
        logits, truth = drawn(100 + seed, 600, 1.0)
        found = abstain_at(0.1, softmax(logits).max(axis=1), softmax(logits).argmax(axis=1) == truth)
        later = 1 - right_later[sure_later >= found.threshold].mean()
        errors.append(later)
        covered += found.error_interval[0] <= later <= found.error_interval[1]
    assert np.mean(errors) == pytest.approx(0.1, abs=0.015)
    assert covered >= 90


def test_no_threshold_is_said_and_not_made_up():
    found = abstain_at(0.01, np.array([0.9, 0.8]), np.array([False, True]))
    assert (found.threshold, found.coverage, found.error) == (None, 0.0, None)


def test_photos_of_no_class_that_are_accepted():
    result = unknown_accepted(np.array([0.2, 0.3, 0.95]), np.array([0.9, 0.99, 0.8]), threshold=0.7)
    assert (result["photos"], result["accepted"]) == (3, 1)
    assert result["auroc"] == pytest.approx(7 / 9)
    low, high = result["accepted_share_interval"]
    assert low < 1 / 3 < high


def test_no_validation_photos_is_a_sentence():
    predictions = table_of(np.full((3, 4), 0.25), np.arange(3), split="test")
    with pytest.raises(InputError, match="no validation photos"):
        calibrate.fit(Calibrate(), predictions, VOCAB, predictions[["path"]])
