import re

import numpy as np
import pandas as pd
import pytest

from kimchi_vision.base.errors import ConfigError, InputError
from kimchi_vision.base.files import write_json, write_text
from kimchi_vision.base.messages import catalogue
from kimchi_vision.config import Experiment, dump
from kimchi_vision.config.sections import Goals
from kimchi_vision.results import goals, plots
from kimchi_vision.results.intervals import wilson
from kimchi_vision.results.run import Run
from kimchi_vision.results.scores import METRICS, Score, recorded


def outcomes(section, metrics):
    metrics = {"accuracy": 0.95, "photos": 200, **metrics}
    return goals.outcomes(section, metrics, recorded(metrics))


@pytest.mark.parametrize(
    ("interval", "said"),
    [
        ([0.95, 0.99], "met"),
        ([0.93, 0.961], "cannot tell"),
        ([0.93, 0.95], "cannot tell"),
        ([0.9, 0.949], "missed"),
        (None, "cannot tell"),
    ],
)
def test_an_accuracy_is_judged_by_its_interval(interval, said):
    assert outcomes(Goals(accuracy=0.95), {"accuracy_interval": interval}) == {"accuracy": said}


@pytest.mark.parametrize(
    ("interval", "said"),
    [
        ([0.1, 0.3], "met"),
        ([0.1, 0.31], "cannot tell"),
        ([0.3, 0.4], "cannot tell"),
        ([0.31, 0.4], "missed"),
        (None, "cannot tell"),
    ],
)
def test_a_score_that_is_better_when_lower_has_to_be_below_its_goal(interval, said):
    measured = {"loss": 0.2, "loss_interval": interval}
    assert outcomes(Goals(loss=0.3), measured) == {"loss": said}


def test_a_goal_that_is_no_score_is_named_with_the_nearest():
    goals.check(Goals(fps=20, macro_f1=0.9))
    with pytest.raises(ConfigError, match=r"goals: there is no score `macro_f`. Did you mean macro_f1\?"):
        goals.check(Goals(macro_f=0.9))


@pytest.mark.parametrize(
    ("latency", "said"),
    [
        ({"p50": 20, "p95": 25}, "met"),
        ({"p50": 20, "p95": 26}, "cannot tell"),
        ({"p50": 25, "p95": 60}, "cannot tell"),
        ({"p50": 26, "p95": 60}, "missed"),
        ({"p50": 10}, "not measured"),
        ({"p50": None, "p95": None}, "not measured"),
        (None, "not measured"),
    ],
)
def test_a_speed_is_judged_by_median_and_slow_photos(latency, said):
    assert outcomes(Goals(fps=40), {"latency_ms": latency}) == {"fps": said}


def test_the_best_of_fifty_lucky_rows_does_not_meet_a_goal():
    """Every row is truly at 0.89, so that no goal of 0.9 is met; alone, each is held to 95 %."""
    random = np.random.default_rng(0)
    goal, lucky = Goals(accuracy=0.9), {1: 0, 50: 0}
    for _ in range(40):
        tables = [
            {"accuracy": hits / 400, "accuracy_interval": wilson(hits / 400, 400).tolist(), "photos": 400}
            for hits in random.binomial(400, 0.89, 50)
        ]
        for rows in lucky:
            met = [goals.outcomes(goal, each, recorded(each), rows)["accuracy"] == "met" for each in tables]
            lucky[rows] += any(met)
    assert lucky[50] <= 2 < lucky[1]


def test_beside_other_rows_an_interval_is_that_of_its_level():
    for value in (0.9, 1.0, 0.0):
        score = Score(METRICS["accuracy"], value, *wilson(value, 400), 400)
        assert score.wider(0.0125) == pytest.approx(wilson(value, 400, 0.025))
    lossy = {"loss": 0.4, "loss_interval": [0.3, 0.495], "photos": 400}
    said = [goals.outcomes(Goals(loss=0.5), lossy, recorded(lossy), rows)["loss"] for rows in (1, 10)]
    assert said == ["met", "cannot tell"]


