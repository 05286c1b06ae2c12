import asyncio
import io
import itertools
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import noise
from fake_runs import fake_run
from fastapi.testclient import TestClient
from PIL import Image
from small_models import SEVEN, facts, save

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.files import write_json
from kimchi_vision.data.photo import Photos
from kimchi_vision.deploy.predictor import Prediction, Predictor
from kimchi_vision.deploy.server import Collection, Limits, build, guard
from kimchi_vision.deploy.server.models import Batcher


@pytest.fixture(scope="module")
def run(exported):
    return exported[0]


@pytest.fixture(scope="module")
def client(run):
    with TestClient(build([run.path], Limits(megabytes=1, megapixels=2, photos=3))) as client:
        yield client


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    return noise(tmp_path_factory.mktemp("photos") / "0.jpg").read_bytes()


@pytest.fixture
def two_models(seven, tmp_path):
    """A server of two models, and their files; the second is never sure enough."""
    other = save(tmp_path / "other.onnx", facts(experiment="other", abstain_threshold=1.0), seed=1)
    with TestClient(build([seven, other])) as client:
        yield client, seven, other


def send(client, *contents, name="photo.jpg", **query):
    return client.post("/predict", files=[("photos", (name, one)) for one in contents], params=query)


def picture(width, height, kind="PNG"):
    file = io.BytesIO()
    Image.new("1" if kind == "PNG" else "RGB", (width, height)).save(file, kind)
    return file.getvalue()


def test_an_upload_is_answered_as_predict_answers(client, run, content):
    answer = send(client, content, top=2).json()
    expected = Predictor(run).predict([content], top=2)[0]
    assert answer["model"] == "tiny"
    (found,) = answer["predictions"]
    assert (found["label"], found["known"]) == (expected.label, True)
    assert [(one["label"], one["probability"]) for one in found["classes"]] == [
        (label, pytest.approx(share, abs=1e-6)) for label, share in expected.classes
    ]


@pytest.mark.parametrize(("asked", "named"), [({}, 5), ({"top": 1}, 1), ({"top": 6}, 6), ({"top": 1000}, 7)])
def test_as_many_classes_are_named_as_asked_for(two_models, content, asked, named):
    client, seven, _ = two_models
    (found,) = send(client, content, **asked).json()["predictions"]
    shown = [(one["label"], one["probability"]) for one in found["classes"]]
    (expected,) = Predictor(seven).predict([content], top=named)
    assert len(shown) == named
    assert shown == [(label, pytest.approx(share, abs=1e-6)) for label, share in expected.classes]


def test_photos_of_one_request_are_answered_in_order_by_the_model_that_is_named(two_models, tmp_path):
    client, *files = two_models
    photos = [noise(tmp_path / f"{seed}.jpg", seed).read_bytes() for seed in range(3)]
    for name, file in zip(("seven", "other"), files, strict=True):
        reply = send(client, *photos, model=name, top=7).json()
        shown = [[one["label"] for one in answer["classes"]] for answer in reply["predictions"]]
        expected = [[label for label, _ in one.classes] for one in Predictor(file).predict(photos, top=7)]
        assert (reply["model"], shown) == (name, expected)


def test_below_the_threshold_there_is_no_label(two_models, content):
    client, *_ = two_models
    (found,) = send(client, content, model="other").json()["predictions"]
    assert (found["label"], found["known"]) == (None, False)
    assert found["classes"][0]["probability"] < 1
    text = client.get("/metrics").text
    assert 'kimchi_answers_total{label="unknown",model="other"} 1.0' in text
    about = {"name": "other", "classes": 7, "abstain_threshold": 1.0, "examples": [], "card": False}
    assert client.get("/models").json() == [{**about, "name": "seven", "abstain_threshold": None}, about]
    assert client.get("/labels", params={"model": "other"}).json() == list(SEVEN)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_the_usual_kinds_of_picture_are_read(client, kind):
    assert send(client, picture(40, 30, kind)).status_code == 200


def test_concurrent_uploads_get_their_own_answers(client, run):
    photos = sorted((run.path.parents[1] / "photos").rglob("*.jpg"))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda photo: send(client, photo.read_bytes()).json(), photos))
    expected = Predictor(run).predict(photos)
    assert [one["predictions"][0]["label"] for one in answers] == [one.label for one in expected]


