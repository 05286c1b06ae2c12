"""Each number of a run stands in its place on its page, right and wrong in their colours."""

import json
import re
from html import unescape
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from conftest import text_of
from fake_runs import HISTORY, fake_run

from kimchi_vision.base.files import write_json, write_table
from kimchi_vision.base.messages import catalogue
from kimchi_vision.base.numbers import percent
from kimchi_vision.config.sections import Calibrate, Report, Train
from kimchi_vision.data.photo import Photos
from kimchi_vision.results import calibrate, report
from kimchi_vision.results.report import calibration, decision, training
from kimchi_vision.results.run import Run

VOCAB = ("001", "김치", "NA")
say = catalogue("en")


@pytest.fixture
def run(tmp_path):
    labels = ["001"] * 30 + ["김치"] * 20 + ["NA"] * 10
    names = [f"{number:02}.jpg" for number in range(60)]
    items = pd.DataFrame({"path": names, "label": labels, "split": "valid", "sha256": names})
    trained = items.iloc[:4].assign(path=["a.jpg", "b.jpg", "c.jpg", "d.jpg"], split="train")
    items = pd.concat([items, trained], ignore_index=True)
    return fake_run(tmp_path / "mild", Photos(tmp_path / "photos", items, VOCAB), skill=1)


def page(run):
    return text_of(report.write(Run.open(run.path), Report(lang="en")))


def section(run, name):
    """One section of the page, and the cells of its tables' rows: first cell → the others."""
    text = page(run)
    part = text.split(f'id="{name}"')[1].split("</section>")[0]
    rows = {}
    for row in re.findall(r"<tr.*?</tr>", part, re.DOTALL):
        texts = re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)
        first, *others = [unescape(" ".join(re.sub(r"<[^>]*>", "", text).split())) for text in texts]
        rows[first] = others
    return part, rows


def shown(found, name):
    """A share of a class."""
    low, high = found[f"{name}_interval"]
    return f"{percent(found[name])} {percent(low)} – {percent(high)}"


def score(found, name):
    """A score of the registry: a share, or the loss."""
    value, low, high = (
        f"{each:.3f}" if name in ("loss", "brier") else f"{100 * each:.1f} %"
        for each in (found[name], *found[f"{name}_interval"])
    )
    return f"{value} {low} – {high}"


NAMES = {
    "Accuracy": "accuracy",
    "Macro precision": "macro_precision",
    "Macro recall": "macro_recall",
    "Macro F1": "macro_f1",
    "Loss, mean over photos": "loss",
}


def test_each_score_stands_beside_its_name(run):
    top = {"top_k": 2, "top_k_accuracy": 0.9321, "top_k_accuracy_interval": [0.9, 0.9555]}
    metrics = run.json(run.files.metrics) | top
    write_json(run.files.metrics, metrics)
    _, rows = section(run, "details")
    assert len({round(metrics[key], 3) for key in NAMES.values()}) == 5
    for name, key in NAMES.items():
        assert rows[name] == [score(metrics, key), say(f"{key}_explained")]
    assert rows["Top-k accuracy (2)"][0] == "93.2 % 90.0 % – 95.5 %"
    assert rows["Photos"] == ["60", ""]
    assert "Error rate" not in rows  # what accuracy says already


def test_facts_have_plain_names(run):
    _, rows = section(run, "details")
    assert rows["Parameters"] == ["4,321,000"]
    assert rows["Packages"] == ["fastai 2.8.12"]
    assert not any("." in key for key in rows)


def test_a_score_without_an_interval_stands_alone(run):
    """As in folders of before loss and top-k accuracy had one."""
    metrics = run.json(run.files.metrics)
    write_json(run.files.metrics, {key: each for key, each in metrics.items() if key != "loss_interval"})
    _, rows = section(run, "details")
    assert rows["Loss, mean over photos"][0] == f"{metrics['loss']:.3f}"


def test_each_class_has_its_recall_and_precision_in_their_columns(run):
    metrics = run.json(run.files.metrics)
    classes, parted = metrics["classes"], metrics["separation"]
    assert classes["NA"]["recall"] != classes["NA"]["precision"]
    _, rows = section(run, "classes")
    assert rows["Class"][:2] == ["Recall", "Precision"]
    for name, photos in (("001", "30"), ("김치", "20"), ("NA", "10")):
        own = classes[name]
        assert rows[name] == [
            shown(own, "recall"),
            shown(own, "precision"),
            percent(own["f1"]),
            shown(parted[name], "auc"),
            percent(parted[name]["average_precision"]),
            photos,
        ]


