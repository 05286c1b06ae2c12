"""model.pkl, for fastai's load_learner: loaded in a fresh process before it gets its name.

learn.predict gives probabilities as trained, and `(p.log() / learn.temperature).softmax(-1)` calibrated ones,
as `predict` and the other files do. A pickle is a program, and loading a stranger's runs it: see `load`.
"""

import hashlib
import io
import logging
import pickle
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from types import MethodType

import typer
from fastai.learner import Learner, load_learner

from kimchi_vision.base.child import last_line
from kimchi_vision.base.errors import InputError, RunError
from kimchi_vision.base.files import replacing
from kimchi_vision.base.plain import Json
from kimchi_vision.base.sentence import Sentence
from kimchi_vision.data.photo import Photo, Photos, open_photo
from kimchi_vision.deploy.export import plain
from kimchi_vision.results.predictions import Predictions

log = logging.getLogger(__name__)

LARGEST_GAP = 1e-5
"""Probabilities of a file that loads fp32 weights unchanged may differ by this much."""

_CHECK = """
import sys, warnings
warnings.simplefilter("ignore")
from fastai.learner import load_learner
learn = load_learner(sys.argv[1])
photos, places, expected = sys.argv[2::3], map(int, sys.argv[3::3]), map(float, sys.argv[4::3])
probabilities, _ = learn.get_preds(dl=learn.dls.test_dl(photos, num_workers=0))
print(sum(abs(float(row[place]) - value) for row, place, value in zip(probabilities, places, expected)))
"""


def bound(holds: str, python: str) -> Sentence:
    """What is said of a file with parts of the user's own, as `save` returns them."""
    what = (
        "it holds {holds}, which fastai and torch do not have, so it loads on Python {python} alone, and "
        "where that part is at hand."
    )
    return Sentence(what, holds=holds, python=python)


def portable(learn: Learner) -> Learner:
    """The same Learner, but what its own `export` writes loads anywhere, as model.pkl does."""
    learn.export = MethodType(_by_hand, learn)
    return learn


def _by_hand(
    learn: Learner, fname: str | Path = "export.pkl", *, pickle_protocol: int = plain.PROTOCOL
) -> None:
    """In place of fastai's: a file in learn.path, with the temperature that learn has, if any.

    For parts of the user's own fastai's is written, and the log says on which Python it loads.
    """
    file = Path(learn.path) / fname
    with replacing(file) as temporary:
        held = save(learn, temporary, getattr(learn, "temperature", 1.0), pickle_protocol)
    if held:
        log.warning("%s: %s", file, bound(**held))


def save(learn: Learner, file: Path, temperature: float = 1.0, protocol: int = plain.PROTOCOL) -> Json:
    """Write what load_learner reads, and say where: nothing when it does so everywhere.

    A learner with parts of the user's own is written as it is, by fastai: for the version of Python that
    runs, `python`, and where the part that `holds` names is at hand. temperature: goes along as
    `learn.temperature`.
    """
    try:
        plain.save(learn, file, temperature, protocol)
    except (plain.NotPortableError, RunError, pickle.PicklingError, AttributeError) as part:
        _export(learn, file, temperature)
        return {"python": "{}.{}".format(*sys.version_info), "holds": str(part)}
    return {}


def _export(learn: Learner, file: Path, temperature: float = 1.0) -> None:
    dls, metrics, own = learn.dls, learn.metrics, vars(learn).pop("export", None)
    learn.temperature = temperature
    learn.metrics = []  # inference needs none, and they are this package's
    try:
        learn.export(file.resolve())
    finally:
        # A failed learn.export leaves the learner without its data.
        learn.dls, learn.metrics = dls, metrics
        if own is not None:
            learn.export = own


def prove(file: Path, photos: Photos, predictions: Predictions) -> Json:
    """A fresh process answers for four validation photos: how far the winning classes' probabilities differ.

    Raises RunError when the file does not load, or answers otherwise.
    """
    sample = predictions.part("valid").spread(4)
    answers = sample.probabilities
    with tempfile.TemporaryDirectory() as folder:
        names = [_named(photo, Path(folder)) for photo in photos.files(sample.table)]
        expected = zip(names, answers.argmax(axis=1), answers.max(axis=1), strict=True)
        command = [sys.executable, "-c", _CHECK, str(file), *(str(part) for row in expected for part in row)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = last_line(done.stderr)
        raise RunError("it does not load in a fresh process: {reason}", reason=reason)
    gap = float(done.stdout.split()[-1])
    if not gap <= LARGEST_GAP:
        raise RunError("loaded again, its answers differ by {gap:.1e}.", gap=gap)
    return {"photos": len(sample), "largest_gap": gap}


def _named(photo: Photo, folder: Path) -> Path:
    """A file that shows the photo: its own, or its part in `folder`."""
    if photo.box is None:
        return photo.path
    part = folder / f"{photo.content}.png"
    open_photo(photo).save(part)
    return part


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
