"""A table whose rows have several seeds and folds, with drawn predictions instead of trainings."""

import re
import shutil
from dataclasses import replace
from pathlib import Path
from statistics import stdev

import numpy as np
import pandas as pd
import pytest
from conftest import text_of
from fake_runs import fake_run, guesses

from kimchi_vision import data
from kimchi_vision.base.errors import InputError, InterruptedRunError, RunError
from kimchi_vision.base.files import write_json, write_text
from kimchi_vision.base.messages import catalogue
from kimchi_vision.base.numbers import percent
from kimchi_vision.config import dump, load, read_yaml
from kimchi_vision.config.sections import Data
from kimchi_vision.jobs import experiment, table
from kimchi_vision.jobs.executor.interface import Ended
from kimchi_vision.results import calibrate, compare, evaluate
from kimchi_vision.results.predictions import Predictions
from kimchi_vision.results.report import table_page
from kimchi_vision.results.run import Run
from kimchi_vision.results.scores import METRICS
from kimchi_vision.results.suspects import suspects

TABLE = """
defaults:
  data: {{path: {photos}, splitter: stratified, valid_pct: 0.5}}
  augment: {{resize: 40, size: 32}}
  loader: {{batch_size: 8, workers: 0}}
  model: {{backbone: test_efficientnet, weights: none}}
  features: {{floor: false}}
  train: [fit: {{epochs: 1}}]
  export: {{pkl: false, onnx: false, safetensors: false, weights: false}}
rows:
  plain: {{seeds: [1, 2]}}
  weak: {{loader: {{batch_size: 4}}, seeds: [1, 2]}}
  pooled: {{folds: 2}}
"""
SKILL = {"plain-seed1": 5, "plain-seed2": 1.8, "weak-seed1": 1, "weak-seed2": 0.2}
FACTS = {"plain-seed1": 60, "plain-seed2": 240, "pooled-fold0": 41.23, "pooled-fold1": 100.33}
"""Seconds of the training."""
TRAINED = {"seconds": 30, "epochs": 1, "kept_epoch": 1}


@pytest.fixture(scope="module", autouse=True)
def _no_figures():
    with pytest.MonkeyPatch.context() as patch:
        for room in (evaluate, calibrate):
            patch.setattr(room, "figures", lambda *_: {})
        yield


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    from tests.conftest import noise

    root = tmp_path_factory.mktemp("photos")
    for seed in range(48):
        noise(root / ("001", "1")[seed % 2] / f"{seed:02}.jpg", seed)
    return root


def changed(run, **facts):
    """The run opened anew, with other facts in metrics.json."""
    metrics = run.json(run.files.metrics)
    write_json(run.files.metrics, {**metrics, **facts})
    return Run(run.path)


def drawn(experiment, folder, force):
    """A run folder whose predictions are drawn."""
    settings = experiment.resolved()
    skill = SKILL.get(experiment.name, 2)
    found = data.load(experiment.data)
    seed = experiment.train.seed + experiment.data.fold
    run = fake_run(folder / experiment.name, found, skill, seed, **settings)
    seconds = FACTS.get(experiment.name, 30)
    write_json(run.files.finished, {})
    own = experiment.data.fold + 1
    return changed(
        run,
        train={"seconds": seconds, "epochs": own, "kept_epoch": own},
        model={"parameters": 1000 * own},
        latency_ms={"p50": 10.0 * own, "p95": 20.0 * own},
        peak_memory_mb=100 * own,
        machine={"processor": "fast", "cores": 2},
    )


@pytest.fixture(scope="module")
def trained(photos, tmp_path_factory):
    """Every row of the table, with what each training was asked for."""
    file = tmp_path_factory.mktemp("table") / "three.yaml"
    file.write_text(TABLE.format(photos=photos), encoding="utf-8")
    exports, calls = file.parent / "exports", []

    def run(experiment, folder, force):
        calls.append((experiment.name, folder, force))
        return drawn(experiment, folder, force)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table, "run", run)
        finished = table.run_rows(load(file), exports)
    return finished, calls, exports / "three"


@pytest.fixture
def finished(trained):
    return trained[0]


