"""A folder that serves a model elsewhere: a Hugging Face Space, or a Docker image, without torch."""

import shutil
from pathlib import Path

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.files import write_text
from kimchi_vision.deploy.export import card
from kimchi_vision.results.run import Run

TEMPLATES = Path(__file__).with_name("templates")


def write(run: Run, folder: Path, space: bool) -> Path:
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
