"""What a page draws: which value lies where, in which colour, with which interval, and in which order."""

import os
import re
from dataclasses import astuple
from types import SimpleNamespace

import pandas as pd
import pytest
from fake_runs import HISTORY, fake_run

from kimchi_vision.base.files import write_json, write_table
from kimchi_vision.base.messages import catalogue
from kimchi_vision.config.sections import Train
from kimchi_vision.data.photo import Photos
from kimchi_vision.results import report
from kimchi_vision.results.report import calibration, decision, run_page, table_page, training
from kimchi_vision.results.run import Run

VOCAB = ("001", "김치", "NA")
say = catalogue("en")


@pytest.fixture
def make(tmp_path):
    """A run on 60 validation and 6 training photos that are gone."""

    def run(name, other_photos="", **more):
        labels = ["001"] * 30 + ["김치"] * 20 + ["NA"] * 10
        names = [f"{number:02}{other_photos}.jpg" for number in range(60)]
        items = pd.DataFrame({"path": names, "label": labels, "split": "valid", "sha256": names})
        trained = items.iloc[27:33].assign(path=list("abcdef"), sha256=list("abcdef"), split="train")
        photos = Photos(tmp_path / "photos", pd.concat([items, trained], ignore_index=True), VOCAB)
        return fake_run(tmp_path / name, photos, **{"skill": 1, **more})

    return run


def changed(run, **more):
    """The run opened anew with more in its metrics.json."""
    write_json(run.files.metrics, {**run.json(run.files.metrics), **more})
    return Run(run.path)


def marks(row):
    return [(mark.kind, mark.value, mark.low, mark.high) for mark in row.marks]


def view(run):
    return decision.view(run, run.predictions.part("valid"), say)


BINS = [(2, 0.2, 0.5, 0.1, 0.9), (5, 0.4, 0.3, 0.2, 0.5), (6, 0.6, 0.7, 0.5, 0.8), (7, 0.9, 0.8, 0.6, 0.95)]


def test_the_charts_of_calibration_show_it_as_it_is_after_calibration():
    names = ("photos", "confidence", "accuracy", "accuracy_low", "accuracy_high")
    bins = [dict(zip(names, each, strict=True)) for each in BINS]
    found = {
        "before": {"reliability": [{**each, "accuracy": 0.99} for each in bins]},
        "after": {"reliability": bins},
        "risk_coverage": [{"coverage": 0.5, "risk": 0.1}, {"coverage": 1.0, "risk": 0.3}],
        "abstain": {"threshold": 0.62, "coverage": 0.8, "error": 0.2},
    }
    reliability, risk = calibration.view(SimpleNamespace(calibration=found), say)["charts"]
    (series,) = reliability.series
    assert [point[:2] for point in series.points] == [(0.4, 0.3), (0.6, 0.7), (0.9, 0.8)]  # not of two photos
    assert series.ends == [(0.2, 0.5), (0.5, 0.8), (0.6, 0.95)]
    assert series.points[0][2] == "5 photos at a confidence of 40.0 %: 30.0 % right"
    (series,) = risk.series
    assert series.points == [
        (0.5, 0.1, "50.0 % answered: 10.0 % wrong"),
        (1.0, 0.3, "100.0 % answered: 30.0 % wrong"),
    ]
    assert risk.marked == (0.8, "answers from 0.62")


def test_of_very_many_classes_the_curves_are_of_those_that_are_told_apart_worst(make, monkeypatch):
    monkeypatch.setattr(calibration, "DRAWN", 2)
    run = make("mild")
    areas = {name: own["auc"] for name, own in run.metrics["separation"].items()}
    best, *_ = sorted(areas, key=areas.get, reverse=True)
    for chart in calibration.curves(run.predictions, run.metrics, say):
        tips = [series.points[0][2] for series in chart.series]
        assert len(tips) == 2
        assert not any(tip.startswith(f"{best}:") for tip in tips)


def test_a_run_stands_beside_its_floor_its_goal_and_the_newest_runs_on_its_photos(make, monkeypatch):
    monkeypatch.setattr(decision, "EARLIER", 2)
    run = make("mild", goals={"accuracy": 0.9})
    floor = {"accuracy": 0.4, "accuracy_interval": [0.3, 0.5], "gain": 0.1, "gain_interval": [0, 0.2]}
    run = changed(run, floor={**floor, "verdict": "above"})
    for age, name in enumerate(("elsewhere", "new", "older", "oldest", "unfinished")):
        other = make(name, seed=age + 1, other_photos="x" if name == "elsewhere" else "")
        if name != "unfinished":
            other.files.finished.write_text("{}")
            os.utime(other.files.finished, (1e9 - age, 1e9 - age))
    rows = view(run)["scale"].rows
    assert [row.name for row in rows] == [
        "This run, validation photos", "Baseline (linear probe)", "new", "older", "Goal: accuracy",
    ]  # fmt: skip
    accuracy = run.score["accuracy"]
    assert marks(rows[0]) == [("own", accuracy.value, accuracy.low, accuracy.high)]
    assert marks(rows[1]) == [("baseline", 0.4, 0.3, 0.5)]
    newest = Run(run.path.parent / "new").score["accuracy"]
    assert marks(rows[2]) == [("other", newest.value, newest.low, newest.high)]
    assert marks(rows[4]) == [("goal", 0.9, None, None)]