def test_each_seed_and_each_fold_is_a_run_in_the_tables_folder(trained):
    finished, calls, folder = trained
    names = ["plain-seed1", "plain-seed2", "weak-seed1", "weak-seed2", "pooled-fold0", "pooled-fold1"]
    assert calls == [(name, folder, False) for name in names]
    assert {row: [run.path for run in runs] for row, runs in finished.items()} == {
        "plain": [folder / "plain-seed1", folder / "plain-seed2"],
        "weak": [folder / "weak-seed1", folder / "weak-seed2"],
        "pooled": [folder / "pooled"],
    }


def test_a_row_with_seeds_is_a_line_with_mean_and_spread(trained):
    finished, _, folder = trained
    lines = pd.read_csv(folder / "table.csv").set_index("run")
    for row in ("plain", "weak"):
        line, runs = lines.loc[row], finished[row]
        for score in METRICS:
            one, other = (run.json(run.files.metrics)[score] for run in runs)
            assert one != other or score == "top_k_accuracy"  # which two classes always reach
            assert line[score] == pytest.approx((one + other) / 2)
            assert line[f"{score}_sd"] == pytest.approx(abs(one - other) / 2**0.5)
        over = compare.summary([run.path for run in runs])
        assert [line["accuracy_low"], line["accuracy_high"]] == pytest.approx([over["low"], over["high"]])
        alone = runs[0].metrics["accuracy_interval"]
        assert [line["accuracy_low"], line["accuracy_high"]] != pytest.approx(alone)
        assert (line["seeds"], line["photos"], line["parameters"]) == (2, 24, 1000)
        assert pd.isna(line["epoch"])
    assert lines.loc["plain", "train_minutes"] == 2.5
    assert lines["model_mb"].isna().all()
    assert "floor" not in lines


def test_one_run_is_a_line_with_its_own_interval_epoch_and_size(finished):
    run = finished["plain"][1]
    run.files.pkl.write_bytes(bytes(2_345_678))
    first, second = table.side_by_side({"one": [run], "both": finished["plain"]}).to_dict("records")
    run.files.pkl.unlink()
    metrics = run.json(run.files.metrics)
    assert [first["accuracy_low"], first["accuracy_high"]] == metrics["accuracy_interval"]
    assert (first["run"], first["seeds"], first["accuracy"]) == ("one", 1, metrics["accuracy"])
    assert (first["epoch"], first["model_mb"], first["train_minutes"]) == (1, 2.3, 4.0)
    assert "accuracy_sd" in second
    assert pd.isna(first["accuracy_sd"])


def test_a_floor_is_shown_where_every_run_has_one(photos, tmp_path):
    found = data.load(Data(path=photos, valid_pct=0.5))
    one, other = (fake_run(tmp_path / name, found) for name in ("one", "other"))
    one = changed(one, floor={"accuracy": 0.5})
    assert "floor" not in table.side_by_side({"both": [one, other]})
    other = changed(other, floor={"accuracy": 0.7})
    assert table.side_by_side({"both": [one, other]})["floor"].tolist() == pytest.approx([0.6])


def test_every_photo_is_predicted_by_the_fold_that_had_not_seen_it(finished):
    (pooled,) = finished["pooled"]
    predictions = pooled.table(pooled.files.predictions).set_index("path")
    assert len(predictions) == predictions.index.nunique() == 48
    assert set(pooled.table(pooled.files.items)["split"]) == {"valid"}
    for fold in pooled.json(pooled.files.metrics)["folds"]:
        run = Run(pooled.path.parent / fold["run"])
        own = run.table(run.files.predictions).set_index("path")
        assert (run.table(run.files.items).set_index("path").loc[own.index, "split"] == "valid").all()
        pd.testing.assert_frame_equal(predictions.loc[own.index], own)
    text = text_of(pooled.files.report)
    assert "by one of 2 models that had not seen it" in text
    assert "Nothing was trained" not in text


