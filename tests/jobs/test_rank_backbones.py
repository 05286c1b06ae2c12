import pytest

from kimchi_vision.base.errors import RunError
from kimchi_vision.config import Experiment
from kimchi_vision.jobs.rank_backbones import scout


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


def test_backbones_are_ranked_and_one_that_cannot_be_used_is_passed_over(experiment, caplog):
    found = scout(experiment, ["resnet18", "resnet19", "timm:resnet10t", "resnet18"])
    assert sorted(found["backbone"]) == ["resnet18", "timm:resnet10t"]
    assert found["accuracy"].is_monotonic_decreasing
    assert (found["low"] <= found["accuracy"]).all()
    assert (found["photos"] == 12).all()
    assert "resnet19 is passed over" in caplog.text


def test_no_backbone_at_all(experiment):
    with pytest.raises(RunError, match="No backbone could be used"):
        scout(experiment, ["resnet19"])
