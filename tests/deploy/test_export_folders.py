import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from kimchi_vision.base.errors import InputError
from kimchi_vision.deploy import export
from kimchi_vision.deploy.export import card, folders


@pytest.fixture(scope="module")
def run(exported):
    return exported[0]


def test_the_card_tells_scores_with_intervals_and_limits(run):
    text = card.text(run)
    assert re.search(r"\| Accuracy \| [\d.]+ % \|", text)  # too few photos for an interval
    assert "| 김치 |" in text
    assert "A\\&B" in text
    assert "trained from random weights" in text
    assert "100.0 % of its answers" in text


def test_a_space_starts_and_answers(run, tmp_path):
    folder = export.folder(run, tmp_path / "space", kind="space")
    assert "sdk: docker" in (folder / "README.md").read_text(encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "PORT": str(port), "PYTHONPATH": ""}
    server = subprocess.Popen([sys.executable, "app.py"], cwd=folder, env=environment)
    try:
        assert _answer(f"http://127.0.0.1:{port}/health")["models"] == ["tiny"]
    finally:
        server.terminate()
        server.wait()


def test_a_folder_for_docker_holds_the_model_and_the_package(run, tmp_path):
    (tmp_path / "image").mkdir()
    folder = export.folder(run, tmp_path / "image", kind="docker")
    assert "sdk: docker" not in (folder / "README.md").read_text(encoding="utf-8")
    assert (folder / "model.onnx").read_bytes() == run.files.onnx.read_bytes()
    assert (folder / "kimchi_vision" / "__init__.py").is_file()
    assert {file.name for file in folder.iterdir()} >= {"Dockerfile", "app.py", "requirements.txt"}
    with pytest.raises(InputError, match="image is not empty"):
        export.folder(run, folder, kind="docker")
    made = export.folder(run, tmp_path / "deep" / "space", kind="space")
    assert "sdk: docker" in (made / "README.md").read_text(encoding="utf-8")


def _answer(address):
    for _ in range(120):
        try:
            return httpx.get(address).json()
        except httpx.TransportError:
            time.sleep(0.5)
    raise AssertionError(f"{address} does not answer")


def test_the_folder_asks_for_what_pyproject_asks_for():
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    wanted = (folders.TEMPLATES / "requirements.txt").read_text(encoding="utf-8").split()
    assert all(f'"{line}"' in project for line in wanted)