def test_pooled_folds_have_the_scores_of_all_and_the_seconds_of_all(finished):
    (pooled,) = finished["pooled"]
    metrics, runs = (
        pooled.json(pooled.files.metrics),
        [Run(pooled.path.parent / f"pooled-fold{n}") for n in (0, 1)],
    )
    own = [run.json(run.files.metrics) for run in runs]
    assert metrics["folds"] == [
        {"run": run.path.name, "photos": 24, "accuracy": scores["accuracy"]}
        for run, scores in zip(runs, own, strict=True)
    ]
    assert own[0]["accuracy"] != own[1]["accuracy"]
    assert (metrics["photos"], metrics["accuracy"]) == (
        48,
        pytest.approx(np.mean([scores["accuracy"] for scores in own])),
    )
    assert metrics["train"] == {"epochs": 3, "kept_epoch": None, "seconds": 141.6}
    assert (metrics["model"], metrics["latency_ms"]) == ({"parameters": 1000}, {"p50": 10.0, "p95": 20.0})
    assert metrics["machine"] == {"processor": "fast", "cores": 2}
    assert metrics["peak_memory_mb"] == 100
    assert "photos_per_second" not in metrics
    assert pooled.json(pooled.files.labels) == ["001", "1"]
    facts = pooled.json(pooled.files.data)
    assert (facts["root"], facts["parts"]) == (runs[0].data["root"], {"valid": 48})


def test_finished_folds_are_pooled_once_unless_forced(trained, monkeypatch):
    finished, _, folder = trained
    (pooled,) = finished["pooled"]
    asked = load(folder.parent.parent / "three.yaml").rows[2].runs()[0]
    forced = []
    monkeypatch.setattr(
        table, "run", lambda fold, exports, force: forced.append(force) or Run(exports / fold.name)
    )
    before = pooled.files.metrics.stat().st_mtime_ns
    assert table.run_folds(*asked, folder).path == pooled.path
    assert (forced, pooled.files.metrics.stat().st_mtime_ns) == ([False, False], before)
    table.run_folds(*asked, folder, force=True)
    assert forced[2:] == [True, True]
    assert pooled.files.metrics.stat().st_mtime_ns > before
    assert pooled.files.finished.is_file()
    items = pooled.files.items.read_text(encoding="utf-8")
    pooled.files.finished.unlink()
    table.run_folds(*asked, folder)
    assert pooled.files.finished.is_file()
    assert pooled.files.items.read_text(encoding="utf-8") == items


def test_folds_of_another_experiment_give_way_to_force_alone(trained, monkeypatch):
    _, _, folder = trained
    monkeypatch.setattr(table, "run", lambda fold, exports, force: Run(exports / fold.name))
    asked, parts = load(folder.parent.parent / "three.yaml").rows[2].runs()[0]
    other = asked.model_copy(update={"question": "another?"})
    with pytest.raises(InputError, match="holds something else than this experiment's run"):
        table.run_folds(other, parts, folder)
    assert table.run_folds(other, parts, folder, force=True).experiment.question == "another?"
    table.run_folds(asked, parts, folder, force=True)


def test_the_winners_accuracy_on_test_photos_stands_beside_the_corrected_one(trained, tmp_path):
    finished, _, folder = trained
    copied = Path(shutil.copytree(folder, tmp_path / "three"))
    rows = {row: [Run(copied / run.path.name) for run in finished[row]] for row in ("plain", "weak")}
    assert "On test photos" not in table.verdicts(rows, "en")
    for run in rows["plain"]:
        own = {**run.metrics, "split": "test", "accuracy": 0.625, "accuracy_interval": [0.5, 0.75]}
        write_json(run.files.test_metrics, own)
        Predictions.joined([run.predictions, run.predictions.as_part("test")]).write(run.files.predictions)
    rows = {row: [Run(run.path) for run in runs] for row, runs in rows.items()}
    said = "On test photos, which chose nothing: 62.5 % (50.0 % – 75.0 %), 62.5 % (50.0 % – 75.0 %)."
    lines = table.verdicts(rows, "en").splitlines()
    assert lines[lines.index(said) - 1].startswith("plain was chosen from 2 rows")
    page = text_of(copied / "report.html")
    first = page.split('<p class="big">')[1].split("</p>")[0]
    assert "<strong>62.5 %</strong>" in first
    assert "plain: Accuracy (test), 95 % interval" in first
    assert "<h2>Accuracy (validation)</h2>" in page
    assert pd.read_csv(copied / "decision.csv")["part"].tolist() == ["test", "test", "valid", "valid"]


