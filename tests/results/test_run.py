"""A run folder, opened: what it holds, how a notebook shows it, and what damaged folders say."""

import re

import pandas as pd
import pytest
from fake_runs import fake_run
from matplotlib.figure import Figure

from kimchi_vision import data
from kimchi_vision.base.errors import ConfigError, InputError
from kimchi_vision.base.files import sha256_of, write_json, write_table
from kimchi_vision.config.sections import Data, Report
from kimchi_vision.results import evaluate, report
from kimchi_vision.results.report import notebook
from kimchi_vision.results.run import Run
from kimchi_vision.results.scores import METRICS

EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture
def photos(folder_of, tmp_path):
    root = folder_of({"깍두기": 6, "배추김치": 6, EVIL: 6})
    return data.load(Data(path=root, valid_pct=0.5), tmp_path)


@pytest.fixture
def run(photos, tmp_path):
    return fake_run(tmp_path / "exports" / "mild", photos, skill=1.5)


def test_a_folder_that_is_none_is_a_sentence(tmp_path):
    with pytest.raises(InputError, match=r"exp9: there is no such run folder\.$"):
        Run.open(tmp_path / "exp9")
    with pytest.raises(InputError, match=r"/experiment.yaml is missing. Is .* a run folder\?$"):
        Run.open(tmp_path)


def test_a_run_opens_from_its_path_a_string_or_a_run(run):
    for given in (run.path, str(run.path), run):
        opened = Run.open(given)
        assert (opened.name, opened.vocab) == ("mild", tuple(sorted(opened.vocab)))
        assert repr(opened) == f"Run('{run.path}')"
    assert opened.experiment.data.path == run.photos.root
    assert not opened.is_finished


@pytest.mark.parametrize("file", ["labels", "metrics", "calibration", "exported"])
def test_damaged_json_is_one_sentence_that_names_the_file(run, file):
    path = {"exported": run.files.export}.get(file) or getattr(run.files, file)
    attribute = {"labels": "vocab"}.get(file, file)
    for damage in (b"[half", b"\xff\xfe\x00"):
        path.write_bytes(damage)
        with pytest.raises(InputError, match=rf"^.*{path.name} is damaged: .*--force\.$") as caught:
            getattr(Run.open(run.path), attribute)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("file", ["items", "history", "predictions"])
def test_damaged_csv_is_one_sentence_that_names_the_file(run, file):
    path = getattr(run.files, file)
    for damage in (b"", b'path,label\n"half', b"a,b\n1,2,3,4\n1\n1,2,3,4,5,6\n", b"\xff\xfe\x00"):
        path.write_bytes(damage)
        with pytest.raises(InputError, match=rf"^.*{path.name} is damaged: .*--force\.$") as caught:
            getattr(Run.open(run.path), file)
        assert "\n" not in str(caught.value)


def test_what_is_written_after_the_run_is_sealed_too(run):
    write_json(run.files.finished, {"digest": "ab", "files": {"labels.json": sha256_of(run.files.labels)}})
    run.write_json(run.files.test_metrics, {"accuracy": 0.5})
    run.write_table(run.files.embedding, pd.DataFrame({"path": ["a.jpg"], "x": [0.5]}))
    assert Run(run.path).damaged() == []
    run.files.test_metrics.write_text("{}")
    run.files.embedding.write_text("path\n")
    assert Run(run.path).damaged() == ["test.json", "map.csv"]
    with pytest.raises(InputError, match=r"test\.json is damaged, or was changed"):
        Run(run.path).json(run.files.test_metrics)


def test_a_damaged_experiment_is_a_sentence(run):
    run.files.experiment.write_text("data: [half")
    with pytest.raises(ConfigError, match=r"experiment.yaml:1: a bracket, .* is not closed"):
        Run.open(run.path).experiment.digest  # noqa: B018


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_an_old_folder_opens(run, mark):
    """No notes, no groups, no intervals of loss, and CSV files with and without a byte order mark."""
    run.files.data.write_text('{"root": "photos"}')
    for file in (run.files.items, run.files.predictions):
        table = run.table(file).drop(columns="group", errors="ignore")
        file.write_text(f"{mark}{table.to_csv(index=False)}", encoding="utf-8")
    metrics = {key: value for key, value in run.metrics.items() if key != "loss_interval"}
    write_json(run.files.metrics, {**metrics, "top_k_accuracy": 1.0})
    old = Run.open(run.path)
    assert (old.photos.notes, str(old.photos.root)) == ((), "photos")
    assert "path" in old.items
    assert old.predictions.group is None
    assert len(old.predictions.part("valid")) == old.metrics["photos"]
    assert old.score["loss"].interval is None
    assert report.write(old, Report()).is_file()
    run.files.data.unlink()
    assert Run.open(run.path).photos.notes == ()


