"""A starter experiment for a folder of photos, with every setting of a recipe written out."""

from __future__ import annotations

import json
import shlex
import textwrap
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.files import write_text
from kimchi_vision.base.messages import Text, catalogue, language
from kimchi_vision.base.plain import Json
from kimchi_vision.config import dump, keys
from kimchi_vision.data.layout import Listing, read
from kimchi_vision.jobs import folder
from kimchi_vision.results.run import Run


def write(photos: Path, listing: Listing, path: Path, settings: Json, say: Text) -> Path:
    """Write the experiment for the photos below `photos`, and return its path.

    listing: as layout.read gives it. settings: sections, as recipe.settings gives them. say: its comments.
    Raises InputError when `path` exists already.
    """
    if path.exists():
        raise InputError("{path} exists already; give another one with --output.", path=path)
    write_text(path, _text(photos, path, listing, say) + dump({**folder.scoring(listing), **settings}))
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
    write(photos, listing, path, settings, say)
    chosen = settings["model"]
    said = [say(says, **values) for says, values in listing.notes()]
    if not listing.parted and "test_pct" not in folder.splitting(listing):
        way = "folds_for_test" if folder.scoring(listing) else "few_for_test"
        said.append(say(way, enough=folder.ENOUGH, folds=folder.FOLDS))
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
    data = f"data: {{{', '.join(_data(photos, listing))}}}\n"
    return f"{_comments(above)}\n{_comments(beside)}{data}{_comments(below)}"


def _comments(lines: Iterable[str]) -> str:
    return "".join(f"# {line}\n" for line in lines)


def _data(photos: Path, listing: Listing) -> list[str]:
    layout = [] if listing.asked == "auto" else [f"layout: {listing.asked}"]
    split = [f"{key}: {value}" for key, value in folder.splitting(listing).items()]
    return [f"path: {json.dumps(str(photos), ensure_ascii=False)}", *layout, *split]


def _split(listing: Listing, say: Text) -> list[str]:
    if listing.parted:
        return [say("The set's own parts are kept.")]
    if "test_pct" in folder.splitting(listing):
        added = (
            "Photos that are added move none of those there. The test part scores what the valid part chose."
        )
        return [say(added)]
    way = "folds_for_test" if folder.scoring(listing) else "few_for_test"
    return textwrap.wrap(say(way, enough=folder.ENOUGH, folds=folder.FOLDS), 100)


def _one_line(text: str) -> str:
    return " ".join(text.split())