def test_rows_with_folds_beside_their_models_are_compared_on_what_these_answered(photos, tmp_path):
    """All 48 photos instead of 24, on the screen, on the page and in the comparison."""
    found, rows = data.load(Data(path=photos, valid_pct=0.5)), {}
    every = replace(found, items=found.items.assign(split="valid"))
    for seed, (name, skill) in enumerate((("weak", 0.5), ("strong", 4))):
        run = changed(
            fake_run(tmp_path / "t" / name, found, seed=seed), train=TRAINED, model={"parameters": 1}
        )
        pooled = guesses(every, skill, seed).grouped(found.items).as_part("folds")
        Predictions.joined([run.predictions, pooled]).write(run.files.predictions)
        told = evaluate.metrics(pooled, run.experiment.evaluate) | {"folds": [{"accuracy": 0.5}] * 2}
        write_json(run.files.fold_metrics, told)
        rows[name] = [Run(run.path)]
    said, page = table.verdicts(rows, "en"), text_of(tmp_path / "t" / "report.html")
    line = table.side_by_side(rows).set_index("run").loc["strong"]
    assert (line["part"], line["photos"]) == ("folds", 48)
    assert line["accuracy"] == rows["strong"][0].mistakes["accuracy"]
    assert "strong did better than weak" in said
    assert "Over the 48 cross-validated photos." in said
    assert "strong was chosen from 2 rows on the same photos" in said
    first = page.split('<p class="big">')[1].split("</p>")[0]
    assert "strong: Accuracy (cross-validated, without what choosing added)" in first
    assert "n = 48" in first
    assert "<h2>Accuracy (cross-validated)</h2>" in page
    other = fake_run(tmp_path / "t" / "alone", found)
    assert compare.compare([rows["strong"][0], other]).part == "valid"


def test_notes_on_the_photos_are_those_of_the_folds(trained, monkeypatch):
    _, _, folder = trained
    first = Run(folder / "pooled-fold0")
    facts = first.json(first.files.data)
    note = ["and_more", {"n": 3}]
    write_json(first.files.data, {**facts, "notes": [note]})
    monkeypatch.setattr(table, "run", lambda fold, exports, force: Run(exports / fold.name))
    asked = load(folder.parent.parent / "three.yaml").rows[2].runs()[0]
    again = table.run_folds(*asked, folder, force=True)
    assert again.json(again.files.data)["notes"] == [note]
    write_json(first.files.data, facts)


def test_folds_are_read_by_suspects_and_compare(finished):
    (pooled,) = finished["pooled"]
    assert set(suspects([pooled]).columns) == {"path", "label", "suggested", "quality"}
    with pytest.raises(InputError, match="different photos: 0 only in the first, 24 only in the second"):
        compare.compare([finished["plain"][0].path, pooled.path])


def test_a_row_that_fails_is_named_and_the_others_run(photos, tmp_path, monkeypatch, caplog):
    file = tmp_path / "three.yaml"
    file.write_text(TABLE.format(photos=photos), encoding="utf-8")
    planned, done = load(file), Run(tmp_path / "done")
    fake_run(done.path, data.load(Data(path=photos, valid_pct=0.5)))

    def failing(*names):
        def run(experiment, folder, force):
            if experiment.name in names:
                raise RunError("no memory")
            return done

        monkeypatch.setattr(table, "run", run)
        monkeypatch.setattr(
            table, "run_folds", lambda experiment, folds, folder, force: run(experiment, folder, force)
        )

    failing("plain-seed1", "pooled")
    finished = table.run_rows(planned, tmp_path)
    assert finished == {"plain": [done], "weak": [done, done]}
    assert "plain-seed1 failed, 1 of 5. no memory" in caplog.text
    assert "Failed runs: plain-seed1, pooled. The table holds the others." in caplog.text
    assert pd.read_csv(tmp_path / "three" / "table.csv")["run"].tolist() == ["plain", "weak"]
    caplog.clear()
    failing()
    table.run_rows(planned, tmp_path)
    assert "ailed" not in caplog.text
    failing("plain-seed1", "plain-seed2", "weak-seed1", "weak-seed2", "pooled")
    with pytest.raises(RunError, match="No row of three ended"):
        table.run_rows(planned, tmp_path)


