import io
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from kimchi_vision.deploy.predictor import Predictor
from kimchi_vision.deploy.server import Limits, build


@pytest.fixture(scope="module")
def run(exported):
    return exported[0]


@pytest.fixture(scope="module")
def client(run):
    with TestClient(build([run.path], Limits(megabytes=1, megapixels=2, photos=3))) as client:
        yield client


@pytest.fixture(scope="module")
def content(run):
    return next((run.path.parents[1] / "photos" / "김치").iterdir()).read_bytes()


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
    found = [(one["label"], one["probability"]) for one in answer["predictions"][0]["classes"]]
    assert found == [(label, pytest.approx(share, abs=1e-6)) for label, share in expected.classes]


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
    assert send(client, content, top=0).json()["error"].startswith("top:")
    assert client.post("/predict").json()["error"] == "photos: Field required."
    multipart = {"content-type": "multipart/form-data"}
    assert client.post("/predict", content=b"--x", headers=multipart).is_client_error
    assert client.get("/examples/99").status_code == 404
    assert client.get("/examples/-1").status_code == 404
    assert client.get("/examples/..%2F..%2Fetc%2Fpasswd").is_client_error


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


def test_asking_where_it_looks_counts_for_many_requests(run, content):
    client = TestClient(build([run.path], Limits(per_minute=60)))
    replies = [client.post("/explain", files={"photo": ("photo.jpg", content)}) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [200, 429]


def test_too_many_requests_are_refused(run, content):
    client = TestClient(build([run.path], Limits(per_minute=2)))
    assert [send(client, content).status_code for _ in range(3)] == [200, 200, 429]


def test_uploads_are_kept_only_on_request_and_under_names_of_our_own(run, content, tmp_path):
    client = TestClient(build([run.path], collect=tmp_path / "kept"))
    label = send(client, content, name="../../evil.sh").json()["predictions"][0]["label"]
    answers, photo = sorted((tmp_path / "kept").iterdir(), key=lambda file: file.suffix)
    assert photo.read_bytes() == content
    assert f"{photo.name},tiny,{label}," in answers.read_text(encoding="utf-8")
    assert [file.name for file in tmp_path.iterdir()] == ["kept"]


def test_the_server_tells_about_itself(client, content):
    send(client, content)
    assert client.get("/health").json() == {"status": "ok", "models": ["tiny"]}
    assert client.get("/labels").json() == ["A&B", "김치", "깍두기"]
    assert client.get("/examples/0").headers["content-type"] == "image/jpeg"
    assert 'kimchi_requests_total{path="/predict",status="200"}' in client.get("/metrics").text
    assert client.get("/openapi.json").json()["paths"]["/predict"]


def test_pages_fetch_nothing_from_elsewhere(client):
    for address in ("/", "/docs"):
        page = client.get(address).text
        assert "http://" not in page
        assert "https://" not in page