def test_the_class_that_is_told_apart_worst_stands_out_on_both_curves(run):
    parted = run.json(run.files.metrics)["separation"]
    worst = min(parted, key=lambda name: parted[name]["auc"])
    part, _ = section(run, "confusion")
    assert part.count(f"{worst} ({percent(parted[worst]['auc'])})") == 2
    lines = re.findall(r'<g class="(\w+)">\s*<polyline points="(.*?)"', part)
    assert [kind for kind, _ in lines] == ["other", "other", "own"] * 2
    assert all(2 <= len(points.split()) <= calibration.POINTS for _, points in lines)
    assert f"<title>{worst}: False positive rate 0.0 %, Recall 0.0 %</title>" in part


def test_scores_of_the_test_part_are_those_of_test_json(run):
    metrics = run.json(run.files.metrics)
    names = ("accuracy", "macro_recall", "macro_precision", "macro_f1")
    tested = {name: (place + 1) / 10 for place, name in enumerate(names)}
    tested |= {f"{name}_interval": [tested[name] - 0.05, tested[name] + 0.05] for name in names}
    write_json(run.files.test_metrics, {**metrics, **tested, "photos": 17})
    items = run.table(run.files.items)
    write_table(run.files.items, items.assign(split=items["split"].where(items["path"] != "a.jpg", "test")))
    run.open_test("evaluate --test")
    part, rows = section(run, "test")
    assert "were scored 1 time so far" in part
    assert rows == {
        "Accuracy": ["10.0 % 5.0 % – 15.0 %"],
        "Error rate": [score(metrics, "error_rate")],
        "Macro recall": ["20.0 % 15.0 % – 25.0 %"],
        "Macro precision": ["30.0 % 25.0 % – 35.0 %"],
        "Macro F1": ["40.0 % 35.0 % – 45.0 %"],
        "Top-k accuracy": [score(metrics, "top_k_accuracy")],
        "Loss, mean over photos": [score(metrics, "loss")],
        "Brier score": [score(metrics, "brier")],
        "Macro AUC": [score(metrics, "macro_auc")],
        "Photos": ["17"],
    }


def test_the_matrix_counts_photos_with_actual_classes_in_rows(run):
    part, rows = section(run, "confusion")
    counts = run.json(run.files.metrics)["confusion_matrix"]
    assert rows["Actual \\ Predicted"] == list(VOCAB)
    part = part.split('id="classes"')[0]
    for row, texts in zip(counts, re.findall(r"<tr>.*?</tr>", part, re.DOTALL)[1:], strict=False):
        cells = re.findall(r"<td.*?</td>", texts, re.DOTALL)
        assert [re.sub("<[^>]*>", "", cell).strip() for cell in cells] == [str(count or "") for count in row]
    cells = re.findall(r'<td class="(\w+)".*?data-actual="(\d)" data-predicted="(\d)"', part, re.DOTALL)
    assert {kind for kind, actual, predicted in cells if actual == predicted} == {"right"}
    assert {kind for kind, actual, predicted in cells if actual != predicted} == {"wrong"}


def test_the_photos_behind_a_number_are_those_of_the_table_of_predictions(run):
    text = page(run)
    cells = json.loads(re.search(r'id="cells">(.*?)</script>', text, re.DOTALL)[1])
    table = run.table(run.files.predictions).sort_values("loss", ascending=False)
    assert cells == [
        {
            "path": row["path"],
            "actual": VOCAB.index(row["truth"]),
            "predicted": VOCAB.index(row["predicted"]),
            "sure": round(row["p:" + row["predicted"]], 4),
            "probability": f"{percent(row['p:' + row['predicted']])}",
            "loss": f"{row['loss']:.2f}",
            "picture": None,
        }
        for row in table.to_dict("records")
    ]


def test_calibration_says_both_errors_and_the_threshold(run):
    found = calibrate.fit(Calibrate(abstain_at=0.6), run.predictions.part("valid"))
    write_json(run.files.calibration, found)
    part, _ = section(run, "calibration")
    for key in ("before", "after"):
        own = found[key]
        low, high = own["calibration_error_interval"]
        error, chance = (percent(own[f"calibration_error{kind}"]) for kind in ("", "_by_chance"))
        said = [f"{error} {word}" for word in ("apart", "(")]
        texts = [each for each in part.split("<li>") if any(start in each for start in said)]
        assert any(f"{percent(low)} to {percent(high)}" in each and chance in each for each in texts)
    abstain = found["abstain"]
    said = re.search(rf"[^>]*{abstain['threshold']:.3f}[^<]*", part)[0]
    for share in (
        f"{percent(abstain['coverage'])}",
        f"{percent(abstain['error'])}",
        "at most 60.0 %",
        "at most 5.0 % of",
    ):
        assert share in said