def test_the_table_of_scores_has_a_row_a_score(run):
    table = run.scores
    assert (list(table.index), list(table)) == (list(METRICS), ["value", "low", "high", "n"])
    assert table.loc["accuracy"].tolist() == [
        run.metrics["accuracy"],
        *run.metrics["accuracy_interval"],
        run.metrics["photos"],
    ]
    told = table.dropna()
    assert (told["low"] <= told["value"]).all()
    assert (told["value"] <= told["high"]).all()


def test_what_is_not_there_yet_is_empty(run):
    for file in (run.files.history, run.files.data):
        file.unlink()
    opened = Run.open(run.path)
    assert opened.history.empty
    assert (opened.data, opened.calibration, opened.exported, opened.times_opened()) == ({}, {}, {}, 0)


def test_groups_come_from_the_table_of_photos(run):
    items = run.items.assign(group=range(len(run.items)))
    write_table(run.files.items, items)
    opened = Run.open(run.path)
    expected = items.set_index("path").loc[opened.predictions.paths, "group"]
    assert opened.predictions.group.tolist() == expected.tolist()


def test_a_notebook_shows_accuracy_floor_and_names_that_are_no_markup(run):
    floor = {"accuracy": 0.612, "accuracy_interval": [0.5, 0.7], "gain": 0.1, "gain_interval": [0.0, 0.2]}
    section = run.experiment.resolved()["report"]
    assert section["lang"] == "auto"
    write_json(run.files.metrics, {**run.metrics, "floor": {**floor, "verdict": "above"}})
    shown = notebook(Run.open(run.path)).replace("\N{NO-BREAK SPACE}", " ")
    accuracy = run.score["accuracy"]
    assert f"{100 * accuracy.value:.1f} % ({100 * accuracy.low:.1f} % – {100 * accuracy.high:.1f} %)" in shown
    assert f"Accuracy on {accuracy.n} validation photos" in shown
    assert "Baseline (linear probe): 61.2 %" in shown
    assert EVIL not in shown
    assert "&lt;img src=x onerror=alert(1)&gt;" in shown
    assert shown.count('<img src="data:image/webp') == 6


def test_a_run_that_has_not_ended_says_so_in_a_notebook(run):
    run.files.metrics.unlink()
    assert "the run has not ended" in notebook(Run.open(run.path))


def test_each_plot_is_a_figure(run):
    for figure in (
        run.plot_confusion_matrix(),
        run.plot_confusion_matrix(normalize=True),
        run.plot_top_losses(4),
        run.plot_losses(),
    ):
        assert isinstance(figure, Figure)
    worst = evaluate.metrics(run.predictions.part("valid"), run.experiment.evaluate)["top_losses"]
    (first, *_), truth = run.plot_top_losses(4).axes, run.items.set_index("path")["label"]
    assert f"actual {truth[worst[0]]}" in first.get_title()
    assert len(run.plot_top_losses(4).axes) == 4
    counts, shares = (
        {text.get_text() for text in run.plot_confusion_matrix(normalize).axes[0].texts} - {"·"}
        for normalize in (False, True)
    )
    assert {count.isdigit() for count in counts} == {True}
    assert all(re.fullmatch(r"[01]\.\d\d", share) for share in shares)


def test_what_looks_like_a_number_is_read_as_it_was_written(tmp_path):
    run = Run(tmp_path)
    names = ["path", "label", "split", "sha256", "truth", "predicted", "stage", "crop", "box"]
    for written in (["007", "1e5"], ["NA", "null"]):
        write_table(run.files.items, pd.DataFrame(dict.fromkeys(names, written)))
        assert Run(tmp_path).items.to_numpy().T.tolist() == [written] * 9


def test_losses_of_nothing_are_refused(run):
    write_table(run.files.history, pd.DataFrame(columns=["train_loss", "valid_loss"]))
    with pytest.raises(InputError, match="has no history: nothing was trained"):
        Run.open(run.path).plot_losses()
