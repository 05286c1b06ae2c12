"""A plain fastai script beside this pipeline, each in a process of its own."""

import pytest

from kimchi_vision.base.errors import InputError, RunError
from kimchi_vision.config import Experiment
from kimchi_vision.config.sections import Train
from kimchi_vision.jobs import bench
from kimchi_vision.jobs.bench import plain
from kimchi_vision.results import plots


@pytest.fixture
def experiment(folder_of):
    given = {
        "name": "mine",
        "data": {"path": folder_of({"갓김치": 10, "백김치": 10}), "splitter": "stratified"},
        "augment": {"resize": 48, "size": 32, "min_scale": 0.75},
        "loader": {"batch_size": 8, "workers": 0},
        "model": {"backbone": "timm:test_efficientnet", "weights": "none"},
        "train": ["lr_find", {"fine_tune": {"epochs": 1}}, {"fit_one_cycle": {"epochs": 1}}],
    }
    return Experiment.model_validate(given)


@pytest.mark.slow
def test_every_part_is_measured_of_both_ways(experiment):
    result = bench.bench(experiment)
    for way in ("plain", "here"):
        assert {*bench.RATES, *bench.SECONDS} <= set(result[way])
        assert min(result[way][name] for name in (*bench.RATES, *bench.SECONDS, "memory")) > 0
    assert result["here"]["frozen_bn"] > 0
    spoken = bench.text(result)
    assert all(label in spoken for label in (*bench.RATES.values(), *bench.SECONDS.values()))
    assert plots.seconds(bench.seconds(result)).axes[0].get_legend() is not None


@pytest.mark.slow
def test_the_experiments_own_stages(experiment):
    result = bench.bench(experiment, whole=True)
    assert set(result["ratio"]) == {*bench.SECONDS, "memory"} - {"single"}


@pytest.mark.parametrize("stage", [{"fit": {"epochs": 1}}, "unfreeze"])
def test_each_stage_is_a_method_of_the_learner(tiny_learner, stage):
    section = Train(stages=[stage])
    learn, _ = tiny_learner(section)
    plain.fit(learn, section.stages)


def test_a_stage_that_fastai_does_not_have(tiny_learner):
    section = Train(stages=["probe"])
    learn, _ = tiny_learner(section)
    with pytest.raises(InputError, match=r"no probe; leave out --whole"):
        plain.fit(learn, section.stages)


def test_an_error_of_the_process_is_told(experiment):
    with pytest.raises(RunError, match=r"ended early \(plain\).*resnet19"):
        bench.bench(experiment.on_top_of({}).model_copy(update={"model": _unknown(experiment)}))


def _unknown(experiment):
    return experiment.model.model_copy(update={"backbone": "resnet19"})


@pytest.mark.parametrize(
    ("found", "bound"),
    [
        ({"kernel": 0.5, "waiting": 0.5}, "memory"),
        ({"kernel": 0.1, "waiting": 0.05}, "compute"),
        ({"kernel": 0.1, "waiting": 0.5, "photo": 100, "augmentation": 900}, "decode"),
        ({"kernel": 0.1, "waiting": 0.5, "photo": 5000, "augmentation": 900}, "augmentation"),
    ],
)
def test_what_bounds_a_training(found, bound):
    assert bench.bounded_by(found).startswith(bound)


def test_seconds_until_the_accuracy_that_both_reach():
    slow, quick = ({"reached": curve} for curve in ([(10, 0.4), (20, 0.6)], [(2, 0.5), (4, 0.7), (6, 0.65)]))
    bench.until_shared_accuracy(slow, quick)
    assert (slow, quick) == ({"accuracy": 20}, {"accuracy": 4})
