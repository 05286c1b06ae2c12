"""The page is made from the run folder alone, and shows what lies in it."""

import html
import re
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from conftest import text_of
from fake_runs import fake_run
from PIL import Image

from kimchi_vision import data
from kimchi_vision.base.errors import InputError
from kimchi_vision.base.files import write_json, write_table
from kimchi_vision.base.numbers import percent
from kimchi_vision.config.sections import Calibrate, Data, Report
from kimchi_vision.data.photo import Photos
from kimchi_vision.results import calibrate, compare, report
from kimchi_vision.results.run import Run

EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture
def photos(folder_of, tmp_path):
    root = folder_of({"깍두기": 12, "배추김치": 12, EVIL: 12})
    return data.load(Data(path=root, valid_pct=0.5), tmp_path)


@pytest.fixture
def run(photos, tmp_path):
    return fake_run(tmp_path / "exports" / "mild", photos, skill=1.5)


def page(run, lang="en"):
    """From the folder as it is now."""
    return text_of(report.write(Run.open(run.path), Report(lang=lang)))


def test_the_answer_comes_first(run):
    text = page(run)
    scores = run.json(run.files.metrics)
    screen = text[: text.index("Confusion matrix")]
    low, high = (f"{100 * end:.1f} %" for end in scores["accuracy_interval"])
    assert f"<strong>{100 * scores['accuracy']:.1f} %</strong>" in screen
    assert f"the true accuracy may lie anywhere from {low} to {high}" in screen
    assert f"Accuracy (validation), 95 % interval {low} to {high}, n = {scores['photos']}<" in screen
    assert "Not yet, because:" in screen
    actual, predicted, photos = scores["most_confused"][0]
    assert f"<b>{html.escape(actual)}</b> → <b>{html.escape(predicted)}</b>" in screen
    assert f"{photos} of {scores['classes'][actual]['support']} photos of" in screen


def test_a_run_that_meets_its_goals_may_be_shipped(photos, tmp_path):
    run = fake_run(tmp_path / "sure", photos, skill=9, goals={"accuracy": 0.5})
    assert "Ship it: every goal is met." in page(run)
    high = fake_run(tmp_path / "high", photos, skill=9, goals={"accuracy": 0.99})
    assert "Not yet, because:" in (text := page(high))
    assert "The goal for accuracy: cannot tell." in text


def test_what_speaks_against_a_run_is_said_first(run):
    floor = {"accuracy": 0.95, "accuracy_interval": [0.8, 1], "gain": -0.2, "gain_interval": [-0.3, -0.1]}
    metrics = run.json(run.files.metrics)
    write_json(run.files.metrics, {**metrics, "floor": {**floor, "verdict": "below"}})
    assert "Training made it worse than its baseline, which has 95.0 % right." in page(run)


def test_other_runs_of_the_same_photos_stand_beside_it(run, photos):
    other = fake_run(run.path.parent / "earlier", photos, skill=4, seed=1)
    assert "earlier" not in page(run)
    other.files.finished.write_text("{}")
    assert '<span class="what">earlier</span>' in page(run)


def test_what_averaging_views_gave_is_said_where_it_was_asked_for(run):
    assert "varied views" not in page(run)
    shares = {"n": 4, "accuracy": 0.781, "accuracy_interval": [0.71, 0.84]}
    gain = {"gain": 0.012, "gain_interval": [-0.005, 0.03], "verdict": "cannot tell"}
    write_json(run.files.metrics, {**run.json(run.files.metrics), "tta": {**shares, **gain}})
    said = (
        "Averaged over 4 varied views of each photo and the plain one: 78.1 % (71.0 % to 84.0 %), +1.2 points"
    )
    assert said in page(run)


def test_photos_that_changed_sides_are_shown_beside_two_runs(run, photos, tmp_path):
    other = fake_run(run.path.parent / "other", photos, skill=1.5, seed=1)
    found = compare.compare([run, other], lang="en")
    text = found.write(tmp_path / "side by side.html").read_text("utf-8")
    assert "<h1>side by side</h1>" in text
    gained, lost = map(int, re.search(r"only one has right: \S+ (\d+), \S+ (\d+)", text).groups())
    assert gained + lost > 0
    assert text.count('<figure class="wrong">') == gained + lost == text.count("data:image/webp")
    with pytest.raises(InputError, match=r"name that ends in .csv, .md or .html"):
        found.write(tmp_path / "side.txt")


def test_names_from_the_data_are_never_markup(run):
    text = page(run)
    assert EVIL not in text
    assert "&lt;img src=x" in text


