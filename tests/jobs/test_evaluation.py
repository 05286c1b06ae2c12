"""A finished run asked again: the test part, and photos of no class."""

import re
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from conftest import text_of
from fake_runs import fake_run
from typer.testing import CliRunner

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.files import write_json, write_table
from kimchi_vision.base.numbers import percent
from kimchi_vision.cli.main import app
from kimchi_vision.config.sections import Calibrate, Evaluate
from kimchi_vision.data.photo import Photos
from kimchi_vision.deploy.predictor import Prediction
from kimchi_vision.jobs import evaluation
from kimchi_vision.results import calibrate, compare, evaluate
from kimchi_vision.results.compare.pairs import about_gain
from kimchi_vision.results.intervals import share, wilson
from kimchi_vision.results.predictions import Predictions
from kimchi_vision.results.run import Run

VOCAB = ("001", "김치", "NA")
TRUTH = ["001"] * 12 + ["김치"] * 8 + ["NA"] * 5
PREDICTED = ["001"] * 9 + ["김치"] * 2 + ["NA"] + ["김치"] * 7 + ["001"] + ["김치"] * 2 + ["NA"] * 3


@pytest.fixture
def run(tmp_path):
    """A run over photos that are gone; 19 of its 25 test photos are right, and 10 of them are copies."""
    parts = ["train"] * 6 + ["valid"] * 60 + ["test"] * 25
    names = [f"{number:02}.jpg" for number in range(len(parts))]
    labels = [*(VOCAB[number % 3] for number in range(66)), *TRUTH]
    items = pd.DataFrame({"path": names, "label": labels, "split": parts, "sha256": names})
    items = items.assign(group=[*range(66), *range(66, 81), *range(66, 76)])
    photos = Photos(tmp_path / "photos", items, VOCAB)
    run = fake_run(tmp_path / "exports" / "mild", photos, skill=3, evaluate={"top_k": 2})
    test = items.iloc[66:][["path", "split"]].assign(truth=TRUTH, predicted=PREDICTED, loss=0.3)
    for label in VOCAB:
        test[f"p:{label}"] = np.where(test["predicted"] == label, 0.9, 0.05)
    write_table(run.files.predictions, pd.concat([run.table(run.files.predictions), test]))
    return run


def shown(said):
    """First cell → the other cells, of the lines that are rows of a table."""
    rows = [re.split(r"\s{2,}", line.strip()) for line in said.splitlines()]
    return {first: others for first, *others in rows if others}


def test_each_score_is_printed_in_its_place_with_its_interval(run):
    said = evaluation.scores(run, test=True, lang="en")
    test = run.predictions.part("test")
    _, low, high = share(test.right, test.units)
    assert low < wilson(19 / 25, 25)[0]
    assert said.startswith(
        "19 of 25 test photos are right: accuracy 76.0 %, "
        f"95 % interval {100 * low:.1f} % to {100 * high:.1f} %."
    )
    scores = evaluate.metrics(run.predictions.part("test"), Evaluate(top_k=2))

    def cell(share, interval):
        return f"{percent(share)} ({percent(interval[0])} – {percent(interval[1])})"

    def shares(name):
        value, (low, high) = scores[name], scores[f"{name}_interval"]
        return f"{100 * value:.1f} % ({100 * low:.1f} % – {100 * high:.1f} %)"

    rows = shown(said)
    assert ["Recall", "Precision", "Photos"] in [line.split() for line in said.splitlines()]
    for label, recall, precision, photos in (
        ("001", 9 / 12, 9 / 10, "12"),
        ("김치", 7 / 8, 7 / 11, "8"),
        ("NA", 3 / 5, 3 / 4, "5"),
    ):
        own = scores["classes"][label]
        found = [cell(recall, own["recall_interval"]), cell(precision, own["precision_interval"]), photos]
        assert rows[label] == found
    assert scores["macro_recall"] == pytest.approx((9 / 12 + 7 / 8 + 3 / 5) / 3)
    assert scores["macro_precision"] == pytest.approx((9 / 10 + 7 / 11 + 3 / 4) / 3)
    others = {
        "Error rate": "error_rate",
        "Macro recall": "macro_recall",
        "Macro precision": "macro_precision",
        "Macro F1": "macro_f1",
        "Top-k accuracy": "top_k_accuracy",
    }
    assert list(rows)[: len(others) + 1] == [*others, "Loss, mean over photos"]
    for name, key in others.items():
        assert rows[name] == [shares(key)]
    low, high = scores["loss_interval"]
    assert rows["Loss, mean over photos"] == [f"{scores['loss']:.3f} ({low:.3f} – {high:.3f})"]


