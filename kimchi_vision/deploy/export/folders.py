"""Folders that serve a model elsewhere: a Hugging Face Space, a Docker image, a page for browsers."""

import hashlib
import json
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from kimchi_vision.base import cache
from kimchi_vision.base.child import last_line
from kimchi_vision.base.errors import InputError
from kimchi_vision.base.files import replacing, write_text
from kimchi_vision.deploy.export import card
from kimchi_vision.deploy.runtime import Classifier
from kimchi_vision.results.run import Run

TEMPLATES = Path(__file__).with_name("templates")

PACKAGE = "onnxruntime-web"
VERSION = "1.30.0"
"""Of PACKAGE, which npm brings."""
RUNTIME = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")
PAGE, MANIFEST = TEMPLATES / "web", "manifest.webmanifest"


def container(run: Run, folder: Path, space: bool) -> Path:
    """Dockerfile, app.py, requirements.txt, model.onnx, this package, and the card as README.md.

    space: the README tells Hugging Face how to start it.
    Raises InputError when the run has no model.onnx.
    """
    if not run.files.onnx.is_file():
        raise InputError(
            "{file} is missing; write it with: kimchi-vision export {run}", file=run.files.onnx, run=run.path
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("Dockerfile", "app.py", "requirements.txt"):
        shutil.copyfile(TEMPLATES / name, folder / name)
    shutil.copyfile(run.files.onnx, folder / run.files.onnx.name)
    package = Path(__file__).parents[2]
    shutil.copytree(package, folder / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    write_text(folder / "README.md", card.text(run, space))
    return folder


def page(run: Run, folder: Path) -> Path:
    """index.html and all that it loads, to classify photos on a visitor's own device.

    Any web server shows it; `file://` does not run modules. onnxruntime-web lies beside the page: no request
    leaves the folder, which also works without a network.

    Raises InputError when the run has no model.onnx that takes photos, or onnxruntime-web cannot be had.
    """
    classifier = Classifier(run.files.onnx)
    if not classifier.takes_photos:
        raise InputError(
            "{file} is of an earlier version, which takes no photos as they are. Write it again with: "
            "kimchi-vision export {run} --format onnx",
            file=run.files.onnx,
            run=run.path,
        )
    package = runtime()
    shutil.copytree(PAGE, folder, dirs_exist_ok=True)
    with tarfile.open(package) as archive:
        for name in RUNTIME:
            (folder / name).write_bytes(archive.extractfile(f"package/dist/{name}").read())
    models = _models(run)
    for model in models:
        shutil.copyfile(run.path / model["file"], folder / model["file"])
    about = {"name": run.name, "classes": list(classifier.facts.classes), "models": models}
    write_text(folder / "labels.json", json.dumps(about, ensure_ascii=False))
    manifest = {"name": run.name, "short_name": run.name[:12], **json.loads((PAGE / MANIFEST).read_text())}
    write_text(folder / MANIFEST, json.dumps(manifest, ensure_ascii=False))
    _write_worker(folder, {model["file"] for model in models[1:]})
    return folder


def runtime() -> Path:
    """The package of onnxruntime-web, from the user's cache folder, or brought there by npm once.

    Raises InputError when npm is not there, or cannot bring it.
    """
    file = cache.folder() / f"{PACKAGE}-{VERSION}.tgz"
    if file.is_file():
        return file
    npm = shutil.which("npm")
    wanted = {"package": PACKAGE, "version": VERSION, "file": file}
    if npm is None:
        raise InputError(
            "--web needs {package} {version}, and {file} is missing. Install Node.js, whose npm brings it, "
            "or put the package there.",
            **wanted,
        )
    with tempfile.TemporaryDirectory() as folder:
        command = [npm, "pack", f"{PACKAGE}@{VERSION}", "--pack-destination", folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        brought = Path(folder) / file.name
        if done.returncode or not brought.is_file():
            reason = last_line(done.stderr)
            raise InputError(
                "--web needs {package} {version}, and {file} is missing. npm could not bring it: {reason}",
                **wanted,
                reason=reason,
            )
        file.parent.mkdir(parents=True, exist_ok=True)
        with replacing(file) as temporary:
            shutil.copyfile(brought, temporary)
    return file


def _models(run: Run) -> list[dict[str, object]]:
    """model.onnx, and model.int8.onnx where it is known what that loses, in percent."""
    found = [{"file": run.files.onnx.name, "megabytes": _megabytes(run.files.onnx), "lost": None}]
    small = run.files.smaller("int8")
    proof = run.exported.get(small.name, {})
    if small.is_file() and "accuracy_lost" in proof:
        lost = [round(100 * value, 1) for value in (proof["accuracy_lost"], *proof["accuracy_lost_interval"])]
        found.append({"file": small.name, "megabytes": _megabytes(small), "lost": lost})
    return found


def _megabytes(file: Path) -> float:
    return round(file.stat().st_size / 1e6, 1)


def _write_worker(folder: Path, later: set[str]) -> None:
    """sw.js, which keeps the files. later: those that are kept only when they are asked for."""
    files = sorted(file for file in folder.iterdir() if file.name not in {*later, "sw.js"})
    digest = hashlib.sha256(b"".join(hashlib.sha256(file.read_bytes()).digest() for file in files))
    text = (PAGE / "sw.js").read_text(encoding="utf-8")
    names = json.dumps(["./", *(file.name for file in files)])
    write_text(
        folder / "sw.js", text.replace("{{ version }}", digest.hexdigest()[:12]).replace("{{ files }}", names)
    )