def test_an_executor_is_given_every_run_and_fold_and_what_it_refuses_is_left_out(
    photos, tmp_path, monkeypatch, caplog
):
    class Here:
        """Does all in this process, but for one."""

        def run(self, leaves):
            self.names = [leaf.name for leaf in leaves]
            results = {leaf.name: leaf.work(False) for leaf in leaves if leaf.name != "plain-seed1"}
            return Ended(results, {"plain-seed1": "no memory"})

    forced, here = [], Here()

    def run(experiment, folder, force):
        forced.append(force)
        return drawn(experiment, folder, force)

    monkeypatch.setattr(experiment, "run", run)
    monkeypatch.setattr(
        table, "run", lambda fold, exports, force: forced.append(force) or Run(exports / fold.name)
    )
    (file := tmp_path / "three.yaml").write_text(TABLE.format(photos=photos), encoding="utf-8")
    finished = table.run_rows(load(file), tmp_path, force=True, on=here)
    names = {row: [run.name for run in runs] for row, runs in finished.items()}
    assert names == {"plain": ["plain-seed2"], "weak": ["weak-seed1", "weak-seed2"], "pooled": ["pooled"]}
    assert here.names == ["plain-seed1", *names["plain"], *names["weak"], "pooled-fold0", "pooled-fold1"]
    assert forced == [True] * 5 + [False] * 2  # pooled, and not trained once more
    assert "Failed runs: plain-seed1." in caplog.text
    assert "Run 1 of" not in caplog.text


def test_each_run_that_begins_is_told_with_its_number(photos, tmp_path, monkeypatch, caplog):
    (file := tmp_path / "three.yaml").write_text(TABLE.format(photos=photos), encoding="utf-8")
    monkeypatch.setattr(table, "run", drawn)
    monkeypatch.setattr(table, "run", drawn)
    with caplog.at_level("INFO", "kimchi_vision"):
        table.run_rows(load(file), tmp_path)
    begun = [line for line in caplog.messages if line.startswith("Run ")]
    assert (begun[0], begun[-1]) == ("Run 1 of 5: plain-seed1", "Run 5 of 5: pooled")


def test_ctrl_c_ends_the_table_and_no_other_row_begins(photos, tmp_path, monkeypatch):
    (file := tmp_path / "three.yaml").write_text(TABLE.format(photos=photos), encoding="utf-8")
    begun = []

    def interrupted(experiment, folder, force):
        begun.append(experiment.name)
        raise InterruptedRunError("Interrupted.")

    monkeypatch.setattr(table, "run", interrupted)
    with pytest.raises(InterruptedRunError):
        table.run_rows(load(file), tmp_path)
    assert begun == ["plain-seed1"]


@pytest.mark.parametrize("taken", ["weak-seed2", "pooled-fold1"])
def test_a_folder_of_something_else_is_found_before_the_first_row_trains(
    photos, tmp_path, monkeypatch, taken
):
    file = tmp_path / "three.yaml"
    file.write_text(TABLE.format(photos=photos), encoding="utf-8")
    trained = []
    done = fake_run(tmp_path / "done", data.load(Data(path=photos, valid_pct=0.5)))
    monkeypatch.setattr(table, "run", lambda *given: trained.append(given[2]) or done)
    monkeypatch.setattr(table, "run_folds", lambda *given: trained.append(given[3]) or done)
    (tmp_path / "three" / taken).mkdir(parents=True)
    (tmp_path / "three" / taken / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match=f"three/{taken} holds something else"):
        table.run_rows(load(file), tmp_path)
    assert trained == []
    table.run_rows(load(file), tmp_path, force=True)
    assert trained == [True] * 5


