"""Which model.pkl may be loaded. A pickle is a program: loading a stranger's runs it."""

import hashlib
import io
import logging
import warnings
from pathlib import Path

import typer
from fastai.learner import Learner, load_learner

from kimchi_vision.base.errors import InputError

log = logging.getLogger(__name__)


def ledger() -> Path:
    """The sha256 of each model.pkl that this user's runs wrote, one a line.

    It lies in the user's own configuration folder: a run folder from elsewhere cannot vouch for itself.
    """
    return Path(typer.get_app_dir("kimchi-vision")) / "pickles.txt"


def remember(digest: str) -> None:
    """Note the sha256 of a file that was written just now, where the user's folder can be written."""
    try:
        ledger().parent.mkdir(parents=True, exist_ok=True)
        with ledger().open("a", encoding="ascii") as file:
            file.write(f"{digest}\n")
    except OSError as error:
        log.warning("%s cannot be written (%s): `export` will ask for --trust.", ledger(), error)


def load(pkl: Path, trust: bool = False) -> Learner:
    """The learner in a model.pkl, if a run of this user wrote it or `trust` is set.

    Raises InputError, with nothing unpickled, when it is missing or not known.
    """
    if not pkl.is_file():
        raise InputError("{file} is missing. Run the experiment with `export.pkl: true`.", file=pkl)
    content = pkl.read_bytes()
    known = ledger().read_text(encoding="ascii").split() if ledger().is_file() else []
    if not trust and hashlib.sha256(content).hexdigest() not in known:
        raise InputError(
            "{file} was not written by a run of yours on this machine, and loading a pickle runs whatever "
            "program is in it. If you know where it is from, add --trust. model.onnx and "
            "model.safetensors hold no program.",
            file=pkl,
        )
    with warnings.catch_warnings():
        # The warning is about pickles of strangers.
        warnings.filterwarnings("ignore", message="load_learner", category=UserWarning)
        return load_learner(io.BytesIO(content))