def sentences(history=None, **train):
    section = Train(stages=["lr_find"], **{"keep": "best", "monitor": "valid_loss", **train})
    experiment = SimpleNamespace(train=section)
    return training.sentences(SimpleNamespace(history=history, experiment=experiment), say)


def test_classes_without_photos_or_answers_are_named(run):
    classes = {"001": (5, 14, 0.6), "김치": (1, 10, 0.4), "NA": (0, 0, None)}
    metrics = {
        "split": "valid",
        "confusion_matrix": [[5, 0, 9], [2, 1, 7], [0, 0, 0]],
        "classes": {
            name: {"recall": found / max(of, 1), "support": of, "recall_interval": [0, high]}
            for name, (found, of, high) in classes.items()
        },
    }
    made = SimpleNamespace(mistakes=metrics, vocab=VOCAB)
    said = list(decision.classes(made, say))
    assert said == ["No validation photo of: NA.", "Missed more often than found: 김치 (1 of 10 found)."]
    metrics["confusion_matrix"] = [[5, 9, 0], [2, 8, 0], [0, 0, 0]]
    assert "Never predicted: NA." in list(
        decision.classes(SimpleNamespace(mistakes=metrics, vocab=VOCAB), say)
    )


def test_the_page_says_which_epoch_is_kept_and_from_where_it_overfits():
    history = pd.DataFrame(HISTORY)
    overfits = "From epoch 3 on, training loss falls while validation loss rises: the model learns by heart."
    best = "Epoch 2 of 4 is kept: its Validation loss, 0.8, is the best of all."
    assert sentences(history)[:2] == [best, overfits]
    by_accuracy = sentences(history.assign(kept=[False, False, True, False]), monitor="accuracy")
    assert by_accuracy[0] == "Epoch 3 of 4 is kept: its Accuracy, 79.0 %, is the best of all."
    last = sentences(history.assign(kept=np.arange(4) == 3), keep="last")
    assert last[0] == "Epoch 4, the last, is kept. The lowest validation loss was that of epoch 2."
    start = sentences(history.assign(kept=False))
    assert start == ["What training started from is kept: no epoch was better."]
    falling = sentences(history.assign(valid_loss=[4, 3, 2, 1]))
    assert not any("by heart" in sentence for sentence in falling)


def test_two_losses_are_told_apart_where_labels_are_smoothed():
    history = pd.DataFrame(HISTORY)
    assert "label smoothing (0.1)" in sentences(history, label_smoothing=0.1)[-1]
    assert not any("smoothing" in each for each in sentences(history, label_smoothing=0))


def test_the_page_says_what_folds_floor_and_views_reached(run):
    gain = {"accuracy": 0.7, "accuracy_interval": [0.6, 0.8], "gain": 0.05, "gain_interval": [0.01, 0.09]}
    more = {
        "folds": [{"accuracy": 0.5}, {"accuracy": 0.75}],
        "floor": {**gain, "verdict": "above"},
        "tta": {**gain, "n": 4, "gain": -0.02, "verdict": "below"},
    }
    write_json(run.files.metrics, {**run.json(run.files.metrics), **more})
    part, _ = section(run, "decision")
    assert "50.0 %, 75.0 %" in part
    assert "frozen features, has 70.0 % right, and training adds +5.0 points (+1.0 to +9.0)" in part
    assert "Averaged over 4 varied views of each photo and the plain one: 70.0 % (60.0 % to 80.0 %)" in part
    assert "-2.0 points (+1.0 to +9.0) against one view: worse" in part
    assert "Baseline (linear probe)" in part


def test_a_background_that_decides_is_the_first_thing_said(run):
    shares = {"photos": 60, "accuracy": 0.9, "accuracy_interval": [0.8, 1]}
    found = {
        "photos": 60,
        "masks": {"box": 60},
        "chance": 0.5,
        "conditions": {"same": shares, "other": {**shares, "accuracy": 0.5}},
        "gap": 0.4,
        "gap_interval": [0.3, 0.5],
        "verdict": "relies",
        **dict.fromkeys(("followed", "outside", "area")),
    }
    write_json(run.files.background, found)
    part, _ = section(run, "decision")
    assert "Backgrounds decide part of the answers: 90.0 %" in part
    part, _ = section(run, "background")
    assert part.count("<circle") == 2
