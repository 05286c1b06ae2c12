import errno
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest
from conftest import text_of

from kimchi_vision import data
from kimchi_vision.base.errors import InputError, InterruptedRunError, RunError
from kimchi_vision.base.messages import LogFormat, catalogue
from kimchi_vision.base.run_files import RunFiles
from kimchi_vision.config import load
from kimchi_vision.deploy.predictor import Predictor
from kimchi_vision.jobs import run_lock, table, track
from kimchi_vision.jobs.experiment import run
from kimchi_vision.jobs.prepared import prepare
from kimchi_vision.learning import linear_probe, predict, train
from kimchi_vision.learning.model import restored
from kimchi_vision.results import headline, plots, validation_transforms
from kimchi_vision.results.predictions import Predictions
from kimchi_vision.results.run import Run
from tests.fake_runs import guesses

story = sys.modules["kimchi_vision.jobs.experiment"]

TINY = """
data: {{path: {photos}, splitter: stratified}}
augment: {{resize: 40, size: 32}}
loader: {{batch_size: 4, workers: 0}}
model: {{backbone: test_efficientnet, weights: none}}
train: [fit: {{epochs: 1}}]
export: {{timings: false}}
"""
SCORED = ["features.floor=false", "explain={top_losses: false, background: 0}"]
SCORED += ["export={pkl: false, weights: false, onnx: false, safetensors: false}"]
"""What leaves a run its training, its scores and its report."""
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
def finished(folder) -> Run:
    logger = logging.getLogger("kimchi_vision")
    level = logger.level
    logger.setLevel(logging.INFO)  # as the command line does
    try:
        return run(load(folder / "tiny.yaml"), folder / "exports")
    finally:
        logger.setLevel(level)


@pytest.fixture
def undrawn(monkeypatch):
    """Figures cost more than a tiny training: they are closed without a file."""
    monkeypatch.setattr(plots, "save", lambda figure, path: figure.clear())


def test_the_first_number_of_a_run_is_that_of_its_test_photos(folder, undrawn, caplog):
    """The best of two epochs is chosen on the validation photos, and scored on the others."""
    asked = [*SCORED, "name=three", "data.test_pct=0.2", "train.keep=best", "train.stages=[fit: {epochs: 2}]"]
    asked += ["evaluate.top_k=1"]
    done = run(load(folder / "tiny.yaml", asked), folder / "exports")
    first, chose = headline.sentences(done, catalogue("en"))[:2]
    assert first.startswith("Accuracy on 4 test photos")
    assert chose.startswith("Nothing was chosen on these photos")
    assert done.metrics["choices"]["epochs"] == done.calibration["epochs"] == 2
    kept = done.history[done.history["kept"]].iloc[0]
    assert kept["top_k_accuracy"] == done.metrics["top_k_accuracy"] == done.metrics["accuracy"]
    assert done.calibration["photos"] == done.metrics["photos"] == 4
    assert done.table(done.files.test_openings)["command"].tolist() == ["run"]
    closed = [*asked, "name=closed", "evaluate.test=false"]
    done = run(load(folder / "tiny.yaml", closed), folder / "exports")
    assert not done.files.test_metrics.exists()
    assert done.times_opened() == 1  # by the other run
    assert headline.sentences(done, catalogue("en"))[0].startswith("Accuracy on 4 validation photos")


