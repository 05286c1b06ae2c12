"""The page on which one key says what is on a photo."""

import pytest
from conftest import noise
from fastapi.testclient import TestClient
from small_models import SEVEN

from kimchi_vision.deploy.labelling.choose import choose
from kimchi_vision.deploy.labelling.labels import Labels
from kimchi_vision.deploy.labelling.page import application
from kimchi_vision.deploy.server import Access


@pytest.fixture
def inbox(tmp_path):
    for seed in range(4):
        noise(tmp_path / "inbox" / f"{seed}.jpg", seed)
    return tmp_path / "inbox"


@pytest.fixture
def client(seven, inbox):
    with TestClient(application(seven, choose(inbox, seven, 10), Access(hosts=("testserver",)))) as client:
        yield client


def test_an_answer_is_on_the_disk_when_it_is_given(client, inbox):
    found = client.get("/label/photos").json()
    assert found["vocab"] == sorted(SEVEN)
    name = found["photos"][2]["name"]
    assert client.put("/label/photos/2", json={"label": "깍두기"}).json() == {"labelled": 1}
    assert Labels.beside(inbox).of == {name: "깍두기"}
    assert client.get("/label/photos").json()["photos"][2]["label"] == "깍두기"
    client.put("/label/photos/2", json={"label": None})
    assert Labels.beside(inbox).of == {}


def test_photos_are_shown_and_no_other_file(client):
    assert client.get("/label/photos/0").headers["content-type"] == "image/jpeg"
    assert [client.get(f"/label/photos/{number}").status_code for number in (4, -1, "../labels.csv")] == [
        404,
        404,
        404,
    ]


def test_a_class_that_is_none_and_a_photo_that_is_gone_are_said(client, inbox):
    assert "There is no class 밥" in client.put("/label/photos/0", json={"label": "밥"}).json()["error"]
    for file in inbox.glob("*.jpg"):
        file.unlink()
    assert "not there any more" in client.put("/label/photos/0", json={"label": "김치"}).json()["error"]
    assert not (inbox / "labels.csv").exists()


@pytest.mark.parametrize(
    ("asked", "title"), [("?lang=ko", "이 사진은 무엇인가요?"), ("?lang=en", "What is on this photo?")]
)
def test_the_page_speaks_both_languages(client, asked, title):
    assert f"<h1>{title}</h1>" in client.get(f"/label{asked}").text


def test_the_page_of_serve_stands_beside_it(client):
    assert client.get("/models").json()[0]["name"] == "seven"