def rows_of(finished, *names):
    return {name: finished[name] for name in names}


def opened(rows):
    """The same runs, read anew."""
    return {name: [Run(run.path) for run in runs] for name, runs in rows.items()}


def test_the_page_and_the_screen_say_mean_spread_and_number(trained):
    finished, _, folder = trained
    seeded = rows_of(finished, "plain", "weak")
    said = table.verdicts(seeded, "en").splitlines()
    result = compare.compare([run.path for runs in seeded.values() for run in runs], lang="en")
    assert said[: len(result.text().splitlines())] == result.text().splitlines()
    accuracies = [run.json(run.files.metrics)["accuracy"] for run in finished["plain"]]
    mean, spread = np.mean(accuracies), stdev(accuracies)
    said_spread = f"± {100 * spread:.2f} over n = 2 seeds (mean ± standard deviation)."
    sentence = f"plain: accuracy {percent(mean, 2)} {said_spread}"
    assert sentence in said
    assert said[-1] == f"Side by side: {folder / 'report.html'}"
    text = text_of(folder / "report.html")
    for line in (*result.sentences(), sentence):
        assert re.search(f">{re.escape(line)}</(li|p)>", text)
    cell = f"<td>{100 * mean:.1f} % <small>± {100 * spread:.1f} % (n = 2)</small></td>"
    assert cell in re.sub(r"\s+<", "<", text).replace("<small>", " <small>")
    assert (folder / "compare.md").read_text(encoding="utf-8").startswith("# Comparison\n")
    assert "| plain | " in (folder / "compare.md").read_text(encoding="utf-8")
    decision = pd.read_csv(folder / "decision.csv")
    assert decision["run"].tolist() == [f"{row}-seed{seed}" for row in ("plain", "weak") for seed in (1, 2)]
    assert decision["accuracy"][:2].tolist() == pytest.approx(accuracies)
    assert decision["train_minutes"].tolist() == [1, 4, 0.5, 0.5]
    korean = table.verdicts(seeded, "ko")
    for said in ("쪽이", "시드 n = 2개", "파라미터 수", "비교 보고서: "):
        assert said in korean
    assert '<html lang="ko"' in (folder / "report.html").read_text("utf-8")


def test_rows_with_other_photos_are_not_compared_but_shown(trained):
    finished, _, folder = trained
    (folder / "compare.md").unlink(missing_ok=True)
    said = table.verdicts(finished, "en")
    first = said.splitlines()[0]
    assert first.startswith("These rows are not compared. ")
    assert "24 only in the second" in first
    assert not (folder / "compare.md").exists()
    text = text_of(folder / "report.html")
    assert "These rows are not compared." in text
    assert "cannot be compared: pooled." in text


def test_goals_are_said_of_each_run_and_drawn_where_a_latency_is_known(trained, monkeypatch):
    finished, _, folder = trained
    drawn = []
    figure = table.plots.accuracy_latency
    monkeypatch.setattr(
        table.plots,
        "accuracy_latency",
        lambda *given, **goals: drawn.append((given, goals)) or figure(*given, **goals),
    )
    seeded = rows_of(finished, "plain")
    one = seeded["plain"][0]
    text = one.files.experiment.read_text(encoding="utf-8")
    table.verdicts(seeded, "en")
    assert drawn == []
    assert not (folder / "accuracy_latency.png").exists()
    write_text(one.files.experiment, dump({**read_yaml(one.files.experiment), "goals": {"fps": 40}}))
    one.files.onnx.write_bytes(bytes(1_000_000))
    seeded = opened(seeded)
    goals_in_korean = table.verdicts(seeded, "ko").splitlines()[-3]
    said = table.verdicts(seeded, "en")
    write_text(one.files.experiment, text)
    one.files.onnx.unlink()
    assert "plain-seed1: fps met." in said.splitlines()
    assert goals_in_korean == "plain-seed1: 속도 목표 달성."
    assert "plain-seed1: fps met." in (folder / "report.html").read_text(encoding="utf-8")
    ((timed,), wanted), *_ = drawn
    assert (timed["run"].tolist(), wanted) == (["plain-seed1"], {"fps": 40})
    assert (folder / "accuracy_latency.png").is_file()
    (folder / "accuracy_latency.png").unlink()


