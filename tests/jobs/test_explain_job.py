"""Where a finished run's network looks: rebuilt without pickle, drawn, and shown on the report."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import text_of
from exported_runs import copied
from PIL import Image

from kimchi_vision.base.errors import InputError, ModelError
from kimchi_vision.base.numbers import percent
from kimchi_vision.config.sections import Model, Report
from kimchi_vision.deploy.predictor import Predictor
from kimchi_vision.jobs import explain, seeing
from kimchi_vision.learning.model import restored
from kimchi_vision.results import report
from kimchi_vision.results.run import Run


@pytest.fixture
def run(exported, tmp_path):
    return copied(exported[0], tmp_path)


@pytest.fixture
def photo(run):
    root = run.json(run.files.data)["root"]
    return Path(root) / run.table(run.files.predictions)["path"][0]


def test_photos_are_drawn_and_named_as_predict_names_them(run, photo):
    said, drawn = explain.photos(run, [photo])
    label, probability = Predictor(run).predict([photo])[0].classes[0]
    assert said == f"{photo}: {label} {percent(probability)}"
    with Image.open(drawn.strip()) as picture:
        assert picture.size == (80, 80)


def test_without_photos_the_top_losses_are_drawn_beside_their_photos_on_the_page(run):
    *_, written = explain.photos(run, [], "en")
    assert written == f"Written: {run.files.report}"
    worst = run.json(run.files.metrics)["top_losses"]
    assert run.files.report.read_text("utf-8").count('"overlay": "data:image/webp') == len(worst)


def test_the_end_of_a_run_draws_the_worst_photos_where_the_section_asks_for_it(run):
    network, facts = seeing.restored(run)
    worst = run.photos.items.set_index("path", drop=False).loc[run.metrics["top_losses"]]
    wanted = {run.files.overlay(file.content) for file in run.photos.files(worst)}
    folder = next(iter(wanted)).parent
    for asked, drawn in ((False, set()), (True, wanted)):
        shutil.rmtree(folder, ignore_errors=True)
        asking = run.experiment.replace(explain={"top_losses": asked, "background": 1})
        explain.write(asking, network, facts.preprocess, run.photos, run.files)
        assert set(folder.glob("*")) == drawn


@pytest.mark.parametrize(("lang", "heading"), [("en", "Backgrounds"), ("ko", "배경")])
def test_backgrounds_are_measured_afterwards_and_shown(run, lang, heading):
    text = run.files.experiment.read_text("utf-8")
    run.files.experiment.write_text(text.replace("background: 100", "background: 0"), "utf-8")
    run = Run(run.path)
    assert run.experiment.explain.background == 0  # none at the end of the run; asked for now
    said = explain.background(run, lang)
    report.write(run, Report(lang=lang))
    page = text_of(run.files.report)
    assert f"<h2>{heading}</h2>" in page
    assert said.splitlines()[0] in page
    found = run.json(run.files.background)
    assert found["photos"] == len(run.table(run.files.background_answers))


def test_a_run_without_tensors_is_told_what_to_do(run):
    run.files.safetensors.unlink()
    with pytest.raises(InputError, match="--format safetensors"):
        explain.background(run)


def test_damaged_tensors_are_named_with_what_to_do(run):
    run.files.safetensors.write_bytes(run.files.safetensors.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"model.safetensors is damaged: .*--format safetensors"):
        explain.background(run)


def test_tensors_of_another_network_are_refused(run):
    with pytest.raises(ModelError, match="is not the network of its experiment"):
        restored(Model(backbone="resnet18", weights="none"), run.files.safetensors, 3)


def test_photos_that_are_gone_are_named(run):
    run.files.items.write_text(
        run.files.items.read_text("utf-8").replace(".jpg", ".gone.jpg"), encoding="utf-8"
    )
    with pytest.raises(InputError, match=r"gone\.jpg"):
        explain.background(run)


@pytest.mark.slow
def test_the_command_says_bad_input_in_a_line(run):
    line = [sys.executable, "-m", "kimchi_vision", "explain", str(run.path), "nowhere.jpg"]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.strip()) == (2, "nowhere.jpg: there is no such photo or folder.")
