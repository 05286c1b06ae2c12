"""The page that classifies in a browser: driven in headless Chromium, as on a phone, online and offline."""

import functools
import http.server
import io
import json
import os
import shutil
import tarfile
import threading
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import onnx
import pytest
from browsers import CHROMIUM, needs_chromium
from PIL import Image
from small_models import facts, save

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.files import write_json
from kimchi_vision.deploy import export
from kimchi_vision.deploy.export import folders, photo_graph
from kimchi_vision.results.run import Run

PACKAGE = Path(os.environ.get("KIMCHI_ONNXRUNTIME_WEB", "missing"))
needs_package = pytest.mark.skipif(
    not PACKAGE.is_file(),
    reason=f"KIMCHI_ONNXRUNTIME_WEB names no file that `npm pack {folders.PACKAGE}@{folders.VERSION}` wrote",
)


def test_without_npm_it_says_what_is_missing_and_where_to_put_it(exported, tmp_path, monkeypatch):
    monkeypatch.setenv("KIMCHI_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(folders.shutil, "which", lambda name: None)
    with pytest.raises(InputError, match=r"onnxruntime-web-1\.30\.0\.tgz is missing. Install Node.js"):
        export.folder(exported[0], tmp_path / "page", "web")
    assert not (tmp_path / "page").exists()


def test_a_file_that_takes_no_photos_is_refused(seven, tmp_path):
    run = Run(tmp_path / "run")
    run.path.mkdir()
    shutil.copyfile(seven, run.files.onnx)
    with pytest.raises(InputError, match=r"export \S+ --format onnx"):
        export.folder(run, tmp_path / "page", "web")


def test_a_smaller_model_is_offered_with_what_it_loses(tmp_path):
    run = Run(tmp_path / "run")
    run.path.mkdir()
    for file in (run.files.onnx, run.files.smaller("int8")):
        file.write_bytes(bytes(2_000_000))
    assert [model["file"] for model in folders._models(run)] == ["model.onnx"]
    lost = {"accuracy_lost": 0.0125, "accuracy_lost_interval": [-0.01, 0.04]}
    write_json(run.files.export, {"model.int8.onnx": lost})
    assert folders._models(Run(run.path))[1] == {
        "file": "model.int8.onnx",
        "megabytes": 2.0,
        "lost": [1.2, -1.0, 4.0],
    }


@pytest.fixture
def npm(tmp_path, monkeypatch):
    """A stand-in for npm, as a script: what it does when it is asked to pack."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    monkeypatch.setenv("KIMCHI_CACHE", str(tmp_path / "deep" / "cache"))

    def does(script):
        (tmp_path / "bin" / "npm").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "bin" / "npm").chmod(0o755)

    return does


def test_the_folder_holds_all_that_its_page_loads(exported, npm, tmp_path):
    run, package = exported[0], tmp_path / f"{folders.PACKAGE}-{folders.VERSION}.tgz"
    with tarfile.open(package, "w:gz") as archive:
        for name in folders.RUNTIME:
            member = tarfile.TarInfo(f"package/dist/{name}")
            member.size = len(name)
            archive.addfile(member, io.BytesIO(name.encode()))
    npm(
        f'[ "$1 $2 $3" = "pack {folders.PACKAGE}@{folders.VERSION} --pack-destination" ] && cp {package} "$4"'
    )
    folder = export.folder(run, tmp_path / "new" / "page", "web")
    folders.runtime().unlink()
    assert folders.runtime().is_file()  # its folder was there
    npm("exit 1")  # brought once, it is kept
    (tmp_path / "again").mkdir()  # a folder that holds nothing yet
    again = export.folder(run, tmp_path / "again", "web")

    assert [(folder / name).read_text() for name in folders.RUNTIME] == [*folders.RUNTIME]
    assert (folder / "model.onnx").read_bytes() == run.files.onnx.read_bytes()
    about = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    assert (about["name"], about["classes"]) == (run.name, list(run.predictions.vocab))
    manifest = json.loads((folder / "manifest.webmanifest").read_text(encoding="utf-8"))
    shown = {"name": run.name, "short_name": run.name[:12], "start_url": "./", "scope": "./"}
    look = {"display": "standalone", "background_color": "#ffffff", "theme_color": "#b3261e"}
    assert manifest.items() >= {**shown, **look}.items()
    for icon in manifest["icons"]:
        with Image.open(folder / icon["src"]) as image:
            assert icon["sizes"] == "{}x{}".format(*image.size)
            assert (image.getpixel((0, 0)), image.getpixel((image.width // 2, image.height // 2))) == (
                (179, 38, 30),
                (255, 255, 255),
            )
            assert np.array_equal(np.asarray(image), np.asarray(image)[::-1, ::-1])  # its lens is round
        assert icon["purpose"] == "any maskable"
    worker = (folder / "sw.js").read_text(encoding="utf-8")
    names = sorted(file.name for file in folder.iterdir() if file.name != "sw.js")
    assert json.dumps(["./", *names]) in worker
    assert worker == (again / "sw.js").read_text(encoding="utf-8")
    (again / "labels.json").write_text("{}")
    folders._write_worker(again, set())
    assert worker != (again / "sw.js").read_text(encoding="utf-8")  # visitors get what has changed


def test_what_npm_could_not_bring_is_said(exported, npm, tmp_path):
    npm("echo no such version >&2; exit 1")
    with pytest.raises(InputError, match="npm could not bring it: no such version"):
        export.folder(exported[0], tmp_path / "page", "web")


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *given):
        pass


@pytest.fixture
def shown(tmp_path, monkeypatch):
    """Write the page of a run, and serve it: its address."""
    monkeypatch.setenv("KIMCHI_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    shutil.copyfile(PACKAGE, tmp_path / "cache" / f"{folders.PACKAGE}-{folders.VERSION}.tgz")
    with ExitStack() as ends:

        def show(run):
            folder = export.folder(run, tmp_path / "page", "web")
            handler = functools.partial(Quiet, directory=str(folder))
            server = ends.enter_context(http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler))
            ends.callback(server.shutdown)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            return f"http://127.0.0.1:{server.server_port}/"

        yield show


def answered(tab, file):
    tab.evaluate("delete document.body.dataset.answer")
    tab.set_input_files("#file", file)
    tab.wait_for_function("document.body.dataset.answer", timeout=60_000)
    return json.loads(tab.evaluate("document.body.dataset.answer"))


@needs_chromium
@needs_package
def test_a_phone_answers_as_python_does_and_goes_on_without_a_network(exported, shown):
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    run, _ = exported
    address = shown(run)
    valid = run.predictions.part("valid")
    asked = []
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        phone = browser.new_context(locale="ko-KR", viewport={"width": 390, "height": 844})
        phone.on("request", lambda request: asked.append(request.url))
        tab = phone.new_page()
        tab.goto(address)
        tab.wait_for_selector("#main:not([hidden])", timeout=60_000)
        assert tab.inner_text("label.file") == "사진 고르기"
        answers = [answered(tab, photo.path)["probabilities"] for photo in run.photos.files(valid.table)]
        assert np.array(answers) == pytest.approx(valid.probabilities, abs=1e-3)
        assert tab.inner_text("#answer") == valid.table["predicted"].iloc[-1]
        tab.evaluate("navigator.serviceWorker.ready")
        tab.wait_for_function("navigator.serviceWorker.controller", timeout=60_000)
        phone.set_offline(True)
        tab.reload()
        tab.wait_for_selector("#main:not([hidden])", timeout=60_000)
        photo = run.photos.files(valid.table)[0].path
        assert answered(tab, photo)["probabilities"] == pytest.approx(answers[0], abs=1e-6)
        tab.set_input_files("#file", {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": b"no photo"})
        tab.wait_for_selector("#trouble:not([hidden])")
        assert "읽을 수 없는" in tab.inner_text("#trouble")
        browser.close()
    assert {url.split("/")[2] for url in asked if url.startswith("http")} == {address.split("/")[2]}


@needs_chromium
@needs_package
def test_a_photo_below_the_threshold_is_not_known(shown, tmp_path, photo):
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    run, about = Run(tmp_path / "run"), facts(abstain_threshold=0.999, temperature=9.0)
    run.path.mkdir()
    onnx.save(photo_graph.wrapped(onnx.load(save(run.files.onnx, about)), about), run.files.onnx)
    address = shown(run)
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        tab = browser.new_page(locale="en-US")
        tab.goto(address)
        tab.wait_for_selector("#main:not([hidden])", timeout=60_000)
        answer = answered(tab, photo(tmp_path / "some.jpg"))
        assert (answer["known"], tab.inner_text("#answer")) == (False, "I don't know")
        assert "It looks most like:" in tab.inner_text("#time")
        browser.close()