def test_the_first_number_lies_on_the_scale_with_its_own_photos(make):
    run = make("mild")
    told = {"photos": 100, "accuracy": 0.7, "accuracy_interval": [0.6, 0.8], "folds": [{"accuracy": 0.7}]}
    write_json(run.files.fold_metrics, {**run.metrics, **told})
    first, own, *_ = view(Run(run.path))["scale"].rows
    assert [first.name, own.name] == [
        "This run, cross-validated, n = 100", "This run, validation photos, n = 60",
    ]  # fmt: skip
    assert marks(first) == [("own", 0.7, 0.6, 0.8)]
    assert marks(own)[0][1] == run.metrics["accuracy"]


def test_each_class_has_its_recall_and_precision_in_their_colours_the_worst_recall_first(make):
    run = make("mild")
    classes = run.metrics["classes"]
    found = run_page.view(run, "en")["found"]["confusion"]["classes"].rows
    assert [row.name for row in found] == sorted(classes, key=lambda name: classes[name]["recall"])
    for row in found:
        own = classes[row.name]
        assert marks(row) == [
            ("own", own["recall"], *own["recall_interval"]),
            ("other", own["precision"], *own["precision_interval"]),
        ]
        right = run.predictions.right[run.predictions.truth == VOCAB.index(row.name)]
        assert row.note == f"{right.sum()}/{len(right)}"
    page = report.write(run, run.experiment.report).read_text(encoding="utf-8")
    assert '<span class="own">Recall</span><span class="other">Precision</span>' in page


def test_backgrounds_are_drawn_beside_plain_ones_on_an_axis_that_reaches_chance(make):
    run = make("mild")
    shares = {"photos": 60, "accuracy": 0.9, "accuracy_interval": [0.8, 1.0]}
    conditions = {
        "plain": shares,
        "same": {**shares, "accuracy": 0.88},
        "other": {**shares, "accuracy": 0.85, "accuracy_interval": [0.82, 0.87]},
    }
    found = {"photos": 60, "masks": {"box": 60}, "chance": 0.1, "gap": 0.05, "gap_interval": [0.01, 0.1]}
    found |= {"conditions": conditions, "verdict": "relies", **dict.fromkeys(("followed", "outside", "area"))}
    write_json(run.files.background, found)
    drawn = run_page.view(Run(run.path), "en")["found"]["background"]["conditions"]
    assert [marks(row) for row in drawn.rows] == [
        [("baseline", 0.9, 0.8, 1.0)],
        [("own", 0.88, 0.8, 1.0)],
        [("own", 0.85, 0.82, 0.87)],
    ]
    assert drawn.axis.low <= 0.1


def test_photos_of_each_part_stand_in_their_column(make):
    page = report.write(make("mild"), report.Report(lang="en")).read_text(encoding="utf-8")
    part = page.split('id="data"')[1].split("</section>")[0]
    rows = [re.findall(r"<t[hd][^>]*>([^<]*)<", row) for row in re.findall(r"<tr>.*?</tr>", part, re.DOTALL)]
    assert [row[:3] for row in rows] == [
        ["Class", "training", "validation"],
        *(["001", "3", "30"], ["김치", "3", "20"], ["NA", "0", "10"]),
        ["Total", "6", "60"],
    ]
    assert re.findall(r"width: ([\d.]+)%", part) == ["100.0", "69.7", "30.3"]


def test_a_top_k_of_all_classes_says_nothing_and_is_left_out(make):
    run = make("mild")
    for k, shown in ((2, True), (3, False)):
        scores = run_page.view(changed(run, top_k=k), "en")["found"]["details"]["scores"]
        assert ("top_k_accuracy" in [score.name for score, _ in scores]) == shown


def test_what_was_measured_stands_beside_its_name():
    metrics = {
        "latency_ms": {"p50": 7.5, "p95": 9.25},
        "photos_per_second": 81.5,
        "peak_memory_mb": 512.0,
        "train": {"seconds": 44.2},
    }
    named = {say(key): value for key, value in run_page.timings(metrics)["measured"].items()}
    assert named == {
        "Latency of one photo, median, ms": 7.5,
        "Latency of one photo, 95 of 100 below, ms": 9.25,
        "Photos a second in bulk": 81.5,
        "Peak memory, MB": 512.0,
        say("train_seconds"): 44.2,
    }


