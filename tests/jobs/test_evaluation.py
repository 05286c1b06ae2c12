"""A finished run asked again: the test part, and photos of no class."""

import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from fake_runs import fake_run
from typer.testing import CliRunner

from kimchi_vision import data
from kimchi_vision.base.errors import InputError
from kimchi_vision.base.files import write_json, write_table
from kimchi_vision.base.run_files import RunDir
from kimchi_vision.cli.main import app
from kimchi_vision.config.sections import Calibrate, Data
from kimchi_vision.jobs import evaluation
from kimchi_vision.results import calibrate
from kimchi_vision.results.intervals import wilson


@pytest.fixture
def run(folder_of, tmp_path):
    """A run whose test part has 20 photos; the model is right about 18 of them."""
    photos = data.load(Data(path=folder_of({"김치": 40, "깍두기": 40}), valid_pct=0.5), tmp_path)
    run = fake_run(tmp_path / "exports" / "mild", photos, skill=3)
    items = run.read_table(run.items)
    places = items.index[items["split"] == "train"][:20]
    items.loc[places, "split"] = "test"
    write_table(run.items, items)
    truth = items.loc[places, "label"].to_numpy()
    predicted = np.where(np.arange(20) < 2, np.where(truth == "김치", "깍두기", "김치"), truth)
    test = pd.DataFrame({"path": items.loc[places, "path"], "split": "test", "truth": truth})
    test = test.assign(predicted=predicted, loss=0.3)
    for label in photos.vocab:
        test[f"p:{label}"] = np.where(predicted == label, 0.9, 0.1)
    write_table(run.predictions, pd.concat([run.read_table(run.predictions), test]))
    return run


def test_the_test_part_is_scored_and_each_opening_is_noted_and_shown(run):
    said = evaluation.scores(run, test=True, lang="en")
    low, high = wilson(18 / 20, 20)
    assert f"18 of 20 test photos are right: accuracy 90.0%, 95 % interval {low:.1%} to {high:.1%}." in said
    assert "scored 1 times so far" in said
    assert "2번 평가에 쓰였습니다" in evaluation.scores(run, test=True, lang="ko")
    assert run.read_table(run.test_openings)["command"].tolist() == ["evaluate --test"] * 2
    assert run.read_json(run.test_metrics)["accuracy_interval"] == pytest.approx([low, high])
    page = run.report.read_text(encoding="utf-8")
    assert "Scores over the test photos" in page
    assert "The test part was scored 2 times so far." in page


def test_averaged_views_are_scored_on_the_part_that_is_asked_for(run):
    table = run.read_table(run.predictions)
    right = table.assign(predicted=table["truth"].where(table["split"] == "test", table["predicted"]))
    write_table(run.averaged, right.assign(views=3))
    assert "+0.0 points" in evaluation.scores(run, lang="en")
    assert "3 varied views of each photo and the plain one: 100.0%" in evaluation.scores(run, True, "en")
    assert run.read_json(run.test_metrics)["tta"]["gain"] == pytest.approx(0.1)


def test_validation_scores_open_nothing(run):
    said = evaluation.scores(run, lang="en")
    assert "validation photos are right" in said
    assert not run.test_openings.exists()
    assert "nan" not in said.lower()


def test_a_run_without_a_test_part_is_a_sentence_and_no_opening(run):
    table = run.read_table(run.predictions)
    write_table(run.predictions, table[table["split"] != "test"])
    with pytest.raises(InputError, match=r"no photos of the test part. Set data.test_pct"):
        evaluation.scores(run, test=True)
    assert not run.test_openings.exists()


def test_a_class_that_was_never_predicted_has_no_precision(run):
    table = run.read_table(run.predictions).assign(predicted="김치")
    write_table(run.predictions, table)
    said = evaluation.scores(run, lang="en")
    assert "–" in said
    assert "nan" not in said.lower()


@pytest.fixture
def with_model(exported, tmp_path):
    """A run with model.onnx, its calibration, and a folder with photos of no class."""
    run = RunDir(shutil.copytree(exported[0].path, tmp_path / "tiny"))
    predictions, items = run.read_table(run.predictions), run.read_table(run.items)
    vocab = run.read_json(run.labels)
    write_json(run.calibration, calibrate.fit(Calibrate(), predictions, vocab, items))
    return run, exported[0].path.parents[1] / "photos" / "김치"


def test_photos_of_no_class_are_counted_and_listed(with_model):
    run, folder = with_model
    calibration = run.read_json(run.calibration)
    abstain = {
        "error_wanted": 0.1,
        "threshold": 0.0001,
        "coverage": 1,
        "error": 0.1,
        "error_interval": [0, 1],
    }
    write_json(run.calibration, {**calibration, "abstain": abstain})
    photos = len(list(folder.iterdir()))
    said = evaluation.unknown(run, folder, lang="en")
    assert f"{photos} of {photos} photos of no class are answered by mistake: 100.0%" in said
    assert "00.jpg: " in said
    table = pd.read_csv(run.unknown)
    assert table["accepted"].all()
    assert table["probability"].is_monotonic_decreasing
    found = run.read_json(run.unknown_metrics)
    assert found["accepted_share_interval"] == pytest.approx(wilson(1, photos))


def test_a_threshold_can_be_chosen_when_there_is_none(with_model):
    run, folder = with_model
    with pytest.raises(InputError, match=r"--abstain-at 0\.05"):
        evaluation.unknown(run, folder)
    assert evaluation.unknown(run, folder, abstain_at=0.999, lang="en").count("photos of no class") >= 1

    wrong = run.read_table(run.predictions)
    others = dict(zip(vocab := run.read_json(run.labels), [*vocab[1:], vocab[0]], strict=True))
    write_table(run.predictions, wrong.assign(truth=wrong["predicted"].map(others)))
    assert "nothing is answered" in evaluation.unknown(run, folder, abstain_at=0.001, lang="en")


def test_the_command(run):
    done = CliRunner().invoke(app, ["evaluate", str(run.path), "--test", "--lang", "ko"])
    assert done.exit_code == 0, done.output
    assert "시험 사진 20장 중 18장을 맞혔습니다" in done.output
    assert CliRunner().invoke(app, ["evaluate", str(run.path), "--abstain-at", "0.1"]).exit_code == 2


def test_no_torch():
    code = "import sys, kimchi_vision.jobs.evaluation; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
