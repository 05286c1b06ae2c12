"""A learning curve from the command line, resumed, on a few small photos."""

import numpy as np
import pytest
from typer.testing import CliRunner

from kimchi_vision import data
from kimchi_vision.base.numbers import percent
from kimchi_vision.cli.main import app
from kimchi_vision.config import Experiment
from kimchi_vision.config.sections import Data
from kimchi_vision.jobs import learning_curve
from kimchi_vision.jobs.learning_curve import plan
from kimchi_vision.results.run import Run
from tests.fake_runs import fake_run

EXPERIMENT = """
data: {{path: {photos}, splitter: stratified, valid_pct: 0.4}}
augment: {{resize: 40, size: 32}}
loader: {{batch_size: 8, workers: 0}}
model: {{backbone: test_efficientnet, weights: none}}
features: {{floor: false}}
train: [fit: {{epochs: 1}}]
export: {{pkl: false, onnx: false, safetensors: false, weights: false}}
"""


def test_smaller_shares_lie_in_larger_ones_and_classes_keep_their_share(folder_of, tmp_path):
    root = folder_of({"김치": 20, "깍두기": 10})
    sets = {}
    for share in (0.1, 0.5, 1):
        section = Data(path=root, splitter="stratified", train_share=share)
        photos = data.load(section, tmp_path / "cache")
        sets[share] = set(photos.part("train")["path"])
        assert photos.vocab == ("김치", "깍두기")
        assert len(photos.part("valid")) == 6
    assert sets[0.1] < sets[0.5] < sets[1]
    assert [sum(path.startswith("깍두기") for path in found) for found in sets.values()] == [1, 4, 8]


def test_each_seed_of_a_share_draws_other_photos(folder_of, tmp_path):
    experiment = Experiment.model_validate(
        {
            "name": "tiny",
            "recipe": "quick",
            "data": {"path": folder_of({"a": 20, "b": 20})},
            "evaluate": {"folds": 3},
        }
    )
    half, whole = plan(experiment, [0.25, 0.5, 1], [1, 2]).rows[1:]
    first, other = (set(data.load(run.data, tmp_path).part("train")["path"]) for run, _ in half.runs())
    assert len(first) == len(other) == 16
    assert first != other
    assert [run.data.draw for run, _ in whole.runs()] == [0, 0]
    assert not half.evaluate.test
    assert half.evaluate.folds is None


def test_a_line_says_photos_mean_and_spread_of_a_share(folder_of, tmp_path, monkeypatch):
    experiment = Experiment.model_validate(
        {"name": "tiny", "recipe": "quick", "data": {"path": folder_of({"a": 30, "b": 30}), "valid_pct": 0.4}}
    )
    planned, finished = plan(experiment, [0.25, 0.5, 1], [1, 2]), {}
    for skill, row in enumerate(planned.rows):
        runs = [(run.train.seed, data.load(run.data, tmp_path), run.name) for run, _ in row.runs()]
        finished[row.name] = [fake_run(tmp_path / name, photos, skill, seed) for seed, photos, name in runs]
    monkeypatch.setattr(learning_curve.table, "run_rows", lambda *given, **options: finished)
    monkeypatch.setattr(learning_curve.report, "write_table", lambda *given: "page")
    monkeypatch.setattr(learning_curve.plots, "save", lambda figure, path: figure.clear())
    said = learning_curve.learning_curve(planned, tmp_path, "en")
    for line, row in zip(said.splitlines()[1:4], planned.rows, strict=True):
        share, count, accuracy = line.split(maxsplit=2)
        values = [run.score["accuracy"].value for run in finished[row.name]]
        assert (float(share), int(count)) == (
            row.data.train_share,
            len(finished[row.name][0].photos.part("train")),
        )
        expected = f"{percent(np.mean(values))} ± {100 * np.std(values, ddof=1):.1f} (n = 2)"
        assert accuracy.startswith(expected)


@pytest.mark.slow
def test_a_curve_is_trained_once_and_said_in_words(folder_of, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "tiny.yaml"
    file.write_text(EXPERIMENT.format(photos=folder_of({"김치": 30, "깍두기": 30})), encoding="utf-8")
    command = ["learning-curve", str(file), "--fractions", "0.2", "0.5", "1", "--lang", "ko"]
    first = CliRunner().invoke(app, command)
    assert first.exit_code == 0, first.output
    assert "학습 사진" in first.output
    folder = tmp_path / "exports" / "tiny-learning-curve"
    for name in ("learning_curve.csv", "learning_classes.csv", "learning_curve.png", "report.html"):
        assert (folder / name).is_file()
    half = Run(folder / "share-0.5-seed1")
    ended = half.files.finished.stat().st_mtime_ns
    assert CliRunner().invoke(app, command).output == first.output
    assert half.files.finished.stat().st_mtime_ns == ended


def test_words_that_are_no_numbers_are_refused(tmp_path, command):
    file = tmp_path / "tiny.yaml"
    file.write_text(EXPERIMENT.format(photos="nowhere"), encoding="utf-8")
    done = command("learning-curve", file, "--fractions", "0.2", "half")
    assert (done.code, "--fractions takes numbers, not 0.2 half." in done.err) == (2, True)