def drawn(run, **train):
    section = Train(stages=["lr_find"], **{"keep": "best", "monitor": "valid_loss", **train})
    experiment = SimpleNamespace(train=section)
    return training.view(
        SimpleNamespace(history=run.history, files=run.files, experiment=experiment, table=run.table), say
    )["charts"]


def test_the_curves_of_a_training_mark_the_kept_epoch_and_show_the_score_that_chose(make):
    run = make("mild")
    losses, score = drawn(run)
    assert [(series.name, series.kind) for series in losses.series] == [
        ("Validation loss", "own"),
        ("Training loss", "other"),
    ]
    for series, column in zip(losses.series, ("valid_loss", "train_loss"), strict=True):
        assert [point[:2] for point in series.points] == list(enumerate(HISTORY[column], 1))
    assert losses.marked == score.marked == (2, say("kept"))
    assert [y for _, y, _ in score.series[0].points] == HISTORY["accuracy"]
    history = run.history.assign(macro_f1=[0.1, 0.2, 0.3, 0.4], brier=[0.9, 0.8, 0.7, 0.6])
    write_table(run.files.history, history)
    for monitor, column in (("macro_f1", "macro_f1"), ("brier", "accuracy")):
        score = drawn(Run(run.path), monitor=monitor)[1]
        assert [y for _, y, _ in score.series[0].points] == history[column].tolist()


def test_the_kept_epoch_is_the_one_that_is_marked_in_the_table(make):
    page = report.write(make("mild"), report.Report(lang="en")).read_text("utf-8")
    (kept,) = re.findall(r'<tr class="kept">(.*?)</tr>', page, re.DOTALL)
    cells = [re.sub("<[^>]*>", "", cell).strip() for cell in re.findall(r"<td.*?</td>", kept, re.DOTALL)]
    assert cells[:3] == [f"★ {say('kept')}", "fine_tune", "2"]


def test_a_value_that_is_higher_is_drawn_higher_and_further_right(make):
    page = report.write(make("mild"), report.Report(lang="en")).read_text(encoding="utf-8")
    chart = page.split(say("by_epoch", score="Accuracy"))[2].split("</svg>")[0]
    (line,) = re.findall(r'<polyline points="(.*?)"', chart)
    across, down = zip(*(map(float, point.split(",")) for point in line.split()), strict=True)
    assert sorted(across) == list(across)
    assert sorted(range(4), key=down.__getitem__) == [1, 2, 3, 0]  # accuracy 0.8, 0.79, 0.78, 0.6


@pytest.fixture
def seeds(make):
    """Two rows with two seeds each; the first seeds are the other way round."""
    skill = {"a1": 1, "a2": 6, "b1": 2, "b2": 2}
    facts = {"a1": (60, 5.0), "a2": (240, 9.0), "b1": (30, 50.0), "b2": (50, 60.0)}
    runs = {}
    for place, (name, own) in enumerate(skill.items()):
        seconds, milliseconds = facts[name]
        run = make(name, skill=own, seed=place)
        runs[name] = changed(
            run,
            train={"seconds": seconds, "kept_epoch": place},
            latency_ms={"p50": milliseconds, "p95": 2 * milliseconds},
        )
        write_json(run.files.metrics, runs[name].metrics)
    return {"a": [runs["a1"], runs["a2"]], "b": [runs["b1"], runs["b2"]]}


def test_a_table_of_seeds_shows_means_the_highest_first(seeds, tmp_path):
    shown = table_page.view(seeds, tmp_path / "report.html", (), say)
    means = {name: sum(run.metrics["accuracy"] for run in runs) / 2 for name, runs in seeds.items()}
    assert seeds["a"][0].metrics["accuracy"] < seeds["b"][0].metrics["accuracy"]
    assert means["a"] > means["b"]
    assert [(row.name, row.marks[0].kind) for row in shown["plot"].rows] == [("a", "own"), ("b", "other")]
    assert [row.marks[0].value for row in shown["plot"].rows] == pytest.approx([*means.values()])
    first, second = shown["rows"]
    assert first["scores"][0][0].value == pytest.approx(means["a"])
    assert (first["train_seconds"], second["train_seconds"]) == (150, 40)
    assert (first["kept_epoch"], first["photos"], first["seeds"]) == (None, 60, 2)


def test_accuracy_is_drawn_over_the_median_time_of_a_photo(seeds, tmp_path):
    (chart,) = table_page.view(seeds, tmp_path / "report.html", (), say)["charts"]
    best = max(run.metrics["accuracy"] for runs in seeds.values() for run in runs)
    runs = [run for runs in seeds.values() for run in runs]
    for series, run, milliseconds in zip(chart.series, runs, (5.0, 9.0, 50.0, 60.0), strict=True):
        accuracy = run.score["accuracy"]
        ((x, y, tip),) = series.points
        assert (series.name, x, y) == (run.name, milliseconds, accuracy.value)
        assert series.ends == [accuracy.interval]
        assert tip == f"{run.name}: {accuracy}, {milliseconds:.1f} ms"
        assert series.kind == ("own" if accuracy.value == best else "other")


