"""Speed and memory of a model file, measured by a process of its own."""

import pandas as pd
from fake_runs import fake_run

from kimchi_vision.base.files import write_json
from kimchi_vision.config.sections import Goals
from kimchi_vision.data.photo import Photo
from kimchi_vision.deploy.runtime import speed
from kimchi_vision.jobs import table
from kimchi_vision.results import goals


def test_an_export_says_what_its_model_takes_and_on_which_machine(exported):
    metrics = exported[0].json(exported[0].files.metrics)
    latency = metrics["latency_ms"]
    assert 0 < latency["p50"] <= latency["p95"]
    assert latency["photos"] >= 20
    assert metrics["photos_per_second"] > 0
    assert 10 < metrics["peak_memory_mb"] < 200  # a process without torch, whatever started it
    assert set(metrics["machine"]) == {"processor", "cores", "threads", "system"}
    assert goals.outcomes(Goals(fps=0.001), metrics, {}) == {"fps": "met"}
    assert goals.outcomes(Goals(fps=1e9), metrics, {}) == {"fps": "missed"}


def test_few_photos_are_taken_again(exported):
    run = exported[0]
    photo = next((run.path.parents[1] / "photos" / "김치").iterdir())
    assert speed.measure(run.files.onnx, [Photo(photo)])["latency_ms"]["photos"] == 20


def test_a_table_ends_with_what_each_run_reaches_and_costs(exported, tmp_path):
    photos = exported[0].photos
    rows = {}
    for name, milliseconds in (("quick", 5), ("slow", 80)):
        run = fake_run(tmp_path / name, photos, skill=3, goals={"accuracy": 0.01, "fps": 30})
        measured = {"latency_ms": {"p50": milliseconds, "p95": 1.2 * milliseconds}, "photos_per_second": 90.0}
        machine = {"processor": "A processor", "cores": 2, "system": "Linux"}
        write_json(run.files.metrics, {**run.json(run.files.metrics), **measured, "machine": machine})
        run.files.onnx.write_bytes(b"0" * 2_000_000)
        rows[name] = [run]
    said = table.verdicts(rows, "ko")
    assert "quick: 정확도 목표 알 수 없음, 속도 목표 달성." in said
    assert "slow: 정확도 목표 알 수 없음, 속도 목표 미달." in said
    assert pd.read_csv(tmp_path / "decision.csv")["goal_fps"].tolist() == ["met", "missed"]
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "A processor (2)" in page
    assert "결정표" in page
    assert "정확도와 시간" in page
