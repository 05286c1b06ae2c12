from unittest.mock import Mock

import pytest

from kimchi_vision.base.errors import RunError
from kimchi_vision.config import Experiment
from kimchi_vision.jobs.rank_backbones import scout
from kimchi_vision.learning import linear_probe
from kimchi_vision.results.intervals import wilson


@pytest.fixture
def experiment(folder_of):
    plain = {
        "name": "mine",
        "data": {"path": folder_of({"갓김치": 8, "백김치": 8}), "splitter": "stratified"},
        "augment": {"resize": 40, "size": 32},
        "loader": {"batch_size": 4, "workers": 0},
        "model": {"weights": "none"},
        "recipe": "quick",
    }
    return Experiment.model_validate(plain)


def test_backbones_are_ranked_and_one_that_cannot_be_used_is_passed_over(experiment, caplog, monkeypatch):
    computed, crossed = Mock(wraps=linear_probe.compute), Mock(wraps=linear_probe.cross_validated)
    monkeypatch.setattr(linear_probe, "compute", computed)
    monkeypatch.setattr(linear_probe, "cross_validated", crossed)
    found = scout(experiment, ["resnet18", "resnet19", "timm:test_resnet", "resnet18"])
    assert sorted(found["backbone"]) == ["resnet18", "timm:test_resnet"]
    # Each sees photos as it was trained.
    means = [call.args[3].mean for call in computed.call_args_list]
    assert means == [pytest.approx((0.485, 0.456, 0.406)), (0.5, 0.5, 0.5)]
    _, photos, *_ = computed.call_args.args
    assert crossed.call_args.args[3].tolist() == photos.part("train")["group"].tolist()  # copies share a fold
    assert found["parameters"].nunique() == 2
    assert found["accuracy"].is_monotonic_decreasing
    expected = wilson(found["accuracy"].to_numpy(), 12)
    assert found[["low", "high"]].to_numpy() == pytest.approx(expected)
    assert (found["photos"] == 12).all()
    assert "resnet19 is passed over" in caplog.text


def test_no_backbone_at_all(experiment):
    with pytest.raises(RunError, match="No backbone could be used"):
        scout(experiment, ["resnet19"])