def test_hangul_and_latin_names_stand_in_straight_columns(run):
    rows = [line for line in evaluation.scores(run, lang="en").splitlines() if line.startswith(VOCAB)]
    # A Hangul syllable is as wide as two letters.
    ends = {len(line) + len(re.findall("[가-힣]", line)) for line in rows}
    assert len(rows) == 3
    assert len(ends) == 1


def test_each_opening_of_the_test_part_is_noted_and_shown(run):
    said = evaluation.scores(run, test=True, lang="en")
    assert said.splitlines()[-3:] == [
        "The test photos were scored 1 time so far, by any run on this machine.",
        "Whoever chooses by these scores has no test part any more.",
        f"Report: {run.files.report}",
    ]
    assert "2번 평가에 쓰였습니다" in evaluation.scores(run, test=True, lang="ko")
    assert run.table(run.files.test_openings)["command"].tolist() == ["evaluate --test"] * 2
    kept = run.json(run.files.test_metrics)
    test = run.predictions.part("test")
    assert kept["accuracy_interval"] == pytest.approx(share(test.right, test.units)[1:])
    assert (kept["split"], kept["top_k"]) == ("test", 2)
    page = text_of(run.files.report)
    assert 'id="test"' in page
    assert "The test photos were scored 2 times so far, by any run on this machine." in page


def test_averaged_views_are_scored_on_the_part_that_is_asked_for(run):
    table = run.table(run.files.predictions)
    right = table.assign(predicted=table["truth"].where(table["split"] == "test", table["predicted"]))
    write_table(run.files.averaged, right.assign(views=3))
    plain = run.predictions.part("test")
    averaged = Predictions.read(run.files.averaged, run.vocab, run.items).part("test")
    lines = evaluation.scores(run, True, "en").splitlines()
    assert lines[0].startswith("19 of 25 test photos are right")
    gain = lines.index(str(about_gain("tta", compare.beside_one_view(averaged, plain))))
    assert lines[gain - 1] == lines[gain + 1] == ""
    assert "+0.0 points" in evaluation.scores(run, lang="en")
    assert "3 varied views of each photo and the plain one: 100.0 %" in evaluation.scores(run, True, "en")
    assert run.json(run.files.test_metrics)["tta"]["gain"] == pytest.approx(6 / 25)


def test_validation_scores_open_nothing(run):
    said = evaluation.scores(run)
    assert said.startswith(f"{(valid := run.json(run.files.metrics))['accuracy'] * 60:.0f} of 60 validation")
    assert f"accuracy {100 * valid['accuracy']:.1f} %" in said
    for file in (run.files.test_openings, run.files.test_metrics, run.files.report):
        assert not file.exists()
    assert "nan" not in said.lower()


def test_copies_of_few_photos_are_counted_and_tell_nothing_more(run):
    items = run.items
    items.loc[items["split"] == "test", "group"] = items.index[items["split"] == "test"] % 3
    write_table(run.files.items, items)
    said = evaluation.scores(Run(run.path), test=True, lang="en").splitlines()[0]
    assert said.startswith(
        "19 of 25 test photos are right: accuracy 76.0 %. These are too few independent photos"
    )


def test_a_run_without_a_test_part_is_a_sentence_and_no_opening(run):
    table = run.table(run.files.predictions)
    write_table(run.files.predictions, table[table["split"] != "test"])
    with pytest.raises(
        InputError, match=r"no predictions for photos of the part `test`\. Set `data.test_pct`"
    ):
        evaluation.scores(run, test=True)
    assert not run.files.test_openings.exists()


def test_a_class_that_was_never_predicted_has_no_precision(run):
    write_table(run.files.predictions, run.table(run.files.predictions).assign(predicted="김치"))
    rows = shown(said := evaluation.scores(run, lang="en"))
    assert rows["001"][0].startswith("0.0 % (0.0 % – ")
    assert rows["001"][1:] == ["–", "20"]
    assert "nan" not in said.lower()


class Answering:
    """In place of a model: the surest answer to each of 26 photos, of which it has 26 probabilities."""

    def __init__(self, run):
        assert run.files.predictions.is_file()

    def predict(self, photos, top):
        assert (len(photos), top) == (26, 1)
        return [Prediction(photo.name, (("001", number / 32),)) for number, photo in enumerate(photos)]