def test_the_page_lays_rows_side_by_side(trained, monkeypatch):
    finished, _, folder = trained
    monkeypatch.chdir(folder)
    (folder / "decision.csv").unlink(missing_ok=True)
    page = table_page.view(finished, Path("report.html"), ["Said."], catalogue("en"))
    assert (page["name"], page["verdicts"], page["decision"]) == ("three", ["Said."], None)
    assert page["machine"] == "fast (2)"
    assert page["on_other_photos"] == ["pooled"]
    plain, _, pooled = page["rows"]
    own = [run.json(run.files.metrics) for run in finished["plain"]]
    assert page["scores"] == tuple(name for name in METRICS if name != "error_rate")
    for (score, spread), name in zip(plain["scores"], page["scores"], strict=True):
        assert score.value == pytest.approx((own[0][name] + own[1][name]) / 2)
        assert spread == pytest.approx(abs(own[0][name] - own[1][name]) / 2**0.5)
    facts = ("name", "seeds", "photos", "kept_epoch", "train_seconds", "parameters", "pkl_size")
    assert [plain[fact] for fact in facts] == ["plain", 2, 24, None, 150, 1000, None]
    assert plain["reports"] == [("plain-seed1", None), ("plain-seed2", None)]
    assert pooled["reports"] == [("pooled", "pooled/report.html")]
    whole = finished["pooled"][0].metrics
    for (score, spread), name in zip(pooled["scores"], page["scores"], strict=True):
        assert (score.value, score.interval, spread) == (whole[name], whole[f"{name}_interval"], None)
    assert pooled["photos"] == 48
    assert page["differences"] == {
        "data.splitter": ["stratified", "stratified", "kfold"],
        "data.folds": [5, 5, 2],
        "loader.batch_size": [8, 4, 8],
        "train.seed": [1, 1, 42],
    }


def test_the_page_shows_one_runs_epoch_size_question_and_decisions(trained):
    finished, _, folder = trained
    one, other = finished["plain"]
    text = one.files.experiment.read_text(encoding="utf-8")
    changes = {"question": "Warm?", "train": {"stages": [{"fit": {"epochs": 2}}, {"fit": {"epochs": 3}}]}}
    write_text(one.files.experiment, dump({**read_yaml(one.files.experiment), **changes}))
    metrics = other.json(other.files.metrics)
    write_json(other.files.metrics, {**metrics, "machine": {"processor": "slow", "cores": 1}, "train": {}})
    one.files.pkl.write_bytes(bytes(1_500_000))
    decision = "run,accuracy,p50_ms,goal_fps,file_mb\n001,0.9,,met,\nNA,0.8,12.5,,\n"
    (folder / "decision.csv").write_text(decision, encoding="utf-8")
    rows = opened({"one": [one], "other": [other]})
    page = table_page.view(rows, folder / "report.html", [], catalogue("en"))
    write_text(one.files.experiment, text)
    write_json(other.files.metrics, metrics)
    one.files.pkl.unlink()
    first, second = page["rows"]
    assert (first["question"], second["question"]) == (["Warm?"], [])
    facts = ("kept_epoch", "train_seconds", "parameters", "pkl_size")
    assert [first[fact] for fact in facts] == [1, 60, 1000, 1.5]
    assert [second[fact] for fact in facts] == [None, None, 1000, None]
    assert (page["machine"], page["on_other_photos"]) == ("fast (2); slow (1)", [])
    assert page["differences"]["train.stages.1.fit.epochs"] == [2, 1]
    assert page["differences"]["train.stages.2.fit.epochs"] == [3, None]
    assert "question" not in page["differences"]
    assert page["decision"] == {
        "runs": ["001", "NA"],
        "columns": {
            "Accuracy": ["90.0 %", "80.0 %"],
            "Latency of one photo, median, ms": ["–", "12.5"],
            "Goal: photos a second, one by one": ["met", "–"],
        },
    }
    assert [chart.title for chart in page["charts"]] == ["Accuracy against time"]
