"""The page on which one key says what is on a photo."""

import io

import numpy as np
import pytest
from browsers import CHROMIUM, needs_chromium, serving
from conftest import noise
from fastapi.testclient import TestClient
from PIL import Image
from small_models import SEVEN, facts, save

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


def test_photos_are_shown_and_no_other_file(client, inbox):
    for number, asked in enumerate(client.get("/label/photos").json()["photos"]):
        reply = client.get(f"/label/photos/{number}")
        assert reply.headers["content-type"] == "image/jpeg"
        shown, photo = (
            np.asarray(Image.open(file), float) for file in (io.BytesIO(reply.content), inbox / asked["name"])
        )
        assert np.abs(shown - photo).mean() < 3
    assert [client.get(f"/label/photos/{number}").status_code for number in (4, -1, "../labels.csv")] == [
        404,
        404,
        404,
    ]


def test_a_class_that_is_none_and_a_photo_that_is_gone_are_said(client, inbox):
    assert "There is no class 밥" in client.put("/label/photos/0", json={"label": "밥"}).json()["error"]
    korean = client.put("/label/photos/0", json={"label": "밥"}, headers={"Accept-Language": "ko"}).json()
    assert korean["error"].startswith("밥 클래스는 없습니다. 있는 클래스: ")
    for file in inbox.glob("*.jpg"):
        file.unlink()
    assert "not there any more" in client.put("/label/photos/0", json={"label": "김치"}).json()["error"]
    assert not (inbox / "labels.csv").exists()


def test_a_page_of_another_site_labels_nothing(client, inbox):
    evil = {"origin": "http://evil.example"}
    assert client.put("/label/photos/0", json={"label": "김치"}, headers=evil).status_code == 403
    assert Labels.beside(inbox).of == {}


def test_of_many_classes_nine_have_a_key_and_a_large_photo_is_made_smaller(inbox, tmp_path):
    names = tuple(f"class {number:02}" for number in range(12))
    model = save(tmp_path / "twelve.onnx", facts(names))
    Image.new("RGB", (3000, 20)).save(inbox / "0.jpg")
    chosen = choose(inbox, model, 10)
    client = TestClient(application(model, chosen, Access(hosts=("testserver",))))
    found = client.get("/label/photos").json()
    assert found["vocab"] == [*names]
    for shown, asked in zip(found["photos"], chosen.asked, strict=True):
        assert [label for label, _ in shown["classes"]] == [label for label, _ in asked.classes][:9]
    place = [each.path for each in chosen.asked].index("0.jpg")
    content = client.get(f"/label/photos/{place}").content
    assert Image.open(io.BytesIO(content)).size[0] == 1280


KOREAN, ENGLISH = "무엇을 찍은 사진입니까?", "What is on this photo?"


@pytest.mark.parametrize(
    ("asked", "prefers", "title"),
    [("?lang=ko", "en", KOREAN), ("?lang=en", "ko", ENGLISH), ("", "ko-KR", KOREAN), ("", "", ENGLISH)],
)
def test_the_page_speaks_both_languages(client, asked, prefers, title):
    reply = client.get(f"/label{asked}", headers={"Accept-Language": prefers})
    assert f"<h1>{title}</h1>" in reply.text


def test_the_page_of_serve_stands_beside_it(client):
    assert client.get("/models").json()[0]["name"] == "seven"


@pytest.mark.slow
@needs_chromium
def test_one_key_a_photo_labels_it_and_a_dead_server_is_said(seven, inbox):
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chosen = choose(inbox, seven, 10)
    first, second, third, fourth = chosen.asked
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        tab = browser.new_page(locale="en-US", viewport={"width": 390, "height": 844})
        with serving(application(seven, chosen, Access())) as address:
            tab.goto(f"{address}/label")
            for key, left in (("Enter", "2. "), ("2", "3. ")):
                tab.wait_for_selector("#classes button")
                tab.keyboard.press(key)
                tab.locator("#name", has_text=left).wait_for()
            tab.keyboard.press("/")
            tab.locator("#other:focus").wait_for()
            # on a busy machine the list's popup takes typed keys away: say what the browser says after them
            tab.locator("#other").evaluate(
                "box => { box.value = '깍두기'; box.dispatchEvent(new Event('change')); }"
            )
            tab.locator("#name", has_text="4. ").wait_for()
            assert tab.inner_text("#count") == "3 / 4"
            assert tab.evaluate("document.documentElement.scrollWidth") <= 390
        tab.keyboard.press("Enter")
        tab.locator("#said", has_text="this label is not written").wait_for()
        browser.close()
    expected = {first.path: first.classes[0][0], second.path: second.classes[1][0], third.path: "깍두기"}
    assert Labels.beside(inbox).of == expected
    assert fourth.path not in expected
