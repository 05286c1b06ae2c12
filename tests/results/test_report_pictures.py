"""Each picture of a page shows the photo that its words are about: photos here are of one grey each."""

import base64
import io
import json
import re
import shutil
from html import unescape

import numpy as np
import pandas as pd
import pytest
from answers import shown
from conftest import text_of
from fake_runs import fake_run
from PIL import Image

from kimchi_vision.base.files import write_json, write_table
from kimchi_vision.base.messages import catalogue
from kimchi_vision.config.sections import Evaluate, Report
from kimchi_vision.data import images
from kimchi_vision.data.photo import Photo, Photos
from kimchi_vision.results import evaluate, report
from kimchi_vision.results.report import decision, pictures, table_page
from kimchi_vision.results.run import Run

VOCAB = ("게", "a", "b")
ROWS = [
    ("a", [0.1, 0.8, 0.1]),
    ("a", [0.05, 0.05, 0.9]),  # the surest mistake
    ("a", [0.1, 0.3, 0.6]),
    ("b", [0.1, 0.2, 0.7]),
    ("b", [0.02, 0.03, 0.95]),
    ("b", [0.1, 0.5, 0.4]),
    ("게", [0.75, 0.15, 0.1]),
]
"""Truth and probabilities of photos 0 to 6, of which 1 and 2 are a taken for b, and 5 is b taken for a."""
say = catalogue("en")


def grey(place):
    return 30 * (place + 1)


def seen(source):
    """Which photo a picture shows."""
    data = base64.b64decode(source.removeprefix("data:image/webp;base64,"))
    return round(np.asarray(Image.open(io.BytesIO(data))).mean() / 30) - 1


def figures(text):
    """Words and photo of each figure of a page."""
    found = re.findall(r"<figure.*?</figure>", text, re.DOTALL)
    words = [" ".join(unescape(re.sub(r"<[^>]*>", " ", each)).split()) for each in found]
    return [
        (said, seen(re.search(r'src="(data:[^"]*)"', each)[1]))
        for said, each in zip(words, found, strict=True)
    ]


@pytest.fixture
def photos(tmp_path):
    root = tmp_path / "photos"
    root.mkdir()
    for place in range(len(ROWS)):
        Image.new("RGB", (40, 30), (grey(place),) * 3).save(root / f"valid{place}.jpg")
    names = [f"valid{place}.jpg" for place in range(len(ROWS))]
    labels = [truth for truth, _ in ROWS]
    return Photos(
        root, pd.DataFrame({"path": names, "label": labels, "split": "valid", "sha256": names}), VOCAB
    )


@pytest.fixture
def make(photos, tmp_path):
    """A run that says these probabilities of the photos."""

    def run(name, rows=ROWS, **sections):
        found = fake_run(tmp_path / name, photos, **sections)
        said = shown(rows, VOCAB)
        said.write(found.files.predictions)
        write_json(found.files.metrics, {**found.metrics, **evaluate.metrics(said, Evaluate())})
        return Run(found.path)

    return run


def test_a_confusion_shows_the_surest_mistake_beside_the_surest_of_what_it_was_taken_for(make):
    run = make("one")
    found = decision.view(run, run.predictions, say)["confusions"]
    assert [
        (
            pair["actual"],
            pair["predicted"],
            pair["photos"],
            pair["of"],
            seen(pair["taken"]),
            seen(pair["like"]),
        )
        for pair in found
    ] == [("a", "b", 2, 3, 1, 4), ("b", "a", 1, 3, 5, 0)]


def test_each_photo_of_the_page_has_its_own_picture_and_where_the_network_looks(make):
    run = make("one")
    for place in (1, 2):
        file = run.files.overlay(f"valid{place}.jpg")
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 30), (grey(place + 3),) * 3).save(file)
    text = text_of(report.write(run, Report(lang="en")))
    cells = json.loads(re.search(r'id="cells">(.*?)</script>', text, re.DOTALL)[1])
    for cell in cells:
        assert cell["path"] == f"valid{seen(cell['picture'])}.jpg"
    looks = {cell["path"]: seen(cell["overlay"]) for cell in cells if "overlay" in cell}
    assert looks == {"valid1.jpg": 4, "valid2.jpg": 5}


