import pandas as pd
import pytest

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.files import write_json, write_text
from kimchi_vision.base.run_files import RunDir
from kimchi_vision.config import dump
from kimchi_vision.config.sections import Goals
from kimchi_vision.results import goals, plots


@pytest.mark.parametrize(
    ("interval", "said"),
    [([0.95, 0.99], "met"), ([0.93, 0.961], "cannot tell"), ([0.9, 0.949], "missed"), (None, "not measured")],
)
def test_an_accuracy_is_judged_by_its_interval(interval, said):
    assert goals.outcomes(Goals(accuracy=0.95), {"accuracy_interval": interval}) == {"accuracy": said}


@pytest.mark.parametrize(
    ("p50", "p95", "said"),
    [(20, 33, "met"), (30, 60, "cannot tell"), (40, 60, "missed"), (None, None, "not measured")],
)
def test_a_speed_is_judged_by_median_and_slow_photos(p50, p95, said):
    assert goals.outcomes(Goals(fps=30), {"latency_ms": {"p50": p50, "p95": p95}}) == {"fps": said}


def test_the_decision_table_has_none_for_what_was_not_measured(tmp_path):
    known = {"accuracy": 0.96, "accuracy_interval": [0.951, 0.97], "model": {"parameters": 11_000_000}}
    runs = [RunDir(tmp_path / "old"), RunDir(tmp_path / "new")]
    write_json(runs[0].metrics, known)
    write_json(runs[1].metrics, {**known, "latency_ms": {"p50": 50, "p95": 90}, "train": {"seconds": 90}})
    for run in runs:
        write_text(run.experiment, dump({"name": run.path.name, "goals": {"accuracy": 0.95, "fps": 30}}))
    old, new = goals.decision(runs).to_dict("records")
    assert (old["goal_accuracy"], old["goal_fps"], old["p50_ms"], old["file_mb"]) == (
        "met",
        "not measured",
        None,
        None,
    )
    assert (new["goal_fps"], new["p50_ms"], new["train_minutes"]) == ("missed", 50, 1.5)
    assert goals.sentences(goals.decision(runs)) == [
        "old: accuracy met, fps not measured.",
        "new: accuracy met, fps missed.",
    ]
    runs[0].metrics.unlink()
    with pytest.raises(InputError, match=r"metrics.json is missing"):
        goals.decision(runs)


def test_the_picture_has_a_disc_a_run_with_its_size_as_area():
    runs = pd.DataFrame(
        {
            "run": ["작은 모델", "큰 모델"],
            "accuracy": [0.9, 0.96],
            "low": [0.88, 0.95],
            "high": [0.92, 0.97],
            "p50_ms": [8.0, 60.0],
            "file_mb": [20.0, 100.0],
        }
    )
    figure = plots.accuracy_latency(runs, accuracy=0.95, fps=30)
    (discs,) = (
        c for c in figure.axes[0].collections if hasattr(c, "get_sizes") and len(c.get_offsets()) == 2
    )
    assert discs.get_sizes()[1] == pytest.approx(5 * discs.get_sizes()[0])
    assert discs.get_offsets().data.tolist() == [[8.0, 0.9], [60.0, 0.96]]