@pytest.mark.parametrize(
    ("content", "status", "sentence"),
    [
        (b"", 415, "Photo 1 is not a picture"),
        (b"<script>alert(1)</script>", 415, "not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", 415, "not a picture"),
        (picture(20_000, 20_000), 413, "more than 2 megapixels"),
        (picture(200, 200, "JPEG")[:400], 415, "not a picture|damaged"),
        (b"x" * 1_100_000, 413, "larger than 1 MB"),
    ],
    ids=["empty", "html", "postscript", "bomb", "half", "large"],
)
def test_bad_uploads_get_a_sentence(client, content, status, sentence):
    reply = send(client, content)
    assert reply.status_code == status
    assert re.search(sentence, reply.json()["error"])


def test_requests_that_make_no_sense_get_a_sentence(client, content):
    assert send(client, content, model="../../etc/passwd").status_code == 404
    assert send(client, *[content] * 4).status_code == 413
    multipart = {"content-type": "multipart/form-data"}
    assert client.post("/predict", content=b"--x", headers=multipart).is_client_error
    assert client.get("/examples/99").status_code == 404
    assert client.get("/examples/-1").status_code == 404
    assert client.get("/examples/..%2F..%2Fetc%2Fpasswd").is_client_error


@pytest.mark.parametrize(
    ("asked", "english", "korean"),
    [
        ({"params": {"top": 0}}, "`top`: should be 1 or more.", "`top`: 1 이상이어야 합니다."),
        ({"params": {"top": "many"}}, "`top`: should be a whole number.", "`top`: 정수로 쓰세요."),
        ({}, "`photos`: it is missing.", "`photos`: 빠져 있습니다."),
        (
            {"data": {"photos": "text"}},
            "`photos`: does not fit: Value error, Expected UploadFile, received: <class 'str'>.",
            "`photos`: 맞지 않는 값입니다: “Value error, Expected UploadFile, received: <class 'str'>”.",
        ),
    ],
)
def test_what_a_request_lacks_is_said_in_its_language(client, content, asked, english, korean):
    photo = {"files": [("photos", ("photo.jpg", content))]} if "params" in asked else {}
    for language, said in (("en-GB", english), ("ko-KR", korean)):
        reply = client.post("/predict", **photo, **asked, headers={"Accept-Language": language})
        assert (reply.status_code, reply.json()["error"]) == (422, said)
    nowhere = client.get("/nowhere", headers={"Accept-Language": "ko"})
    assert nowhere.json()["error"] == "찾을 수 없음"


def test_where_it_looks_is_a_grid_over_what_the_network_sees(client, run, content):
    told = client.post("/explain", files={"photo": ("photo.jpg", content)}).json()
    (expected,) = Predictor(run).predict([content], top=1)
    assert (told["label"], len(told["heat"]), len(told["heat"][0])) == (expected.label, 7, 7)
    assert max(map(max, told["heat"])) in (0, 1)
    # Photos of 64 x 48 pixels are cut to their middle.
    assert told["window"] == pytest.approx([0.125, 0, 0.75, 1])
    for bad, status in ((b"no photo", 415), (b"", 415), (picture(20_000, 20_000), 413)):
        assert client.post("/explain", files={"photo": ("photo.jpg", bad)}).status_code == status
    assert client.post("/explain").status_code == 422