def test_where_there_is_no_room_for_all_pictures_mistakes_have_theirs(make, monkeypatch):
    run = make("one")
    one = len(images.photo(run.photos.root / "valid0.jpg", images.THUMBNAIL_SIDE))
    monkeypatch.setattr(images, "THUMBNAILS_BYTES", int(3.5 * one))
    (run.photos.root / "valid2.jpg").unlink()
    text = text_of(report.write(run, Report(lang="en")))
    cells = json.loads(re.search(r'id="cells">(.*?)</script>', text, re.DOTALL)[1])
    assert {cell["path"] for cell in cells if cell["picture"]} == {"valid1.jpg", "valid5.jpg", "valid3.jpg"}
    assert say("not_inlined", n="3") in text
    assert "1 of 7 photos is no longer in" in text


def test_the_map_of_a_page_points_at_its_photos(make):
    run = make("one")
    table = {"path": run.predictions.paths, "x": np.arange(7) / 10, "y": 0.5, "near": "0"}
    write_table(run.files.embedding, pd.DataFrame(table))
    text = text_of(report.write(run, Report(lang="en")))
    cells = json.loads(re.search(r'id="cells">(.*?)</script>', text, re.DOTALL)[1])
    points = report.run_page.view(Run(run.path), "en")["found"]["map"]["points"]
    assert {cells[number]["path"]: x for number, x, *_ in points} == dict(
        zip(table["path"], table["x"], strict=True)
    )


def test_a_notebook_shows_the_worst_photos_as_what_they_were_taken_for_and_what_they_are(make, monkeypatch):
    monkeypatch.setattr(report, "WORST", 3)
    text = report.notebook(make("one"))
    assert figures(text) == [("b (a)", 1), ("b (a)", 2), ("a (b)", 5)]
    rows = [re.findall(r"<t[hd]>(.*?)</t[hd]>", row) for row in re.findall(r"<tr>.*?</tr>", text)]
    assert rows == [["", *VOCAB], ["게", "1", "", ""], ["a", "", "1", "2"], ["b", "", "1", "2"]]
    monkeypatch.setattr(report, "MATRIX_CLASSES", 2)
    assert "<table>" not in report.notebook(make("one"))
    assert "검증 사진 7장" in report.notebook(make("two", report={"lang": "ko"}))


def test_photos_in_groups_stand_under_their_own_words(photos, tmp_path):
    files = [Photo(photos.root / path) for path in photos.items["path"]]
    shown = [
        pictures.Picture(file, f"photo {place}", "", wrong=place == 1) for place, file in enumerate(files)
    ]
    groups = [pictures.Group("first", shown[:3]), pictures.Group("second", shown[3:])]
    pictures.write(tmp_path / "page.html", pictures.Page("P", "", [], groups), "en")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert figures(text) == [(f"photo {place}", place) for place in range(7)]
    assert text.index("first") < text.index("photo 0") < text.index("second") < text.index("photo 3")
    assert re.findall(r'<figure class="(\w+)">', text) == ["right", "wrong", *["right"] * 5]


def test_photos_that_only_one_of_two_runs_has_right_stand_under_its_name(make, tmp_path):
    """One alone has 1, 2 and 5 right, the other one photo 6; their tables have other orders."""
    better = [(truth, np.eye(3)[VOCAB.index(truth)] * 0.85 + 0.05) for truth, _ in ROWS]
    better[6] = ("게", [0.1, 0.8, 0.1])
    best, other = make("best", better), make("other")
    table = other.table(other.files.predictions)
    write_table(other.files.predictions, table.iloc[np.roll(np.arange(7), 1)])
    shutil.rmtree(best.files.path / "overlays", ignore_errors=True)
    (found,) = table_page.view(
        {run.name: [run] for run in (Run(other.path), best)}, tmp_path / "p.html", (), say
    )["flips"]
    assert (found["best"], found["gained"], found["other"], found["lost"]) == ("best", 3, "other", 1)
    said = [
        (group["heading"], each.title, each.note, seen(source))
        for group in found["groups"]
        for each, source in group["pictures"]
    ]
    assert said == [
        ("Only best has right", "b 90.0 %", "a · valid1.jpg", 1),
        ("Only best has right", "b 60.0 %", "a · valid2.jpg", 2),
        ("Only best has right", "a 50.0 %", "b · valid5.jpg", 5),
        ("Only other has right", "a 80.0 %", "게 · valid6.jpg", 6),
    ]


def test_a_figure_is_no_wider_than_its_page(tmp_path):
    Image.new("RGB", (1800, 600), "teal").save(tmp_path / "figure.png")
    kind, content = images.figure(tmp_path / "figure.png").split(",")
    with Image.open(io.BytesIO(base64.b64decode(content))) as drawn:
        assert (kind, drawn.size) == ("data:image/webp;base64", (900, 300))
