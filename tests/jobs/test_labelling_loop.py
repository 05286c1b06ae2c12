"""The whole loop: train on 8 photos a class, serve, collect, label, take, and train on what came in."""

import hashlib

import pytest
from conftest import noise
from fastapi.testclient import TestClient

from kimchi_vision.config import load
from kimchi_vision.deploy.labelling.choose import choose
from kimchi_vision.deploy.labelling.page import application
from kimchi_vision.deploy.labelling.take import take
from kimchi_vision.deploy.server import Access, Collection, build
from kimchi_vision.jobs.experiment import run

CLASSES = ("김치", "깍두기", "A&B")
EXPERIMENT = """
data: {path: photos}
augment: {resize: 48, size: 48}
loader: {batch_size: 8, workers: 0}
model: {backbone: test_efficientnet, weights: none}
features: {floor: false}
explain: {top_losses: false, background: 0}
export: {pkl: false, weights: false, safetensors: false, timings: false}
train: [fit: {epochs: 1}]
"""


@pytest.mark.slow
def test_photos_that_a_server_met_become_training_photos(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.yaml").write_text(EXPERIMENT, encoding="utf-8")
    for seed in range(24):
        noise(tmp_path / "photos" / CLASSES[seed % 3] / f"{seed}.jpg", seed)
    first = run(load(tmp_path / "tiny.yaml"), tmp_path / "first")

    met = [noise(tmp_path / "phone" / f"{seed}.jpg", seed).read_bytes() for seed in range(20, 32)]
    kept = tmp_path / "kept"
    with TestClient(build([first.path], collection=Collection(kept, 10))) as client:
        assert all(client.post("/predict", files={"photos": each}).status_code == 200 for each in met)

    chosen = choose(kept / "answers.csv", first.path, 100)
    assert (len(chosen.asked), chosen.known) == (8, 4)  # four of them it was trained or scored on
    truth = {hashlib.sha256(each).hexdigest(): CLASSES[seed % 3] for seed, each in enumerate(met, 20)}
    with TestClient(application(first.path, chosen, Access(hosts=("testserver",)))) as client:
        for number, asked in enumerate(client.get("/label/photos").json()["photos"]):
            label = truth[asked["name"].partition(".")[0]]
            assert client.put(f"/label/photos/{number}", json={"label": label}).status_code == 200

    done = take(kept, tmp_path / "photos")
    assert (done.classes.total(), done.conflicts, done.unfound) == (8, [], {})
    second = run(load(tmp_path / "tiny.yaml"), tmp_path / "second")
    known = dict(zip(second.items["sha256"], second.items["label"], strict=True))
    assert len(known) == 32
    assert all(known[content] == label for content, label in truth.items())
