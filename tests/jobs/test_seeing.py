"""Photos beside each other, by what a finished run's network finds in them."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import text_of
from exported_runs import copied
from fastapi.testclient import TestClient
from PIL import Image

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.files import write_json
from kimchi_vision.base.numbers import percent
from kimchi_vision.data.audit import audit
from kimchi_vision.deploy.predictor import Predictor
from kimchi_vision.deploy.server import build
from kimchi_vision.jobs import drift, folder, seeing
from kimchi_vision.learning import predict
from kimchi_vision.results import embedding
from kimchi_vision.results.run import Run


@pytest.fixture
def run(exported, tmp_path):
    return copied(exported[0], tmp_path)


@pytest.fixture
def incoming(tmp_path, photo):
    """Three new photos, one of them twice, and a file that is none."""
    place = tmp_path / "incoming"
    for seed in (90, 91, 92):
        photo(place / f"{seed}.jpg", seed)
    photo(place / "again.jpg", 90)
    (place / "broken.jpg").write_bytes(b"no photo")
    return place


def test_a_photo_of_the_run_is_most_like_itself(run, tmp_path):
    file = run.photos.files(run.items)[5]
    said, first, *others = seeing.similar(run, [file.path], 3, tmp_path / "page.html", "en")
    label, probability = Predictor(run).predict([file.path])[0].classes[0]
    assert said == f"{file}: {label} {percent(probability)}"
    assert first == f"    1.00  {run.items['label'][5]}  {file}"
    assert others[-1] == f"Written: {tmp_path / 'page.html'}"
    page = (tmp_path / "page.html").read_text("utf-8")
    assert page.count("data:image/webp") == 4
    assert "alike: 1.00" in page


def test_without_a_photo_the_report_gets_a_map(run, monkeypatch):
    with pytest.raises(InputError, match="A map takes 20 validation photos"):
        list(seeing.similar(run, [], 6))
    monkeypatch.setattr(embedding, "FEWEST", 4)
    assert list(seeing.similar(run, [], 6, lang="en")) == [f"Written: {run.files.report}"]
    table = Run(run.path).table(run.files.embedding)
    assert set(table["path"]) == set(run.photos.part("valid")["path"])
    assert '<section id="map">' in run.files.report.read_text("utf-8")


def test_photos_that_are_gone_are_named(run):
    text = run.files.data.read_text("utf-8")
    root = run.data["root"]
    run.files.data.write_text(text.replace(root, f"{root}-moved"), "utf-8")
    with pytest.raises(InputError, match=r"are no longer in .*-moved: put them back"):
        list(seeing.similar(Run(run.path), [Path(__file__)], 6))


@pytest.mark.parametrize(
    ("lang", "verdict", "unread"),
    [
        ("en", "Cannot tell: it takes 30 new photos", "cannot be read"),
        ("ko", "알 수 없습니다", "읽을 수 없는"),
    ],
)
def test_new_photos_are_counted_once_and_shown(run, incoming, lang, verdict, unread):
    shutil.copy(run.photos.files(run.items)[0].path, incoming / "known.jpg")
    first, *others = drift.drift(run, incoming, lang=lang)
    assert first.startswith(verdict)
    assert any(unread in line for line in others)
    found = run.json(run.files.drift)
    assert (found["photos"], found["left_out"]) == (3, {"copies": 1, "near_copies": 0, "unreadable": 1})
    page = text_of(run.files.drift_page)
    assert first in page
    assert page.count("data:image/webp") == 3


def test_the_page_shows_what_is_most_unlike_first(run, incoming, monkeypatch):
    shown = []
    (incoming / "broken.jpg").unlink()
    monkeypatch.setattr(drift.results, "distances", lambda known, new: np.array([1.0, 3.0, 2.0]))
    monkeypatch.setattr(drift.pictures, "write", lambda path, page, lang: shown.append(page))
    list(drift.drift(run, incoming))
    names = drift.came_in(incoming, run.photos).items["path"]
    assert [picture.photo.path.name for picture in shown[0].groups[0].pictures] == names[[1, 2, 0]].tolist()


def altered(file, place):
    """A photo smaller, and brighter and saved anew: two more files that show one picture."""
    with Image.open(file) as photo:
        photo.resize([side * 3 // 4 for side in photo.size]).save(place / "smaller.jpg")
        photo.point(lambda value: min(value * 1.1, 255)).save(place / "brighter.jpg", quality=60)


def test_near_copies_that_came_in_are_one_group(run, incoming):
    altered(incoming / "90.jpg", incoming)
    items = drift.came_in(incoming, run.photos).items.set_index("path")
    copies = items["group"].reindex(["90.jpg", "again.jpg", "smaller.jpg", "brighter.jpg"]).dropna()
    assert len(copies) == 3
    assert copies.nunique() == 1
    assert items["group"].drop(copies.index).nunique() == 3


def test_near_copies_of_the_runs_photos_are_named_and_left_out(run, incoming):
    own = run.photos.part("train")["path"][0]
    altered(run.photos.root / own, incoming)
    *_, near, _, _ = drift.drift(run, incoming, lang="en")
    assert near.startswith("2 photos are copies of photos that the run has and were left out")
    assert f"smaller.jpg ({own})" in near
    found = run.json(run.files.drift)
    assert found["photos"] == 3
    assert found["near_copies"] == {"brighter.jpg": own, "smaller.jpg": own}
    # Photos that were not trained on are what others are held beside.
    assert found["known_photos"] == (run.items["split"] != "train").sum() < len(run.items) / 2


def test_copies_that_came_in_count_once_and_answers_below_the_threshold_are_counted(run, incoming):
    altered(incoming / "90.jpg", incoming)
    write_json(run.files.calibration, {"abstain": {"threshold": 1.1}})
    list(drift.drift(Run(run.path), incoming))
    found = run.json(run.files.drift)
    assert (found["photos"], found["groups"]) == (5, 3)
    assert found["incoming"]["unanswered"] == 1


def test_a_photo_that_is_given_twice_is_asked_about_once(incoming):
    (incoming / "broken.jpg").unlink()
    found = seeing.found([incoming / "90.jpg", incoming])
    assert [Path(path).name for path in found.items["path"]] == ["90.jpg", "91.jpg", "92.jpg"]


def test_photos_of_the_run_that_are_gone_are_left_out(run, caplog):
    gone = run.items["path"][3]
    text = run.files.items.read_text("utf-8")
    run.files.items.write_text(text.replace(gone, gone.replace(".jpg", "-gone.jpg")), "utf-8")
    there = seeing.present(Run(run.path)).items
    assert there["path"].tolist() == run.items["path"].drop(3).tolist()
    assert there.index.tolist() == list(range(len(there)))
    assert "no longer there are left out: 1." in caplog.text


def test_photos_of_the_run_alone_are_refused(run):
    with pytest.raises(InputError, match="holds photos of the run, or copies of them, alone"):
        list(drift.drift(run, run.photos.root))


def test_the_server_tells_what_drift_found_last(run, incoming):
    with TestClient(build([run.path])) as client:
        assert 'what="photos"' not in client.get("/metrics").text
        list(drift.drift(run, incoming))
        told = client.get("/metrics").text
    assert 'kimchi_drift{model="tiny",what="photos"} 3.0' in told
    assert 'what="auc_low"' not in told


def test_a_folder_has_a_map_before_any_training(folder_of, tmp_path, monkeypatch):
    network = {"backbone": "test_efficientnet", "weights": "none"}
    monkeypatch.setattr(folder, "settings", lambda: {"model": network, "recipe": "best"})
    found = audit(folder_of({"a": 12, "b": 12}), tmp_path / "cache")
    drawn = seeing.map_of(found)
    assert drawn["classes"] == ["a", "b"]
    assert [cell["actual"] for cell in drawn["cells"]] == [0] * 12 + [1] * 12
    assert all(cell["picture"].startswith("data:image/webp") for cell in drawn["cells"])
    assert len(drawn["points"]) == 24


def test_a_run_sees_its_photos_once_for_its_answers_and_its_map(exported, monkeypatch, tmp_path):
    """What passes by while it answers is what its network finds when it is asked again."""
    run, learn = exported
    photos = run.photos
    with predict.seen(learn.model) as features:
        answers = predict.predictions(learn, photos)
    seen = seeing.Seeing.of(run)(photos, photos.part("valid"))
    assert np.concatenate(features) == pytest.approx(seen.features, abs=1e-3)
    monkeypatch.setattr(embedding, "FEWEST", 4)
    seeing.drawn(np.concatenate(features), answers, tmp_path / "map.csv")
    assert run.table(tmp_path / "map.csv")["path"].tolist() == answers.paths
