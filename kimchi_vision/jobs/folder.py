"""A folder of photos becomes an experiment: as it is, or as a starter file with every setting written out."""

from __future__ import annotations

import json
import re
import shlex
import textwrap
import unicodedata
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.files import write_text
from kimchi_vision.base.messages import Text, catalogue, language
from kimchi_vision.base.plain import Json
from kimchi_vision.config import Experiment, dump, keys
from kimchi_vision.data.layout import Listing, read
from kimchi_vision.learning.model import at_hand
from kimchi_vision.results.run import Run

BACKBONES = (
    ("efficientnet_b2", "default"),
    ("resnet50", "default"),
    ("resnet18", "default"),
    ("tf_efficientnet_lite1", "offline"),
    ("tf_efficientnet_lite2", "offline"),
    ("tf_efficientnet_lite0", "offline"),
)
"""Backbones with their `model.weights`, in the order in which they are looked for on this machine."""
UNREACHED = ("resnet18", "default")
"""What is taken where none is at hand: its weights are downloaded."""
VALID_PCT, TEST_PCT = 0.15, 0.2
"""Shares of the photos that choose, and that only score what was chosen."""
ENOUGH = 40
"""Photos of the middle class from which there is a test part: eight of each class, of those there are."""
FOLDS, FEW = 5, 400
"""Models that answer photos without a test part, which they have not seen; and up to how many photos: they
take six times as long, and with more the validation photos say enough."""


def from_folder(path: Path, name: str | None = None) -> Experiment:
    """The experiment for a folder of class folders. name: of the run, by default that of the folder."""
    listing = read(path)
    data = {"path": path, **splitting(listing)}
    asked = {"name": name or run_name(path), "data": data, **scoring(listing), **settings()}
    return Experiment.model_validate(asked)


def splitting(listing: Listing) -> Json:
    """Keys of the section data for photos of which nothing else is said: the set's own parts, or train, valid
    and test; without test where that would be too few photos to say anything.
    """
    if listing.parted:
        return {}
    enough = listing.photos["label"].value_counts().median() >= ENOUGH
    shares = {"valid_pct": VALID_PCT, "test_pct": TEST_PCT} if enough else {"valid_pct": 0.2}
    return {"splitter": "hashed", **shares}


def scoring(listing: Listing) -> Json:
    """Keys of the experiment for few photos without a test part: folds, whose number no photo chose."""
    untested = not listing.parted and "test_pct" not in splitting(listing)
    return {"evaluate": {"folds": FOLDS}} if untested and len(listing.photos) <= FEW else {}


def settings() -> Json:
    """Recipe and backbone for photos of which nothing else is said."""
    backbone, weights = next((pair for pair in BACKBONES if at_hand(*pair)), UNREACHED)
    return {"model": {"backbone": backbone, "weights": weights}, "recipe": "best"}


def run_name(path: Path) -> str:
    """A name for a run from any folder's: letters, digits, and dashes in place of all else."""
    name = unicodedata.normalize("NFC", path.expanduser().resolve().name)
    return re.sub(r"[^\w.]+", "-", name).strip("-.") or "photos"


def write(photos: Path, listing: Listing, path: Path, chosen: Json, say: Text) -> Path:
    """Write a starter experiment for the photos below `photos`, and return its path.

    listing: as layout.read gives it. chosen: sections, as recipe.settings gives them. say: its comments.
    Raises InputError when `path` exists already.
    """
    if path.exists():
        raise InputError("{path} exists already; give another one with --output.", path=path)
    write_text(path, _text(photos, path, listing, say) + dump({**scoring(listing), **chosen}))
    write_text(path.with_name(keys.SCHEMA), keys.schema_text())
    return path


def begin(photos: Path, lang: str = "auto") -> tuple[Path, list[str]]:
    """The experiment of a folder, written to experiments/NAME.yaml unless it is there, and what is to say.

    Raises DataError for a folder that cannot be read, or in several ways.
    """
    say = catalogue(language(lang))
    path = Path("experiments") / f"{run_name(photos)}.yaml"
    if path.is_file():
        return path, [say("goes_on_with", path=path)]
    listing, chosen = read(photos), settings()
    write(photos, listing, path, chosen, say)
    said = [say(says, **values) for says, values in listing.notes()]
    trains = say("will_train", path=path, photos=training_photos(listing), **chosen["model"])
    return path, [*said, *_untested(listing, say), trains]


def next_steps(run: Run, lang: str = "auto") -> str:
    """Three commands that a finished run suggests, which work when they are pasted."""
    valid = run.photos.part("valid")
    files = [photo.path for photo in run.photos.files(valid.head(20))]
    photo = next((file for file in files if file.is_file()), None)
    steps: list[tuple[str | Path, ...]] = []
    if run.files.onnx.is_file():
        steps += [("predict", run.path, photo)] if photo else []
        steps += [("serve", run.path)] if find_spec("fastapi") else []
    steps += [("evaluate", run.path), ("explain", run.path)]
    said = [f"  {command(*step)}" for step in steps[:3]]
    return "\n".join([catalogue(language(lang))("next_steps"), *said])


def command(*words: str | Path) -> str:
    """A command of this program as it is typed, quoted where a shell needs it."""
    return shlex.join(["python", "-m", "kimchi_vision", *map(str, words)])


def training_photos(listing: Listing) -> int:
    """About how many photos the experiment will train on."""
    if listing.parted:
        return int((listing.photos["part"] == "train").sum())
    section = splitting(listing)
    return round((1 - section["valid_pct"] - section.get("test_pct", 0)) * len(listing.photos))


def _text(photos: Path, path: Path, listing: Listing, say: Text) -> str:
    counts = listing.photos["label"].value_counts()
    says, values = listing.took
    asks = "{name}: how well can {classes} classes be told apart with {photos} photos?"
    expect = (
        "Expect: {label}, with {photos} {photos:photo/photos}, is the smallest class; its score is the least "
        "certain."
    )
    smallest = {"label": _one_line(str(counts.idxmin())), "photos": counts.min()}
    others = "Backbones: {models}. Other settings: {new} PHOTOS --recipe NAME."
    above = [
        say(asks, name=path.stem, classes=len(counts), photos=counts.sum()),
        command("run", path),
        say(expect, **smallest),
    ]
    beside = [say("Read: {what}", what=_one_line(say(says, **values))), *_split(listing, say)]
    schema = f"yaml-language-server: $schema={keys.SCHEMA}"
    below = [schema, say(others, models=command("models"), new=command("new"))]
    data = [f"path: {json.dumps(str(photos), ensure_ascii=False)}"]
    data += [] if listing.asked == "auto" else [f"layout: {listing.asked}"]
    data += [f"{key}: {value}" for key, value in splitting(listing).items()]
    return f"{_comments(above)}\n{_comments(beside)}data: {{{', '.join(data)}}}\n{_comments(below)}"


def _comments(lines: Iterable[str]) -> str:
    return "".join(f"# {line}\n" for line in lines)


def _split(listing: Listing, say: Text) -> list[str]:
    if listing.parted:
        return [say("The set's own parts are kept.")]
    added = "Photos that are added move none of those there. The test part scores what the valid part chose."
    untested = [line for said in _untested(listing, say) for line in textwrap.wrap(said, 100)]
    return untested or [say(added)]


def _untested(listing: Listing, say: Text) -> list[str]:
    """Why there is no test part, where there is none."""
    if listing.parted or "test_pct" in splitting(listing):
        return []
    return [say("folds_for_test" if scoring(listing) else "few_for_test", enough=ENOUGH, folds=FOLDS)]


def _one_line(text: str) -> str:
    return " ".join(text.split())