def test_no_goal_has_no_outcome():
    assert outcomes(Goals(), {"accuracy_interval": [0.9, 0.95]}) == {}


@pytest.fixture
def runs(tmp_path):
    """One that was measured, with both goals; one that was not; and one with a goal for accuracy alone."""
    known = {"photos": 900, "accuracy": 0.96, "accuracy_interval": [0.951, 0.97]}
    known |= {"model": {"parameters": 11_000_000}}
    measured = {
        "latency_ms": {"p50": 50.25, "p95": 90.5},
        "photos_per_second": 21.5,
        "peak_memory_mb": 1234,
        "train": {"seconds": 90},
    }
    found = [Run(tmp_path / name) for name in ("old", "new", "bare")]
    wanted = [{}, {"accuracy": 0.95, "fps": 30}, {"accuracy": 0.99}]
    for run, section, facts in zip(found, wanted, ({"train": {}}, measured, {}), strict=True):
        write_json(run.files.metrics, {**known, **facts})
        plain = {"data": {"path": "photos"}, "train": ["lr_find"], "goals": section}
        experiment = Experiment.model_validate({"name": run.name, **plain})
        write_text(run.files.experiment, dump(experiment.resolved()))
    found[1].files.onnx.write_bytes(bytes(45_678_901))
    found[1].files.pkl.write_bytes(bytes(9))
    write_json(found[2].files.metrics, {"photos": 900, "accuracy": 0.5})
    return found


def test_the_decision_table_has_none_for_what_was_not_measured(runs):
    old, new, bare = goals.decision(runs).to_dict("records")
    assert new == {
        "run": "new",
        "part": "valid",
        "accuracy": 0.96,
        "low": 0.951,
        "high": 0.97,
        "p50_ms": 50.25,
        "p95_ms": 90.5,
        "photos_per_second": 21.5,
        "parameters": 11_000_000,
        "file_mb": 45.7,
        "peak_memory_mb": 1234,
        "train_minutes": 1.5,
        "goal_accuracy": "met",
        "goal_fps": "missed",
    }
    empty = {**dict.fromkeys(new), "part": "valid"}
    known = {"run": "old", "accuracy": 0.96, "low": 0.951, "high": 0.97, "parameters": 11_000_000}
    assert old == {**empty, **known}
    assert bare == {**empty, "run": "bare", "accuracy": 0.5, "goal_accuracy": "cannot tell"}
    runs[0].files.metrics.unlink()
    with pytest.raises(InputError, match=r"metrics.json is missing"):
        goals.decision([Run(runs[0].path)])


def test_files_for_other_runtimes_have_their_lines(runs):
    written = {"bytes": 3_456_789, "milliseconds": 7.25}
    proofs = {"model.tflite": written, "model.coreml.zip": {"bytes": 9_000_000}}
    write_json(runs[1].files.export, {**proofs, "model.openvino.xml": {"refused": "an operator"}})
    shown = goals.lines(goals.decision(runs), catalogue("en"))
    assert shown["Network in LiteRT, median, ms"] == ["–", "7.2", "–"]
    assert (shown["LiteRT file, MB"][1], shown["Core ML file, MB"][1]) == ("3.5", "9.0")
    assert not any("OpenVINO" in title for title in shown)


def test_a_run_that_trained_nothing_took_no_time(runs):
    write_json(runs[0].files.metrics, {"photos": 9, "accuracy": 1, "train": {"seconds": 0}})
    assert goals.decision(runs)["train_minutes"].tolist() == [0, 1.5, None]


def test_the_goals_are_those_of_the_first_run_that_has_any(runs):
    assert goals.wanted(runs) == {"accuracy": 0.95, "fps": 30}
    assert goals.wanted(runs[:1]) == {}