@pytest.mark.parametrize("most", [60, 20])
def test_asking_where_it_looks_counts_for_many_requests(seven, content, most):
    client = TestClient(build([seven], Limits(per_minute=most)))
    replies = [client.post("/explain", files={"photo": ("photo.jpg", content)}) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [200, 429]


def test_too_many_requests_of_one_address_are_refused(seven, content):
    app = build([seven], Limits(per_minute=2))
    mine, other = (TestClient(app, client=(f"10.0.0.{number}", 50_000)) for number in (1, 2))
    assert [send(mine, content).status_code for _ in range(3)] == [200, 200, 429]
    assert int(send(mine, content).headers["retry-after"]) > 0
    assert send(other, content).status_code == 200


def test_as_much_as_is_allowed_is_answered_and_a_bad_photo_is_named_by_its_place(seven, content):
    client = TestClient(build([seven], Limits(megapixels=2, photos=3)))
    assert send(client, *[content] * 3).status_code == 200
    assert send(client, picture(2000, 1000)).status_code == 200
    assert send(client, content, b"no photo").json()["error"].startswith("Photo 2 is not a picture")
    assert send(client, content, picture(2001, 1000)).json()["error"].startswith("Photo 2 has more than 2")


def test_bodies_that_are_answered_take_no_room(seven, content, monkeypatch):
    monkeypatch.setattr(guard, "UPLOADS", 1)
    client = TestClient(build([seven], Limits(megabytes=2 * len(content) / 1e6)))
    assert {send(client, content).status_code for _ in range(5)} == {200}


def test_two_models_of_one_name_are_refused(seven):
    with pytest.raises(InputError, match="Two models have one name: seven, seven"):
        build([seven, seven])


def test_uploads_are_kept_only_on_request_and_under_names_of_our_own(run, content, tmp_path):
    client = TestClient(build([run.path], collection=Collection(tmp_path / "kept", 1)))
    label = send(client, content, name="../../evil.sh").json()["predictions"][0]["label"]
    answers, photo = sorted((tmp_path / "kept").iterdir(), key=lambda file: file.suffix)
    assert photo.read_bytes() == content
    assert f"{photo.name},tiny,{label}," in answers.read_text(encoding="utf-8")
    assert [file.name for file in tmp_path.iterdir()] == ["kept"]


def test_each_kept_photo_stands_beside_its_own_answer(tmp_path):
    files = [noise(tmp_path / f"{seed}.jpg", seed) for seed in range(3)]
    model = save(tmp_path / "model.onnx", facts())
    sure = sorted(answer.classes[0][1] for answer in Predictor(model).predict(files))
    save(model, facts(abstain_threshold=sure[1]))
    client = TestClient(build([model], collection=Collection(tmp_path / "kept", 1)))
    send(client, files[0].read_bytes())
    send(client, *(file.read_bytes() for file in files[1:]))
    table = pd.read_csv(tmp_path / "kept" / "answers.csv", dtype={"label": str}, keep_default_na=False)
    assert list(table) == ["time", "file", "model", "label", "probability", "known"]
    assert sorted(table["known"]) == [False, True, True]
    for row, answer in zip(table.itertuples(), Predictor(model).predict(files), strict=True):
        assert (tmp_path / "kept" / row.file).read_bytes() == Path(answer.photo).read_bytes()
        assert (row.model, row.label, row.known) == ("seven", answer.classes[0][0], answer.known)
        assert row.probability == pytest.approx(answer.classes[0][1], abs=1e-6)


def test_photos_that_were_kept_before_count_for_the_room(tmp_path, content):
    noise(tmp_path / "before.jpg", 1)
    kept = Collection(tmp_path, 1.5 * len(content) / 1e6)
    kept.add(content, "seven", Prediction("photo", (("a", 0.9),)))
    assert [file.name for file in tmp_path.iterdir()] == ["before.jpg"]


def test_a_photo_is_kept_once_and_none_when_the_folder_is_full(run, content, tmp_path, caplog):
    kept = tmp_path / "kept"
    client = TestClient(build([run.path], collection=Collection(kept, 1.5 * len(content) / 1e6)))
    send(client, content, content)
    other = noise(tmp_path / "other.jpg", 5).read_bytes()
    for _ in range(2):
        assert send(client, other).status_code == 200
    assert [file.suffix for file in sorted(kept.iterdir(), key=lambda file: file.suffix)] == [".csv", ".jpeg"]
    assert len((kept / "answers.csv").read_text(encoding="utf-8").splitlines()) == 2
    assert caplog.text.count("is full") == 1


def test_the_server_tells_about_itself(client, content):
    send(client, content)
    assert client.get("/health").json() == {"status": "ok", "models": ["tiny"]}
    assert client.get("/labels").json() == ["A&B", "김치", "깍두기"]
    assert client.get("/examples/0").headers["content-type"] == "image/jpeg"
    assert 'kimchi_requests_total{path="/predict",status="200"}' in client.get("/metrics").text
    assert client.get("/openapi.json").json()["paths"]["/predict"]


def test_pages_fetch_nothing_from_elsewhere(client):
    for address in ("/", "/docs"):
        reply = client.get(address)
        assert "http://" not in reply.text
        assert "https://" not in reply.text
        assert reply.headers["content-security-policy"].startswith("default-src 'self'")
        assert reply.headers["x-content-type-options"] == "nosniff"


@pytest.fixture
def two_runs(tmp_path):
    """Runs that were never trained: photos of a class in the greys of its name, and a model of their own."""
    runs = []
    for name, greys in (("first", (40, 80)), ("second", (120, 200))):
        root, rows = tmp_path / f"photos-{name}", []
        for grey, number in itertools.product(greys, range(5)):
            file = root / str(grey) / f"{number}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (64, 48), (grey + (50 if number == 0 else 0),) * 3).save(file)
            part = "train" if number == 0 else "valid"
            rows.append((f"{grey}/{number}.png", str(grey), part, f"{grey}{number}"))
        items = pd.DataFrame(rows, columns=["path", "label", "split", "sha256"])
        run = fake_run(tmp_path / name, Photos(root, items, tuple(map(str, greys))))
        save(run.files.onnx, facts(run.vocab, experiment=name), seed=len(name))
        runs.append(run)
    return runs


def test_each_model_has_its_own_examples_of_both_classes_none_of_which_it_learnt(two_runs):
    client = TestClient(build([run.path for run in two_runs]))
    for each, run in zip(client.get("/models").json(), two_runs, strict=True):
        first, second = run.vocab
        assert each["examples"] == [first, second] * 3
        for number, label in enumerate(each["examples"]):
            shown = client.get(f"/examples/{number}", params={"model": each["name"]})
            grey = np.asarray(Image.open(io.BytesIO(shown.content))).mean()
            assert grey == pytest.approx(int(label), abs=2)


def test_each_model_has_its_own_card_heat_and_drift(two_runs, content):
    _, second = two_runs
    second.files.card.write_text("---\na: b\n---\n# Second <script>\n\n| a |\n|---|\n| 1 |\n", "utf-8")
    drift = {"auc": 0.7, "auc_interval": [0.6, 0.8], "unlike_share": 0.3, "photos": 44}
    write_json(second.files.drift, drift)
    client = TestClient(build([run.path for run in two_runs]))
    assert [each["card"] for each in client.get("/models").json()] == [False, True]
    assert client.get("/card").status_code == 404
    page = client.get("/card", params={"model": "second"}).text
    assert "Second &lt;script&gt;" in page
    told = client.get("/metrics").text
    for what, value in (("auc", 0.7), ("auc_low", 0.6), ("auc_high", 0.8), ("unlike_share", 0.3)):
        assert f'kimchi_drift{{model="second",what="{what}"}} {value}' in told
    assert 'kimchi_drift{model="first"' not in told
    write_json(second.files.drift, {**drift, "auc": 0.5, "auc_interval": None})  # of too few photos
    told = client.get("/metrics").text
    assert 'what="auc"} 0.5' in told
    assert 'what="auc_low"' not in told
    for run in two_runs:
        found = client.post("/explain", files={"photo": content}, params={"model": run.name}).json()
        (expected,) = Predictor(run).predict([content], top=1)
        assert (found["model"], found["label"]) == (run.name, expected.label)


def test_requests_are_counted_by_route_and_status(seven, content):
    client = TestClient(build([seven]))
    for address in ("/made/up", "/also/made/up", "/labels?model=none"):
        client.get(address)
    told = client.get("/metrics").text
    assert 'kimchi_requests_total{path="other",status="404"} 2.0' in told
    assert 'kimchi_requests_total{path="/labels",status="404"} 1.0' in told


def test_photos_that_wait_go_in_batches_and_one_that_fails_takes_none_along():
    sizes = []

    def classify(inputs):
        sizes.append(len(inputs))
        if any(value < 0 for value in inputs):
            raise ValueError("no photo")
        return [2 * value for value in inputs]

    async def together(values):
        batcher = Batcher(classify, 4, lambda size: None)
        return await asyncio.gather(*map(batcher, values), return_exceptions=True)

    answers = asyncio.run(together([-1, *range(1, 10)]))
    assert isinstance(answers[0], ValueError)
    assert answers[-5:] == [10, 12, 14, 16, 18]
    assert max(sizes) == 4


@pytest.mark.parametrize(
    ("prefers", "said"),
    [
        ("en-GB", "There is no such model."),
        ("ko-KR,ko;q=0.9", "그런 모델이 없습니다."),
        ("en,ko;q=0.5", "There is no such model."),
        ("", "There is no such model."),
    ],
)
def test_a_refusal_is_in_the_language_that_the_browser_prefers(client, prefers, said):
    answer = client.get("/labels", params={"model": "none"}, headers={"Accept-Language": prefers})
    assert (answer.status_code, answer.json()["error"].startswith(said)) == (404, True)