class Sources(HTMLParser):
    """Addresses that a page loads from or links to."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found += [value for name, value in attrs if name in ("src", "href")]


def test_nothing_is_loaded_from_elsewhere(run):
    sources = Sources()
    sources.feed(page(run))
    assert sources.found
    assert all(source.startswith(("data:", "#")) for source in sources.found)


def test_photos_are_inlined_and_named_when_they_are_gone(run, photos):
    before = page(run)
    gone = photos.files(photos.part("valid"))[:3]
    for file in gone:
        file.path.unlink()
    after = page(run)
    assert after.count("data:image/webp") < before.count("data:image/webp")
    assert f"3 of {len(photos.part('valid'))} photos are no longer in {photos.root}" in after
    assert gone[0].path.name in after


def test_every_text_exists_in_korean(run, monkeypatch):
    monkeypatch.setenv("LC_ALL", "ko_KR.UTF-8")
    text = page(run, "auto")
    assert '<html lang="ko">' in text
    assert "검증 사진" in text
    assert "Confusion matrix" not in text
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    assert '<html lang="ko">' in page(run, "ko")


@pytest.mark.parametrize(
    ("missing", "said"), [("predictions", "predictions.csv"), ("metrics", "metrics.json")]
)
def test_a_folder_without_results_is_refused(run, missing, said):
    getattr(run.files, missing).unlink()
    with pytest.raises(InputError, match=said):
        report.write(Run.open(run.path), Report())


def test_a_run_without_history_or_facts_still_has_a_page(run):
    for path in (run.files.history, run.files.versions, run.files.data, run.files.classification_report):
        path.unlink()
    assert 'id="training"' not in page(run)


def test_the_question_is_the_comment_that_opens_the_file(run):
    text = run.files.experiment.read_text(encoding="utf-8")
    run.files.experiment.write_text(f"# mild: is it <hot> enough?\n{text}", encoding="utf-8")
    assert '<p class="question">mild: is it &lt;hot&gt; enough?</p>' in page(run)


def test_a_table_shows_scores_differences_and_verdicts(photos, tmp_path):
    folder = tmp_path / "exports"
    runs = [
        fake_run(folder / "first", photos, skill=1, model={"backbone": "resnet18"}),
        fake_run(folder / "second", photos, skill=4, seed=1, model={"backbone": "resnet50"}),
    ]
    report.write(runs[0], Report())
    text = report.write_table(
        {run.path.name: [run] for run in runs}, folder / "report.html", "en", ["second is better"]
    ).read_text("utf-8")
    assert '<a href="first/report.html">first</a>' in text
    assert "second/report.html" not in text
    assert re.search(r"<code>model.backbone</code></th>\s*<td>resnet18</td>\s*<td>resnet50</td>", text)
    assert '<p class="verdict">second is better</p>' in text
    assert re.search(r"Photos that only one has right: second \d+, first \d+\.", text)
    assert text.index('class="what">second') < text.index('class="what"><a href="first/report.html">first')
    assert "cannot be compared" not in text


def test_a_table_says_when_runs_saw_other_photos(photos, tmp_path):
    runs = [fake_run(tmp_path / name, photos) for name in ("one", "two")]
    items = runs[1].items
    items.loc[items["split"] == "valid", "sha256"] = "0"
    items.to_csv(runs[1].files.items, index=False)
    runs[1] = Run.open(runs[1].path)
    text = report.write_table(
        {run.path.name: [run] for run in runs}, tmp_path / "report.html", "en"
    ).read_text("utf-8")
    assert "cannot be compared: two." in text


def test_no_torch():
    code = "import sys, kimchi_vision.results.report; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_calibration_and_timings_have_a_section_when_they_are_known(run):
    assert 'id="calibration"' not in page(run)
    facts = calibrate.fit(Calibrate(abstain_at=0.2), run.predictions.part("valid"))
    write_json(run.files.calibration, facts)
    measured = {"latency_ms": {"p50": 7.25, "p95": 9.5}, "machine": {"processor": "A processor", "cores": 2}}
    write_json(run.files.metrics, {**run.json(run.files.metrics), **measured})
    text = page(run)
    assert f"a temperature of {facts['temperature']:.2f}" in text
    low, high = facts["before"]["calibration_error_interval"]
    assert f"95 % interval {percent(low)} to {percent(high)}" in text
    assert "Wrong answers when only the surest photos are answered" in text
    assert "Confidence against accuracy" not in text  # 18 photos fill too few bins
    assert "A processor (2)" in text
    assert "7.25" in text
    facts["abstain"] |= {"threshold": None, "error": None, "error_interval": None}
    write_json(run.files.calibration, facts)
    assert "cannot promise that at most 20.0 % of the answers to fresh photos are wrong" in page(run)


def test_a_page_with_1100_photos_full_of_detail_is_below_3_mb(tmp_path):
    """Noise is the worst that a JPEG can hold."""
    root = tmp_path / "photos"
    root.mkdir()
    random = np.random.default_rng(0)
    names = [f"{number:04}.jpg" for number in range(1100)]
    Image.fromarray(random.integers(0, 256, (224, 224, 3), dtype=np.uint8)).save(root / "noise.jpg")
    for name in names:
        (root / name).hardlink_to(root / "noise.jpg")
    labels = ["깍두기" if number % 2 else "배추김치" for number in range(1100)]
    items = pd.DataFrame({"path": names, "label": labels, "split": "valid", "sha256": names})
    run = fake_run(tmp_path / "run", Photos(root, items, ("깍두기", "배추김치")), skill=1)
    for name in names:
        run.files.overlay(name).parent.mkdir(parents=True, exist_ok=True)
        run.files.overlay(name).hardlink_to(root / "noise.jpg")
    places = random.random((1100, 2)).round(4)
    near = [" ".join(map(str, random.integers(0, 1100, 6))) for _ in names]
    table = pd.DataFrame({"path": names, "x": places[:, 0], "y": places[:, 1], "near": near})
    write_table(run.files.embedding, table)
    text = page(run)
    assert 1.5e6 < len(text.encode()) < 3e6
    assert '<section id="map">' in text
    assert "are named without a picture, to keep the page small" in text