@pytest.fixture
def answering(run, tmp_path, monkeypatch):
    """The run with a calibration whose threshold is 5/32, and a folder with 26 photos of no class."""
    monkeypatch.setattr(evaluation, "Predictor", Answering)
    folder = tmp_path / "cats"
    folder.mkdir()
    for number in range(26):
        (folder / f"{number:02}.jpg").touch()
    calibration = calibrate.fit(Calibrate(abstain_at=0.25), run.predictions.part("valid"))
    calibration["abstain"]["threshold"] = 5 / 32
    write_json(run.files.calibration, calibration)
    return Run(run.path), folder


def test_photos_of_no_class_are_counted_and_the_surest_are_listed(answering):
    run, folder = answering
    said = evaluation.unknown(run, folder, lang="en").splitlines()
    low, high = wilson(21 / 26, 26)
    assert said[:4] == [
        "Answers begin at a probability of 0.156, chosen for at most 25.0 % wrong ones among them.",
        f"21 of 26 photos of no class are answered by mistake: 80.8 %, "
        f"95 % interval {percent(low)} to {percent(high)}.",
        "    25.jpg: 001 78.1 %",
        "    24.jpg: 001 75.0 %",
    ]
    found = run.json(run.files.unknown_metrics)
    assert said[21:] == [
        "    06.jpg: 001 18.8 %",
        "    and 1 more",
        "A validation photo has a higher probability than a photo of no class in "
        f"{percent(found['auroc'])} of pairs; chance is 50 %.",
        f"Written: {run.files.unknown}",
    ]
    assert found["accepted_share_interval"] == pytest.approx([low, high])
    table = pd.read_csv(run.files.unknown, dtype={"answer": str})
    assert table["photo"].tolist() == [f"{number:02}.jpg" for number in reversed(range(26))]
    assert set(table["answer"]) == {"001"}
    assert table["accepted"].tolist() == [True] * 21 + [False] * 5
    assert table["probability"].tolist() == [number / 32 for number in reversed(range(26))]


def test_another_threshold_can_be_chosen(answering):
    run, folder = answering
    valid, calibration = run.predictions.part("valid"), run.calibration
    expected = calibrate.unknown(np.arange(26) / 32, valid, calibration, 0.4)
    said = evaluation.unknown(run, folder, abstain_at=0.4, lang="en")
    assert f"at a probability of {expected['threshold']:.3f}, chosen for at most 40.0 % wrong" in said
    assert run.json(run.files.unknown_metrics) == expected
    write_json(run.files.calibration, {**calibration, "abstain": None})
    with pytest.raises(InputError, match=r"--abstain-at 0\.05"):
        evaluation.unknown(Run(run.path), folder)


def test_where_no_threshold_keeps_the_error_nothing_is_answered(answering):
    run, folder = answering
    predictions = run.table(run.files.predictions)
    others = dict(zip(VOCAB, (*VOCAB[1:], VOCAB[0]), strict=True))
    write_table(run.files.predictions, predictions.assign(truth=predictions["predicted"].map(others)))
    assert evaluation.unknown(run, folder, abstain_at=0.125, lang="en").splitlines() == [
        "There is no threshold: these photos cannot promise that at most 12.5 % of the answers to fresh "
        "photos are wrong. They are too few (without any wrong answer it takes about 31), or too many are "
        "wrong.",
        f"Written: {run.files.unknown}",
    ]
    assert not pd.read_csv(run.files.unknown)["accepted"].any()
    assert run.json(run.files.unknown_metrics)["threshold"] is None


def test_the_exported_model_answers_for_photos_of_no_class(exported, tmp_path):
    run = Run(shutil.copytree(exported[0].path, tmp_path / "tiny"))
    write_json(run.files.calibration, calibrate.fit(Calibrate(), run.predictions.part("valid")))
    said = evaluation.unknown(run, exported[0].path.parents[1] / "photos" / "김치", 0.999, "ko")
    assert "어느 클래스도 아닌 사진 8장 중" in said


def test_the_command(run, command):
    done = CliRunner().invoke(app, ["evaluate", str(run.path), "--test", "--lang", "ko"])
    assert done.exit_code == 0, done.output
    assert "시험 사진 25장 중 19장을 맞혔습니다" in done.output
    refused = command("evaluate", run.path, "--abstain-at", "0.1")
    assert (refused.code, "--abstain-at goes with --unknown." in refused.err) == (2, True)


def test_no_torch():
    code = "import sys, kimchi_vision.jobs.evaluation; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
