"""Files that mean harm, wherever a user could meet one: each shows that nothing comes of it."""

import json
import pickle
import shutil

import pytest
import torch
from typer.testing import CliRunner

from kimchi_vision import data
from kimchi_vision.base.errors import ModelError
from kimchi_vision.cli.main import app
from kimchi_vision.config.sections import Report, Train
from kimchi_vision.data.audit import audit
from kimchi_vision.data.page import write as write_page
from kimchi_vision.deploy.predictor import Predictor, find_photos
from kimchi_vision.deploy.server import build
from kimchi_vision.learning import train
from kimchi_vision.learning.model import weights
from kimchi_vision.results import compare, report
from tests.browsers import needs_chromium, serving, told
from tests.exported_runs import exported_run
from tests.fake_runs import fake_run

EVIL = "<img src=x onerror=alert(1)>"
NAMES = [
    f"{EVIL}.jpg",
    "a%2f..%2fup.jpg",
    "a\\..\\..\\up.jpg",
    "$(touch up).jpg",
    "-rf.jpg",
    "line\nend.jpg",
    "=1+1.jpg",
]


class Bomb:
    """A pickle that leaves a file behind when it is loaded."""

    def __init__(self, file):
        self.file = str(file)

    def __reduce__(self):
        return open, (self.file, "w")


@pytest.fixture
def trace(tmp_path):
    """Where a bomb would leave a file; there is none after the test."""
    yield tmp_path / "it ran"
    assert not (tmp_path / "it ran").exists()


def plant(run, trace) -> None:
    """Every file of a run folder that could hold a pickle."""
    for file in (run.files.pkl, run.files.weights, run.files.last, run.files.best):
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(pickle.dumps(Bomb(trace)))


def test_predict_and_serve_never_unpickle(exported, tmp_path, trace):
    run = type(exported[0])(tmp_path / "stranger")
    shutil.copytree(exported[0].path, run.path)
    plant(run, trace)
    assert Predictor(run).vocab
    assert build([run.path])


def test_compare_and_report_never_unpickle(folder_of, tmp_path, trace):
    photos = data.load(data_section(folder_of({"a": 10, "b": 10})), tmp_path)
    runs = [fake_run(tmp_path / "exports" / name, photos, seed=seed) for seed, name in enumerate("ab")]
    for run in runs:
        plant(run, trace)
        assert report.write(run, Report()).is_file()
    assert compare.compare([run.path for run in runs]).text()


def data_section(root):
    from kimchi_vision.config.sections import Data

    return Data(path=root, splitter="stratified", policy={"unreadable": "error"})


@pytest.mark.parametrize("save", [pickle.dump, torch.save])
def test_checkpoints_and_weights_are_read_as_tensors(tiny_learner, trace, save, caplog):
    section = Train(stages=[{"fit": {"epochs": 1}}])
    learn, run = tiny_learner(section)
    run.files.checkpoints.mkdir(parents=True)
    with run.files.last.open("wb") as file:
        save(Bomb(trace), file)
    with pytest.raises(ModelError, match="cannot be read as weights"):
        weights.read(run.files.last)
    train.fit(section, learn, run.files)
    assert "last.pth is damaged" in caplog.text


def test_names_of_files_are_only_names(exported, photo, folder_of, tmp_path):
    root = folder_of({"a": 10, "b": 10})
    before = sorted(path.name for path in tmp_path.iterdir())
    for seed, name in enumerate(NAMES, 50):
        photo(root / "a" / name, seed)
    found = data.load(data_section(root), tmp_path / "cache")
    assert {f"a/{name}" for name in NAMES} <= set(found.items["path"])
    write_page(audit(root, tmp_path / "cache"), tmp_path / "page.html")
    assert EVIL not in (tmp_path / "page.html").read_text(encoding="utf-8")
    assert len(Predictor(exported[0]).predict(find_photos([root]))) == 20 + len(NAMES)
    said = CliRunner().invoke(app, ["predict", str(exported[0].path), str(root), "--json"])
    assert len(json.loads(said.stdout)) == 20 + len(NAMES)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*before, "cache", "page.html"])


VISITOR = """<script>
window.alert = () => { document.body.dataset.ran = "yes"; };
addEventListener("load", async () => {
  const until = async (found) => { while (!found()) await new Promise((next) => setTimeout(next, 50)); };
  await until(() => document.querySelector("#examples button"));
  document.querySelector("#examples button").click();
  await until(() => document.querySelector("#bars li"));
  document.body.append(Object.assign(document.createElement("output"), { textContent: JSON.stringify({
    ran: document.body.dataset.ran ?? "no",
    pictures: document.querySelectorAll("#bars img, #answer img").length,
    answer: document.getElementById("answer").textContent,
  }) }));
});
</script>"""


@pytest.mark.slow
@needs_chromium
def test_a_class_name_on_the_page_is_text(folder_of, tmp_path):
    from fastapi.responses import HTMLResponse

    from kimchi_vision.deploy.server import api

    names = [f"{EVIL}{letter}" for letter in "ab"]
    run, _ = exported_run(tmp_path / "exports" / "evil", folder_of(dict.fromkeys(names, 8)), onnx=True)
    served = build([run.path])
    page = api.page().replace("</body>", f"{VISITOR}</body>")
    served.add_api_route("/visit", lambda: HTMLResponse(page))
    with serving(served) as address:
        seen = told(f"{address}/visit?lang=en", tmp_path / "browser", "--virtual-time-budget=20000")
    assert (seen["ran"], seen["pictures"]) == ("no", 0)
    assert seen["answer"] in names
