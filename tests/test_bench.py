"""A plain fastai script beside this pipeline, each in a process of its own."""

import json
import os
import subprocess
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from benchmarks import bench
from benchmarks.bench import plain
from kimchi_vision.base.errors import InputError, RunError
from kimchi_vision.base.messages import catalogue
from kimchi_vision.cli import measure
from kimchi_vision.config import Experiment, load
from kimchi_vision.config.sections import Train


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
    spoken = bench.text(result, catalogue("en"))
    assert all(str(label) in spoken for label in (*bench.RATES.values(), *bench.SECONDS.values()))
    assert bench.drawn(bench.seconds(result)).axes[0].get_legend() is not None


@pytest.mark.slow
def test_the_experiments_own_stages(experiment):
    result = bench.bench(experiment, whole=True)
    assert set(result["ratio"]) == {*bench.SECONDS, "memory"} - {"single"}


@pytest.fixture
def measured(monkeypatch):
    """The measurements that a bench asks for; what is measured is its number, from 1."""
    asked = []

    def measure(command, env, **options):
        *_, way, file, extent = command
        asked.append((way, load(Path(file)), extent, env))
        names = [*bench.RATES, *bench.SECONDS, *bench.PARTS, "memory", "kernel", "waiting"]
        found = dict.fromkeys(names, len(asked)) | {"reached": [(10 * len(asked), 0.5)]}
        return subprocess.CompletedProcess(command, 0, f"said before\n{json.dumps(found)}\n", "")

    monkeypatch.setattr("benchmarks.bench.subprocess.run", measure)
    return asked


def test_the_two_ways_take_turns_and_medians_are_compared(experiment, measured):
    result = bench.bench(experiment, repeats=3)
    assert [way for way, *_ in measured] == ["plain", "here"] * 3
    assert (result["plain"]["decode"], result["here"]["decode"]) == (3, 4)
    assert (result["plain"]["accuracy"], result["here"]["accuracy"]) == (30, 40)
    ratios = dict.fromkeys(bench.RATES, 4 / 3) | dict.fromkeys(bench.SECONDS, 3 / 4) | {"memory": 4 / 3}
    assert result["ratio"] == pytest.approx(ratios)
    assert result["repeats"] == 3
    parts = bench.seconds(result)
    assert parts["plain fastai script"] == dict.fromkeys(bench.PARTS.values(), 3)
    assert parts["kimchi_vision"] == dict.fromkeys(bench.PARTS.values(), 4)


@pytest.mark.parametrize("whole", [False, True])
def test_both_ways_train_the_same_each_in_its_own_way(experiment, measured, whole):
    bench.bench(experiment, 1, whole)
    (_, plain, extent, outside), (_, here, _, inside) = measured
    assert (plain.augment.engine, here.augment.engine) == ("fastai", "fused")
    assert plain.train == here.train
    assert (plain.train == experiment.train, extent) == ((True, "training") if whole else (False, "all"))
    assert (plain.data, here.loader, here.model) == (experiment.data, experiment.loader, experiment.model)
    assert (outside["KIMCHI_MALLOC"], inside.get("KIMCHI_MALLOC")) == ("off", os.environ.get("KIMCHI_MALLOC"))
    assert outside["KIMCHI_CACHE"] != inside["KIMCHI_CACHE"]


def test_each_stage_is_a_method_of_the_learner(tiny_learner):
    fit = {"epochs": 1, "lr": [1e-3, 3e-3], "wd": 0.3}
    section = Train(stages=["unfreeze", {"fit": fit}, {"fine_tune": {"epochs": 1, "lr_mult": 7}}])
    ours, _ = tiny_learner(section)
    plain.fit(ours, section.stages)
    theirs, _ = tiny_learner(section)
    with theirs.no_bar(), theirs.no_logging():
        theirs.unfreeze()
        theirs.fit(1, slice(1e-3, 3e-3), wd=0.3)
        theirs.fine_tune(1, lr_mult=7)
    for one, other in zip(ours.model.parameters(), theirs.model.parameters(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize(
    ("stages", "said"),
    [
        (["probe"], "a plain script has no probe; leave out --whole"),
        (
            ["lr_find", {"fit": {"epochs": 1, "lr": "auto"}}],
            "a plain script has no rate `auto`; give a number",
        ),
    ],
)
def test_a_stage_that_fastai_does_not_have(stages, said):
    with pytest.raises(InputError, match=said):
        plain.fit(
            SimpleNamespace(no_bar=nullcontext, no_logging=nullcontext, lr_find=dict, fit=dict),
            Train(stages=stages).stages,
        )


def test_an_error_of_the_process_is_told(experiment, monkeypatch):
    failed = subprocess.CompletedProcess([], 1, "", "Traceback\nModelError: there is no resnet19\n")
    monkeypatch.setattr("benchmarks.bench.subprocess.run", lambda *command, **options: failed)
    with pytest.raises(RunError, match=r"ended early \(plain\): ModelError: there is no resnet19$"):
        bench.bench(experiment)


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


def test_seconds_draws_a_bar_a_way_with_its_total():
    figure = bench.drawn({"plain": {"data": 3.0, "steps": 5.0}, "here": {"data": 0.5, "steps": 1.5}})
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.texts] == ["8 s", "2 s"]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["plain", "here"]


def test_bench_says_that_it_needs_a_clone(tmp_path, monkeypatch):
    monkeypatch.setattr(measure, "__file__", str(tmp_path / "site-packages/kimchi_vision/cli/measure.py"))
    with pytest.raises(InputError, match="`bench` measures a clone"):
        measure._benchmarks()