def test_a_learning_curve_beside_a_table_has_its_intervals(seeds, tmp_path):
    points = {"train_photos": [40, 160], "accuracy": [0.4, 0.6], "low": [0.3, None], "high": [0.5, None]}
    write_table(tmp_path / "learning_curve.csv", pd.DataFrame(points))
    *_, chart = table_page.view(seeds, tmp_path / "report.html", (), say)["charts"]
    (series,) = chart.series
    assert series.points == [(40, 0.4, "40: 40.0 % (30.0 % – 50.0 %)"), (160, 0.6, "160: 60.0 %")]
    assert series.ends == [[0.3, 0.5], [0.6, 0.6]]


def test_settings_that_only_some_runs_have_otherwise_are_named(make, tmp_path):
    runs = [make(name, model={"backbone": name}) for name in ("resnet18", "resnet50")]
    runs.append(make("again", model={"backbone": "resnet18"}))
    runs[0].files.pkl.write_bytes(bytes(2_500_000))
    shown = table_page.view({run.name: [run] for run in runs}, tmp_path / "report.html", (), say)
    assert shown["differences"]["model.backbone"] == ["resnet18", "resnet50", "resnet18"]
    assert [row["pkl_size"] for row in shown["rows"]] == [2.5, None, None]
    assert [row["kept_epoch"] for row in shown["rows"]] == [2, 2, 2]


def test_a_verdict_names_what_speaks_against_a_run(make):
    run = make("mild", skill=2)
    sound = {
        "accuracy": 0.8,
        "accuracy_interval": [0.71, 0.9],
    }  # half of the photos are of the commonest class
    assert astuple(decision.verdict(changed(run, **sound), say))[:2] == (
        "open",
        "Nothing here speaks against shipping it, if 71.0 % at least is enough.",
    )
    for interval, because in (
        (
            [0.69, 0.9],
            ["60 photos say too little: the true accuracy may lie anywhere from 69.0 % to 90.0 %."],
        ),
        (
            [0.4, 0.55],
            ["It is not shown to beat always answering the commonest class, which is right on 50.0 %."],
        ),
        ([0.51, 0.6], []),
    ):
        found = decision.verdict(changed(run, accuracy=0.52, accuracy_interval=interval), say)
        assert list(found.because) == because
    beside = make("folds", skill=2)
    told = {"photos": 100, "accuracy": 0.8, "accuracy_interval": [0.6, 0.9], "folds": [{"accuracy": 0.8}]}
    write_json(beside.files.fold_metrics, {**beside.metrics, **told})
    folds = decision.verdict(Run(beside.path), say)
    assert folds.because[0].startswith(
        "100 photos say too little: the true accuracy may lie anywhere from 60"
    )
    floor = {"accuracy": 0.4, "accuracy_interval": [0.3, 0.5], "gain": 0.0, "gain_interval": [-0.1, 0.1]}
    goal = make("goal", skill=2, goals={"accuracy": 0.7})
    assert decision.verdict(changed(goal, **sound), say).kind == "ship"
    flattered = changed(goal, **sound, choices={"epochs": 4, "gain": 0.05})
    assert decision.verdict(flattered, say).because == ("The goal for accuracy: cannot tell.",)
    even = changed(run, **sound, floor={**floor, "verdict": "cannot tell"})
    assert decision.verdict(even, say).kind == "open"


def test_chance_moves_a_number_by_the_longer_side_of_its_interval(make):
    run = changed(make("mild"), accuracy=0.8, accuracy_interval=[0.68, 0.86])
    assert decision.size(run, say) == [
        "48 of 60 validation photos are right.",
        say("n_tells", photos="60", points="12"),
    ]


def test_a_class_that_is_never_predicted_is_named_once_and_three_confusions_are_enough(make):
    matrix = [[20, 10, 0], [5, 15, 0], [4, 6, 0]]
    run = make("mild")
    classes = run.metrics["classes"]
    classes["NA"] = {**classes["NA"], "recall": 0.0, "recall_interval": [0, 0.3]}
    confused = [["001", "김치", 10], ["NA", "김치", 6], ["김치", "001", 5], ["NA", "001", 4]]
    run = changed(run, confusion_matrix=matrix, classes=classes, most_confused=confused)
    said = list(decision.classes(run, say))
    assert [each for each in said if "NA" in each] == ["Never predicted: NA."]
    assert decision.confusions(run, say).endswith("김치 taken for 001 (5).")
    assert len(view(run)["confusions"]) == 3