def test_outcomes_are_a_sentence_a_run_that_has_goals(runs):
    decision = goals.decision(runs)
    assert goals.sentences(decision, "en") == [
        "new: accuracy met, fps missed.",
        "bare: accuracy cannot tell.",
    ]
    assert goals.sentences(decision, "ko") == [
        "new: 정확도 목표 달성, 속도 목표 미달.",
        "bare: 정확도 목표 알 수 없음.",
    ]
    assert goals.sentences(decision) == goals.sentences(decision, "en")


def test_the_table_on_a_screen_leaves_out_what_no_run_has(runs):
    lines = goals.text(goals.decision(runs)).splitlines()
    new = {line[:42].strip(): re.split(r"  +", line[42:].strip()) for line in lines}
    assert new == {
        "": ["old", "new", "bare"],
        "Scored on": ["validation"] * 3,
        "Accuracy": ["96.0 %", "96.0 %", "50.0 %"],
        "Accuracy, low (95 %)": ["95.1 %", "95.1 %", "–"],
        "Accuracy, high (95 %)": ["97.0 %", "97.0 %", "–"],
        "Latency of one photo, median, ms": ["–", "50.2", "–"],
        "Latency of one photo, 95 of 100 below, ms": ["–", "90.5", "–"],
        "Photos a second in bulk": ["–", "21.5", "–"],
        "Parameters": ["11,000,000", "11,000,000", "–"],
        "File, MB": ["–", "45.7", "–"],
        "Peak memory, MB": ["–", "1,234", "–"],
        "Training, minutes": ["–", "1.5", "–"],
        "Goal: accuracy": ["–", "met", "cannot tell"],
        "Goal: photos a second, one by one": ["–", "missed", "–"],
    }
    korean = goals.text(goals.decision(runs[:1]), "ko").splitlines()
    assert [line.split()[0] for line in korean] == ["old", "평가", "정확도", "정확도", "정확도", "파라미터"]
    assert goals.decision(runs)["goal_accuracy"].tolist() == [None, "met", "cannot tell"]
    assert set(goals.decision(runs * 20)["goal_accuracy"].dropna()) == {"cannot tell"}  # the best of so many
    many = goals.text(goals.decision(runs * 20))
    assert len(many.splitlines()) == 14


def test_any_score_may_be_a_goal_and_has_its_own_line(runs):
    metrics = runs[1].json(runs[1].files.metrics)
    more = {"macro_f1": 0.91, "macro_f1_interval": [0.9, 0.92], "loss": 0.4, "loss_interval": [0.35, 0.45]}
    write_json(runs[1].files.metrics, metrics | more)
    plain = {"data": {"path": "photos"}, "train": ["lr_find"], "goals": {"macro_f1": 0.95, "loss": 0.5}}
    experiment = Experiment.model_validate({"name": "new", **plain})
    write_text(runs[1].files.experiment, dump(experiment.resolved()))
    decision = goals.decision([Run(runs[1].path)])
    (row,) = decision.to_dict("records")
    assert (row["macro_f1"], row["goal_macro_f1"], row["goal_loss"]) == (0.91, "missed", "met")
    assert goals.sentences(decision, "en") == ["new: macro F1 missed, loss, mean over photos met."]
    shown = goals.lines(decision, catalogue("en"))
    assert (shown["Macro F1"], shown["Loss, mean over photos"]) == (["91.0 %"], ["0.400"])
    assert (shown["Goal: macro F1"], shown["Goal: loss, mean over photos"]) == (["missed"], ["met"])


def test_files_of_some_kilobytes_are_drawn_too(tmp_path):
    columns = {"run": ["a", "b"], "accuracy": 0.9, "low": 0.8, "high": 0.95, "p50_ms": 5.0, "file_mb": 0.0}
    plots.save(plots.accuracy_latency(pd.DataFrame(columns)), tmp_path / "small.png")
    assert (tmp_path / "small.png").is_file()