def test_few_photos_are_each_answered_by_a_model_that_had_not_seen_them(folder, undrawn):
    """Two folds beside the model: mistakes are told of their 20 photos; the export is calibrated on 4."""
    asked = [*SCORED, "name=few", "evaluate.folds=2", "train.keep=best", "train.stages=[fit: {epochs: 2}]"]
    done = run(load(folder / "tiny.yaml", [*asked, "features.floor=true"]), folder / "exports")
    first, unseen, chose, beside = headline.sentences(done, catalogue("en"))
    assert first.startswith("Accuracy on 20 cross-validated photos")
    assert unseen == "Each photo was answered by one of 2 models that had not seen it."
    assert "the epoch that the other folds' photos chose" in chose
    assert "its own 4 validation photos alone" in beside
    runs = [Run.open(done.files.folds / name) for name in ("fold0", "fold1")]
    assert sorted(done.answers.paths) == sorted(done.items["path"])
    assert headline.accuracy(done).value == done.mistakes["accuracy"] == done.answers.right.mean()
    assert np.sum(done.mistakes["confusion_matrix"]) == 20
    floors = [Predictions.read(each.files.floor, done.vocab).right.sum() for each in runs]
    assert done.mistakes["floor"]["accuracy"] == sum(floors) / 20
    assert (done.metrics["photos"], done.calibration["photos"]) == (4, 4)
    assert done.calibration["measured"] == {"split": "folds", "photos": 16}
    assert "of 20 photos (folds)" in done.files.classification_report.read_text(encoding="utf-8")
    page = text_of(done.files.report)
    assert page.count("20 photos, each answered by one of 2 models that had not seen it") == 2
    assert "measured on the 16 other photos" in page
    assert not list(done.files.folds.glob("*/checkpoints"))
    again = run(load(folder / "tiny.yaml", [*asked, "features.floor=true"]), folder / "exports")
    assert again.files.finished.stat().st_mtime == done.files.finished.stat().st_mtime


def test_folds_leave_the_test_photos_alone_and_never_part_copies(folder):
    asked = load(folder / "tiny.yaml", ["evaluate.folds=5", "data.test_pct=0.2"])
    photos = data.load(asked.data)
    three = photos.items.index % 3  # pictures of one class, each several times
    items = photos.items.assign(
        group=np.where(photos.items["label"] == "갓김치", three, photos.items["group"])
    )
    folds = prepare(asked, replace(photos, items=items)).folds()
    assert len(folds) == 3
    valid = [fold.photos.part("valid") for fold in folds]
    assert sorted(pd.concat(valid)["path"]) == sorted(items.loc[items["split"] != "test", "path"])
    assert not any((fold.photos.items["split"] == "test").any() for fold in folds)
    assert pd.concat(valid)["group"].nunique() == sum(part["group"].nunique() for part in valid)


def test_photos_are_normalised_as_the_backbone_was_trained(folder):
    asked = load(folder / "tiny.yaml", ["model.backbone='timm:test_resnet'"])
    steps = validation_transforms.read(prepare(asked, data.load(asked.data)).dataloaders())
    assert (steps.mean, steps.std) == ((0.5,) * 3, (0.5,) * 3)


def test_a_run_that_was_interrupted_at_a_fold_keeps_the_folds_before(folder, tmp_path, undrawn, monkeypatch):
    answered, answers = [], predict.predictions

    def twice(learn, photos):
        answered.append(photos)
        if len(answered) == 2:
            raise KeyboardInterrupt
        return answers(learn, photos)

    monkeypatch.setattr(predict, "predictions", twice)
    asked = load(folder / "tiny.yaml", [*SCORED, "evaluate.folds=2"])
    with pytest.raises(InterruptedRunError, match="the same command goes on from there"):
        run(asked, tmp_path)
    done = run(asked, tmp_path)
    assert len(answered) == 4  # one fold and one that ended it, then that one again and the model itself
    assert headline.accuracy(done).n == 20
    assert "Fold 2 of 2: a model learns" in done.files.log.read_text("utf-8")


@pytest.fixture
def heads(monkeypatch):
    """Each floor that was fitted, and the head that a training is given."""
    fitted, given, floor, fit = [], [], linear_probe.floor, train.fit

    def fitting(*arguments):
        fitted.append(floor(*arguments))
        return fitted[-1]

    def training(section, learn, files, head, *more):
        given.append(head)
        return fit(section, learn, files, head, *more)

    monkeypatch.setattr(linear_probe, "floor", Mock(wraps=fitting))
    monkeypatch.setattr(train, "fit", training)
    return fitted, given


