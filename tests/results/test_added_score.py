"""A score of one's own is one function: it is found wherever scores are shown."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from fake_runs import fake_run

from kimchi_vision import data
from kimchi_vision.base.files import write_json
from kimchi_vision.base.messages import TEXTS, catalogue
from kimchi_vision.config.sections import Data, Goals, Report
from kimchi_vision.jobs import evaluation, table, track
from kimchi_vision.learning import train
from kimchi_vision.results import compare, evaluate, goals, intervals, report
from kimchi_vision.results.scores import METRICS, Score, check_monitor, metric, sign

NAME, TITLE, EXPLAINED = "own_doubt", "Own doubt", "What is left of the probability."
say = catalogue("en")


@pytest.fixture(autouse=True)
def registered():
    """The mean of what the predicted class lacks to certainty; less is better."""
    before, texts = dict(METRICS), dict(TEXTS)

    @metric((TITLE, "나의 의심"), (EXPLAINED, "확률에서 남은 몫입니다."), better="lower")
    def own_doubt(predictions, section):
        return intervals.mean(1 - predictions.confidence, predictions.units)

    yield own_doubt
    METRICS.clear()
    METRICS.update(before)
    TEXTS.clear()
    TEXTS.update(texts)


@pytest.fixture
def runs(folder_of, tmp_path):
    """Two runs that share a goal for the new score, which both miss by far."""
    root = folder_of({"깍두기": 12, "배추김치": 12})
    photos = data.load(Data(path=root, valid_pct=0.5), tmp_path)
    return [
        fake_run(tmp_path / "exports" / name, photos, skill, goals={NAME: 0.001}, model={"backbone": name})
        for name, skill in (("first", 1), ("second", 3))
    ]


@pytest.fixture
def score(runs) -> Score:
    return runs[0].score[NAME]


def test_it_is_in_metrics_json_with_its_interval(runs):
    part = runs[0].predictions.part("valid")
    found = evaluate.metrics(part, runs[0].experiment.evaluate)
    assert found[NAME] == pytest.approx(1 - part.probabilities.max(axis=1).mean())
    low, high = found[f"{NAME}_interval"]
    assert 0 <= low < found[NAME] < high
    assert runs[0].metrics[NAME] == found[NAME]
    assert runs[0].scores.loc[NAME].tolist() == [found[NAME], low, high, len(part)]


def test_evaluate_prints_it(runs, score):
    lines = [" ".join(line.split()) for line in evaluation.scores(runs[0], lang="en").splitlines()]
    assert f"{TITLE} {score}" in lines
    assert str(score).count("%") == 3
    assert "나의 의심" in evaluation.scores(runs[0], lang="ko")


def opened(page):
    return page.read_text(encoding="utf-8").replace("\N{NO-BREAK SPACE}", " ")


def test_the_report_shows_and_explains_it(runs, score):
    page = opened(report.write(runs[0], Report(lang="en")))
    shown = score.metric.shown
    cell = f"{shown(score.value)} <small>{shown(score.low)} – {shown(score.high)}</small>"
    row = f'<tr><th scope="row">{TITLE}</th><td>{cell}</td><td class="note">{EXPLAINED}</td></tr>'
    assert row in page


def test_a_table_has_a_column_for_it(runs, score, tmp_path):
    rows = {run.name: [run] for run in runs}
    assert table.side_by_side(rows)[NAME].tolist() == [run.score[NAME].value for run in runs]
    seeds = table.side_by_side({"both": runs})
    assert seeds[NAME].item() == pytest.approx(np.mean([run.score[NAME].value for run in runs]))
    assert seeds[f"{NAME}_sd"].item() > 0
    page = opened(report.write_table(rows, tmp_path / "exports" / "report.html", "en"))
    assert f'<th scope="col">{TITLE}</th>' in page
    assert f"<td>{score.metric.shown(score.value)} <small>" in page


def test_a_comparison_has_a_line_for_it(runs, score):
    found = compare.compare(runs, lang="en")
    line = found.scores.set_index(["score", "experiment"]).loc[(NAME, "first")]
    assert line[["value", "low", "high"]].tolist() == pytest.approx([score.value, score.low, score.high])
    lines = [" ".join(line.split()) for line in found.text().splitlines()]
    assert any(line.startswith(TITLE) and str(score) in line for line in lines)
    page = found.write(runs[0].path / "compare.md").read_text(encoding="utf-8")
    assert f"| {TITLE} | " in page


def test_it_may_be_a_goal(runs, score):
    goals.check(Goals(**{NAME: 0.3}))
    assert goals.outcomes(Goals(**{NAME: 0.001}), {}, runs[0].score) == {NAME: "missed"}
    assert goals.outcomes(Goals(**{NAME: 0.999}), {}, runs[0].score) == {NAME: "met"}
    decision = goals.decision(runs)
    assert decision[NAME].tolist() == [run.score[NAME].value for run in runs]
    assert goals.sentences(decision, "en") == ["first: own doubt missed.", "second: own doubt missed."]
    shown = goals.lines(decision, say)
    assert shown[TITLE][0] == score.metric.shown(score.value)
    assert shown["Goal: own doubt"] == ["missed", "missed"]


def test_trackers_are_told_it(runs, score):
    told = {}
    listener = SimpleNamespace(tell=lambda what, *given: told.setdefault(what, given))
    track.Tracking([listener], runs[0].files).results()
    assert told["summary"][0][NAME] == score.value


def test_training_measures_it_each_epoch_and_may_keep_the_best_by_it(runs):
    check_monitor(NAME)
    assert sign(NAME) == -1
    outputs, truth = torch.tensor([[3.0, 0], [0, 1]]), torch.tensor([0, 1])
    measured = {each.name: each for each in train.epoch_scores(["a", "b"])}
    for each in measured.values():
        each.reset()
        each.accumulate(SimpleNamespace(pred=outputs, y=truth))
    sure = torch.softmax(outputs, dim=1).max(dim=1).values
    assert measured[NAME].value == pytest.approx(1 - sure.mean().item())


def test_a_run_of_before_the_score_has_no_value_for_it(runs):
    """Old folders are shown beside new ones, without it."""
    old = fake_run(runs[0].path.parent / "old", runs[0].photos, goals={NAME: 0.3})
    metrics = old.json(old.files.metrics)
    write_json(old.files.metrics, {key: each for key, each in metrics.items() if not key.startswith(NAME)})
    decision = goals.decision([old, runs[1]])
    assert decision[NAME].tolist() == [None, runs[1].score[NAME].value]
    assert decision[f"goal_{NAME}"].tolist() == ["not measured", "missed"]
    assert NAME not in old.score
    assert report.write(old, Report(lang="en")).is_file()
