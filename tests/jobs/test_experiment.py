import errno
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import yaml

from kimchi_vision.base.errors import InputError, RunError
from kimchi_vision.base.run_files import RunDir
from kimchi_vision.config import load
from kimchi_vision.jobs.experiment import run

TINY = """
data: {{path: {photos}, splitter: stratified}}
augment: {{resize: 40, size: 32}}
loader: {{batch_size: 4, workers: 0}}
model: {{backbone: resnet18, weights: none}}
train: [fit: {{epochs: 1}}]
"""
FILES = {
    "experiment.yaml", "versions.json", "items.csv", "data.json", "history.csv", "predictions.csv",
    "metrics.json", "labels.json", "classification_report.txt", "summary.txt", "report.html", "model.pkl",
    "weights.pth", "log.txt", "finished.json", "figures/batch.png", "figures/losses.png",
    "figures/confusion_matrix.png", "figures/top_losses.png", "figures/results.png",
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A place with two classes of photos and an experiment on them."""
    from tests.conftest import noise

    place = tmp_path_factory.mktemp("place")
    for seed in range(20):
        noise(place / "photos" / ("갓김치", "백김치")[seed % 2] / f"{seed:02}.jpg", seed)
    (place / "tiny.yaml").write_text(TINY.format(photos=place / "photos"), encoding="utf-8")
    return place


@pytest.fixture(scope="module")
def finished(folder) -> RunDir:
    return run(load(folder / "tiny.yaml"), folder / "exports")


def command(*words, cwd):
    line = [sys.executable, "-m", "kimchi_vision", *map(str, words)]
    return subprocess.run(line, capture_output=True, text=True, cwd=cwd, check=False)


def test_a_run_folder_explains_itself(finished):
    assert [name for name in FILES if not (finished.path / name).is_file()] == []
    assert not list(finished.path.rglob(".*"))


def test_the_exported_learner_answers_in_a_fresh_process_without_this_package(finished, folder):
    code = """
import sys, warnings
warnings.simplefilter("ignore")
sys.modules["kimchi_vision"] = None
from pathlib import Path
from PIL import Image
from fastai.learner import load_learner
learn = load_learner("exports/tiny/model.pkl")
photo = Path(sys.argv[1])
for source in (str(photo), photo, photo.read_bytes(), Image.open(photo)):
    print(*learn.predict(source)[2].tolist())
"""
    row = finished.read_table(finished.predictions).iloc[0]
    photo = folder / "photos" / row["path"]
    line = [sys.executable, "-c", code, photo]
    done = subprocess.run(line, capture_output=True, text=True, cwd=folder, check=False)
    assert done.returncode == 0, done.stderr
    answers = np.loadtxt(done.stdout.splitlines())
    expected = row[[f"p:{name}" for name in ("갓김치", "백김치")]].to_numpy(float)
    np.testing.assert_allclose(answers, np.tile(expected, (4, 1)), atol=1e-5)


def test_a_head_on_frozen_features_is_a_run_without_epochs(folder):
    changes = ["train=[probe]", "model.head=linear", "name=head"]
    finished = run(load(folder / "tiny.yaml", changes), folder / "exports")
    assert finished.report.is_file()
    assert not finished.figure("losses").exists()


@pytest.mark.parametrize("engine", ["fastai", "fused"])
def test_averaged_views_are_scored_beside_a_run_that_stays_as_it_is(finished, folder, engine, caplog):
    caplog.set_level("INFO", "kimchi_vision")
    changes = ["evaluate.tta=2", f"augment.engine={engine}", f"name={engine}"]
    averaged = run(load(folder / "tiny.yaml", changes), folder / "exports")
    found = averaged.read_json(averaged.metrics)["tta"]
    assert found["n"] == 2
    assert "2 varied views of each photo" in averaged.log.read_text(encoding="utf-8")
    assert "2 varied views of each photo" in averaged.report.read_text(encoding="utf-8")
    assert averaged.onnx.is_file()  # it and model.pkl were proven against predictions.csv
    assert averaged.pkl.is_file()
    if engine == "fused":  # as the finished run, which has no engine of its own choice
        assert averaged.predictions.read_bytes() == finished.predictions.read_bytes()
        assert not finished.averaged.exists()


def test_a_finished_run_is_not_run_again(finished, folder):
    before = finished.finished.stat().st_mtime_ns
    assert run(load(folder / "tiny.yaml"), folder / "exports") == finished
    assert finished.finished.stat().st_mtime_ns == before


def test_another_experiment_never_overwrites_a_run(finished, folder):
    with pytest.raises(InputError, match="--force"):
        run(load(folder / "tiny.yaml", ["train.seed=1"]), folder / "exports")
    assert finished.pkl.is_file()


def test_the_command_line_says_bad_input_in_a_line_and_ends_with_2(folder, tmp_path):
    done = command("run", folder / "tiny.yaml", "--set", "data.path=nowhere", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.strip() == (
        "nowhere does not exist. data/README.md says where the photos come from and how to lay them out."
    )
    assert not (tmp_path / "exports").exists()


def test_predict_prints_labels_as_text_and_json(finished, folder):
    photo = folder / "photos" / finished.read_table(finished.predictions)["path"][0]
    done = command("predict", finished.path, photo, "--json", cwd=folder)
    (answer,) = yaml.safe_load(done.stdout)
    assert answer["label"] in ("갓김치", "백김치")
    assert sum(answer["classes"].values()) == pytest.approx(1)
    assert answer["label"] in command("predict", finished.path, photo, cwd=folder).stdout


def test_a_photo_that_cannot_be_read_is_named(finished, folder, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no photo")
    done = command("predict", finished.path, broken, cwd=folder)
    assert (done.returncode, "broken.jpg" in done.stderr) == (2, True)


def test_a_table_runs_every_row_and_lays_them_side_by_side(folder):
    table = folder / "pair.yaml"
    rows = "rows:\n  a: tiny.yaml\n  b: {train: [fit: {epochs: 2}]}\n"
    table.write_text("defaults:" + TINY.format(photos=folder / "photos").replace("\n", "\n  ") + "\n" + rows)
    done = command("run", table, cwd=folder)
    assert done.returncode == 0, done.stderr
    lines = (folder / "exports" / "pair" / "table.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["run", "a", "b"]
    assert "accuracy" in done.stdout


@pytest.mark.slow
def test_the_shape_of_exp1_on_real_photos_with_real_weights(food10, tmp_path):
    from pathlib import Path

    exp1 = Path(__file__).parents[2] / "experiments" / "exp1.yaml"
    changes = {
        "data.path": food10, "data.per_class": 20, "augment.resize": 128, "augment.size": 96,
        "augment.normalize": "backbone", "loader.batch_size": 16,
        "model.backbone": "tf_efficientnet_lite0", "model.weights": "offline",
    }  # fmt: skip
    experiment = load(exp1, [f"{key}={value}" for key, value in changes.items()])
    finished = run(experiment, tmp_path)
    metrics = finished.read_json(finished.metrics)
    assert metrics["photos"] == 40
    low, high = metrics["accuracy_interval"]
    assert 0.1 < low < metrics["accuracy"] < high  # 0.1 is chance
    stages = finished.read_table(finished.history)["stage"].tolist()
    assert stages == ["fine_tune (frozen)", *["fine_tune"] * 3, *["fit_one_cycle"] * 2]


@pytest.mark.parametrize(
    ("number", "sentence"), [(errno.ENOSPC, "no room left"), (errno.EROFS, "last.pth cannot be written")]
)
def test_a_disk_that_fails_stops_the_run_and_the_same_command_goes_on(
    folder, tmp_path, monkeypatch, caplog, number, sentence
):
    caplog.set_level("INFO", "kimchi_vision")
    changes = ["model.backbone=test_efficientnet", "features.floor=false", "train.stages=[fit: {epochs: 3}]"]
    changes += ["evaluate.tta=2"]
    none = "export={pkl: false, weights: false, onnx: false, safetensors: false}"
    experiment = load(folder / "tiny.yaml", [*changes, none])
    expected = run(experiment, tmp_path / "whole")
    with monkeypatch.context() as patch:
        patch.setattr("kimchi_vision.base.files.os.replace", failing_at_the_second("last.pth", number))
        with pytest.raises(RunError, match=f"{sentence}.*give the same command"):
            run(experiment, tmp_path / "failed")
    found = run(experiment, tmp_path / "failed")
    assert "goes on after its last checkpoint" in caplog.text
    assert found.predictions.read_bytes() == expected.predictions.read_bytes()
    assert found.averaged.read_bytes() == expected.averaged.read_bytes()
    assert len(found.read_table(found.history)) == 3


def failing_at_the_second(name, number):
    """os.replace, but for the second file of this name."""
    before, replace = [], os.replace

    def failing(source, target):
        before.extend([target] if target.name == name else [])
        if target.name == name and len(before) == 2:
            raise OSError(number, os.strerror(number), str(target))
        replace(source, target)

    return failing


@pytest.mark.slow
def test_ctrl_c_ends_with_130_and_the_same_command_goes_on(folder, tmp_path):
    line = [sys.executable, "-m", "kimchi_vision", "run", str(folder / "tiny.yaml")]
    line += [
        "--exports",
        str(tmp_path),
        "--set",
        "train.stages=[fit: {epochs: 12}]",
        "--set",
        "export.timings=false",
    ]
    history = tmp_path / "tiny" / "history.csv"
    heard = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}  # also in the background
    with subprocess.Popen(line, cwd=folder, stderr=subprocess.PIPE, text=True, **heard) as running:
        while not (history.is_file() and len(history.read_text().splitlines()) > 2):
            assert running.poll() is None
            time.sleep(0.02)
        running.send_signal(signal.SIGINT)
        said = running.communicate(timeout=60)[1]
    assert running.returncode == 130
    assert "the same command goes on from there" in said
    again = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=True)
    assert "goes on after its last checkpoint" in again.stderr
    assert len(history.read_text().splitlines()) == 13