def test_backbones_side_by_side_train_from_their_probe_to_one_exported_model(
    folder, tmp_path, undrawn, heads
):
    keys = ["model={backbone: ['test_efficientnet', 'timm:test_resnet'], weights: none, head: linear}"]
    keys += ["train=[probe, unfreeze, fit: {epochs: 1}]", "explain={top_losses: false, background: 0}"]
    keys += ["export={pkl: false, weights: false, timings: false}"]
    found = run(load(folder / "tiny.yaml", keys), tmp_path)
    assert found.experiment.model.backbone == "test_efficientnet+timm:test_resnet"
    assert found.exported["model.onnx"]["agreement"] == 1
    network = restored(found.experiment.model, found.files.safetensors, 2)
    assert network[0].centre.abs().sum() > 0
    assert network[1][-1].weight[:, network[0].first :].abs().sum() > 0
    ((floor,), (head,)) = heads
    assert head is floor.start


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
    p = learn.predict(source)[2]
    print(*p.tolist(), *(p.log() / learn.temperature).softmax(-1).tolist())
"""
    row = finished.table(finished.files.predictions).iloc[0]
    photo = folder / "photos" / row["path"]
    line = [sys.executable, "-c", code, photo]
    done = subprocess.run(line, capture_output=True, text=True, cwd=folder, check=False)
    assert done.returncode == 0, done.stderr
    answers = np.loadtxt(done.stdout.splitlines())
    expected = row[[f"p:{name}" for name in ("갓김치", "백김치")]].to_numpy(float)
    np.testing.assert_allclose(answers[:, :2], np.tile(expected, (4, 1)), atol=1e-5)
    calibrated = np.array(list(dict(Predictor(finished.path).predict(photo)[0].classes).values()))
    np.testing.assert_allclose(-np.sort(-answers[:, 2:]), np.tile(calibrated, (4, 1)), atol=1e-4)


def test_the_log_holds_what_was_said_until_the_run_ended(finished):
    logging.getLogger("kimchi_vision").warning("said afterwards")
    log = finished.files.log.read_text(encoding="utf-8")
    assert "epoch 1/1  fit  train_loss" in log
    assert "frozen features" in log
    assert "said afterwards" not in log


def test_a_head_on_frozen_features_is_a_run_without_epochs(folder, heads):
    changes = [*SCORED, "features.floor=true", "train=[probe]", "model.head=linear", "name=head"]
    finished = run(load(folder / "tiny.yaml", [*changes, "loader.sampling=balanced"]), folder / "exports")
    assert linear_probe.floor.call_args.args[-1] == linear_probe.Rare("balanced")
    ((floor,), (head,)) = heads
    assert head is floor.head
    said = finished.predictions.part("valid").probabilities
    assert said == pytest.approx(floor.predictions.probabilities, abs=1e-4)
    assert finished.files.report.is_file()
    assert not finished.files.figure("losses").exists()


@pytest.mark.parametrize("engine", [pytest.param("fastai", marks=pytest.mark.slow), "fused"])
def test_averaged_views_are_scored_beside_a_run_that_stays_as_it_is(
    finished, folder, engine, caplog, undrawn
):
    caplog.set_level("INFO", "kimchi_vision")
    changes = [*SCORED, "export={onnx: true, pkl: true}", "evaluate.tta=2"]
    changes += [f"augment.engine={engine}", f"name={engine}"]
    averaged = run(load(folder / "tiny.yaml", changes), folder / "exports")
    found = averaged.json(averaged.files.metrics)["tta"]
    assert found["n"] == 2
    assert "2 varied views of each photo" in averaged.files.log.read_text(encoding="utf-8")
    assert "2 varied views of each photo" in averaged.files.report.read_text(encoding="utf-8")
    assert averaged.files.onnx.is_file()  # it and model.pkl were proven against predictions.csv
    assert averaged.files.pkl.is_file()
    if engine == "fused":  # as the finished run, which has no engine of its own choice
        assert averaged.files.predictions.read_bytes() == finished.files.predictions.read_bytes()
        assert not finished.files.averaged.exists()


def test_a_gain_is_that_over_the_floor_and_that_of_several_views_over_one(folder):
    photos = data.load(load(folder / "tiny.yaml").data)
    right, wrong = (guesses(photos, skill, seed=0) for skill in (99, -99))
    floor = linear_probe.Floor(None, None, wrong, 1.5, pd.DataFrame())
    valid = photos.part("valid")
    items = pd.concat([valid, valid.assign(split="test", path=valid["path"] + "-tested")], ignore_index=True)
    sides = np.where(items["split"] == "test", 9, -9)[:, None]  # the test photos alone are right
    logits = sides * np.eye(2)[items["label"].map(photos.vocab.index)]
    views = Predictions.from_logits(items, logits, photos.vocab)
    views = replace(views, table=views.table.assign(views=2))
    found = story._beside(floor, views, right)
    assert {name: (entry["accuracy"], entry["gain"]) for name, entry in found.items()} == {
        "floor": (0, 1),
        "tta": (0, -1),
    }
    assert (found["floor"]["seconds"], found["tta"]["n"]) == (1.5, 2)


def test_a_finished_run_is_not_run_again(finished, folder):
    before = finished.files.finished.stat().st_mtime_ns
    assert run(load(folder / "tiny.yaml"), folder / "exports").files == finished.files
    assert finished.files.finished.stat().st_mtime_ns == before


def test_another_experiment_never_overwrites_a_run(finished, folder):
    with pytest.raises(InputError, match="--force"):
        run(load(folder / "tiny.yaml", ["train.seed=1"]), folder / "exports")
    assert finished.files.pkl.is_file()


def test_force_trains_anew_and_sets_the_earlier_run_aside(folder, tmp_path, command, undrawn):
    line = ["run", folder / "tiny.yaml", "--exports", tmp_path, *sets(*SCORED)]
    earlier = Run(tmp_path / "tiny")
    assert command(*line).code == 0
    history = earlier.table(earlier.files.history)
    (earlier.path / "mine.txt").write_text("stale", encoding="utf-8")
    assert command(*line).code == 0
    assert (earlier.path / "mine.txt").is_file()
    assert command(*line, "--force").code == 0
    assert earlier.table(earlier.files.history)["valid_loss"].tolist() == history["valid_loss"].tolist()
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["tiny", "tiny.before-1"]
    assert not (earlier.path / "mine.txt").exists()


def sets(*changes: str) -> list[str]:
    return [word for change in changes for word in ("--set", change)]


def test_a_seed_decides_the_predictions(finished, folder, tmp_path, undrawn):
    again, other = (
        run(load(folder / "tiny.yaml", [*SCORED, f"train.seed={seed}"]), tmp_path / str(seed))
        for seed in (42, 43)
    )
    assert again.files.predictions.read_bytes() == finished.files.predictions.read_bytes()
    assert other.files.predictions.read_bytes() != finished.files.predictions.read_bytes()


def test_a_run_tells_its_tracker_and_ends_when_it_is_told_to(folder, tmp_path, monkeypatch, undrawn):
    told, shown = [], []

    class Notes:
        def __init__(self, *begun):
            told.append(begun)

        def __getattr__(self, what):
            return lambda *arguments: told.append((what, *arguments))

    def enough(row) -> bool:
        shown.append(row["epoch"])
        return len(shown) == 2

    monkeypatch.setitem(track.TRACKERS, "tensorboard", Notes)
    changes = [*SCORED, "track={to: [tensorboard], project: mine}", "train=[fit: {epochs: 5}]"]
    experiment = load(folder / "tiny.yaml", [*changes, "export.weights=true"])
    ended = run(experiment, tmp_path, watch=enough)
    assert shown == ended.table(ended.files.history)["epoch"].tolist() == [1, 2]
    (begun, *calls) = told
    assert begun == ("mine", experiment.resolved(), ended.files)
    batches = [step for what, values, step in calls[:-2] if "batch_loss" in values]
    assert batches == list(range(1, 9))
    (summary,) = [values for what, *values in calls if what == "summary"]
    assert summary[0]["accuracy"] == ended.json(ended.files.metrics)["accuracy"]
    assert calls[-1] == ("close",)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (["data.path=nowhere"], "nowhere does not exist. Photos lie in folders named after"),
        (["track=[wandb]"], "wandb is not installed"),
        (["model.backbone=resnet19"], "resnet19"),
        (
            [
                "model.backbone=vit_b_16",
                "augment={resize: 224, size: 224}",
                "train=[fit: {epochs: 1, size: 64}]",
            ],
            "takes photos of 224 pixels only; train.stages: size is 64",
        ),
        (["goals={acuracy: 0.9}"], "goals: there is no score `acuracy`. Did you mean accuracy?"),
        (["train={stages: [fit: {epochs: 1}], monitor: acuracy}"], "train.monitor: there is no score"),
        (
            ["train={stages: [fit: {epochs: 1}], early_stop: {monitor: acuracy}}"],
            "train.early_stop.monitor: there is no score",
        ),
        (
            ["train={stages: [fit: {epochs: 1}], devices: 5}"],
            "train.devices: 5 are more than there are here: 4",
        ),
    ],
)
def test_bad_input_is_a_line_and_nothing_is_written(folder, tmp_path, monkeypatch, command, changes, said):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    done = command("run", folder / "tiny.yaml", "--exports", tmp_path / "exports", *sets(*changes))
    assert (done.code, said in done.err, done.err.count("\n")) == (2, True, 1)
    assert not (tmp_path / "exports").exists()


def test_a_run_that_another_process_writes_is_left_alone(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(run_lock, "LINGER", 0.1)
    with run_lock.locked(RunFiles(tmp_path / "tiny")), pytest.raises(InputError, match="another process"):
        run(load(folder / "tiny.yaml", SCORED), tmp_path)
    assert not (tmp_path / "tiny").exists()


def test_photos_that_are_left_out_are_in_the_log_and_said_in_the_readers_language(
    folder, tmp_path, monkeypatch, caplog
):
    caplog.set_level("INFO", "kimchi_vision")
    shutil.copytree(folder / "photos", tmp_path / "photos")
    (tmp_path / "photos" / "갓김치" / "broken.jpg").write_bytes(b"no photo")
    monkeypatch.setattr(sys.modules["kimchi_vision.jobs.experiment"], "_trained", stopped)
    changes = [*SCORED, f"data.path={tmp_path / 'photos'}", "data.policy.unreadable=skip"]
    with pytest.raises(InterruptedRunError, match=r"tiny has no checkpoint yet; the same command begins"):
        run(load(folder / "tiny.yaml", changes), tmp_path / "exports")
    assert "1 photo was left out" in caplog.text
    said = map(LogFormat(catalogue("ko")).message, caplog.records)
    assert any("사진 1장을 제외했습니다" in line for line in said)
    interrupted = Run(tmp_path / "exports" / "tiny")
    assert interrupted.files.items.is_file()
    assert not interrupted.files.finished.exists()


def stopped(*arguments):
    raise KeyboardInterrupt


def test_every_row_of_a_table_is_forced(folder, tmp_path, monkeypatch):
    file, forced = tmp_path / "both.yaml", []
    rows = "rows:\n  a: {seeds: [1]}\n  b: {folds: 2}\n"
    defaults = TINY.format(photos=folder / "photos").replace("\n", "\n  ")
    file.write_text(f"defaults:{defaults}\n{rows}", encoding="utf-8")
    done = Run(tmp_path)
    for name in ("run", "run_folds"):
        monkeypatch.setattr(table, name, lambda *given: forced.append((given[0].name, given[-1])) or done)
    monkeypatch.setattr(table, "side_by_side", lambda finished: pd.DataFrame())
    for force in (True, False):
        table.run_rows(load(file), tmp_path / "exports", force)
    assert forced == [("a-seed1", True), ("b", True), ("a-seed1", False), ("b", False)]


def test_predict_prints_labels_as_text_and_json(finished, folder, command):
    photo = folder / "photos" / finished.table(finished.files.predictions)["path"][0]
    (answer,) = json.loads(command("predict", finished.path, photo, "--json").out)
    assert answer["label"] in ("갓김치", "백김치")
    assert sum(answer["classes"].values()) == pytest.approx(1)
    assert answer["label"] in command("predict", finished.path, photo).out


def test_a_photo_that_cannot_be_read_is_named(finished, tmp_path, command):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no photo")
    done = command("predict", finished.path, broken)
    assert (done.code, "broken.jpg" in done.err) == (2, True)


def test_a_table_runs_every_row_and_lays_them_side_by_side(folder, tmp_path, monkeypatch, command, undrawn):
    monkeypatch.chdir(tmp_path)
    defaults = TINY.format(photos=folder / "photos").replace("\n", "\n  ")
    rows = f"rows:\n  a: {folder / 'tiny.yaml'}\n  b: {{train: [fit: {{epochs: 2}}]}}\n"
    Path("pair.yaml").write_text(f"defaults:{defaults}\n{rows}", encoding="utf-8")
    done = command("run", "pair.yaml", *sets(*SCORED))
    assert done.code == 0, done.err
    lines = Path("exports/pair/table.csv").read_text("utf-8-sig").splitlines()
    assert [line.split(",")[0] for line in lines] == ["run", "a", "b"]
    assert "accuracy" in done.out


@pytest.mark.slow
def test_the_shape_of_exp1_on_real_photos_with_real_weights(food10, tmp_path):
    exp1 = Path(__file__).parents[2] / "experiments" / "exp1.yaml"
    changes = {
        "data.path": food10, "data.per_class": 20, "augment.resize": 128, "augment.size": 96,
        "augment.normalize": "backbone", "loader.batch_size": 16,
        "model.backbone": "tf_efficientnet_lite0", "model.weights": "offline",
    }  # fmt: skip
    experiment = load(exp1, [f"{key}={value}" for key, value in changes.items()])
    finished = run(experiment, tmp_path)
    metrics = finished.json(finished.files.metrics)
    assert metrics["photos"] == 40
    low, high = metrics["accuracy_interval"]
    assert 0.1 < low < metrics["accuracy"] < high  # 0.1 is chance
    stages = finished.table(finished.files.history)["stage"].tolist()
    assert stages == ["fine_tune (frozen)", *["fine_tune"] * 3, *["fit_one_cycle"] * 2]


@pytest.mark.parametrize(
    ("number", "sentence"), [(errno.ENOSPC, "no room left"), (errno.EROFS, "last.pth cannot be written")]
)
def test_a_disk_that_fails_stops_the_run_and_the_same_command_goes_on(
    folder, tmp_path, monkeypatch, caplog, undrawn, number, sentence
):
    caplog.set_level("INFO", "kimchi_vision")
    changes = [*SCORED, "train.stages=[fit: {epochs: 3}]", "evaluate.tta=2"]
    experiment = load(folder / "tiny.yaml", changes)
    expected = run(experiment, tmp_path / "whole")
    with monkeypatch.context() as patch:
        patch.setattr("kimchi_vision.base.files.os.replace", failing_at_the_second("last.pth", number))
        with pytest.raises(RunError, match=f"{sentence}.*give the same command"):
            run(experiment, tmp_path / "failed")
    found = run(experiment, tmp_path / "failed")
    assert "goes on after its last checkpoint" in caplog.text
    assert found.files.predictions.read_bytes() == expected.files.predictions.read_bytes()
    assert found.files.averaged.read_bytes() == expected.files.averaged.read_bytes()
    assert len(found.table(found.files.history)) == 3


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
