"""A starter experiment for a folder of photos, with every setting of a recipe written out."""

from __future__ import annotations

import shlex
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.files import write_text
from kimchi_vision.base.messages import catalogue, language
from kimchi_vision.base.plain import Json
from kimchi_vision.config import dump, keys
from kimchi_vision.data.layout import Listing, read
from kimchi_vision.jobs import folder

if TYPE_CHECKING:
    from kimchi_vision.results.run import Run


def write(photos: Path, listing: Listing, path: Path, settings: Json) -> Path:
    """Write the experiment for the photos below `photos`, and return its path.

    listing: as layout.read gives it. settings: sections, as recipe.settings gives them.
    Raises InputError when `path` exists already.
    """
    if path.exists():
        raise InputError(f"{path} exists already; give another one with --output.")
    write_text(path, _text(photos, path, listing) + dump(settings))
    write_text(path.with_name(keys.SCHEMA), keys.schema_text())
    return path


def begin(photos: Path, lang: str = "auto") -> tuple[Path, list[str]]:
    """The experiment of a folder, written to experiments/NAME.yaml unless it is there, and what is to say.

    Raises DataError for a folder that cannot be read, or in several ways.
    """
    say = catalogue(language(lang))
    path = Path("experiments") / f"{folder.run_name(photos)}.yaml"
    if path.is_file():
        return path, [say("goes_on_with", path=path)]
    listing, settings = read(photos), folder.settings()
    write(photos, listing, path, settings)
    chosen = settings["model"]
    said = [say(says, **values) for says, values in listing.notes()]
    if not listing.parted and "test_pct" not in folder.splitting(listing):
        said.append(say("few_for_test", enough=folder.ENOUGH))
    return path, [*said, say("will_train", path=path, photos=training_photos(listing), **chosen)]


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
    section = folder.splitting(listing)
    return round((1 - section["valid_pct"] - section.get("test_pct", 0)) * len(listing.photos))


def _text(photos: Path, path: Path, listing: Listing) -> str:
    counts = listing.photos["label"].value_counts()
    smallest = _one_line(str(counts.idxmin()))
    says, values = listing.took
    return f"""\
# {path.stem}: how well can {len(counts)} classes be told apart with {counts.sum()} photos?
# {command("run", path)}
# Expect: {smallest}, with {counts.min()} photos, is the smallest class; its score is the least certain.

# Read: {_one_line(catalogue("en")(says, **values))}
# {_split(listing)}
data: {{{", ".join(_data(photos, listing))}}}
# yaml-language-server: $schema={keys.SCHEMA}
# Backbones: python -m kimchi_vision models. Other settings: python -m kimchi_vision new PHOTOS --recipe NAME.
"""


def _data(photos: Path, listing: Listing) -> list[str]:
    layout = [] if listing.asked == "auto" else [f"layout: {listing.asked}"]
    split = [f"{key}: {value}" for key, value in folder.splitting(listing).items()]
    return [f"path: {_quoted(str(photos))}", *layout, *split]


def _split(listing: Listing) -> str:
    if listing.parted:
        return "The set's own parts are kept."
    if "test_pct" in folder.splitting(listing):
        return (
            "Photos that are added move none of those there. The test part scores what the valid part chose."
        )
    return (
        f"Most classes have fewer than {folder.ENOUGH} photos, too few for a test part: the valid part "
        "chooses and scores,\n# and the report corrects for that. Each photo scored once, by five models: "
        "`folds: 5` in a table."
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _quoted(text: str) -> str:
    """A YAML string in double quotes, for a path that may hold any character."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
