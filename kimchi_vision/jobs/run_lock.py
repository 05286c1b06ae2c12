"""Whose a run folder is: one experiment's, and one process's at a time; what has changed since it began."""

import logging
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import filelock
import pandas as pd

from kimchi_vision.base.environment import code_version, versions
from kimchi_vision.base.errors import ConfigError, InputError
from kimchi_vision.base.files import TABLE_ENCODING, sha256_of, write_json, write_table, write_text
from kimchi_vision.base.plain import leaves
from kimchi_vision.base.run_files import RunFiles
from kimchi_vision.base.sentence import Sentence, Sentences
from kimchi_vision.config import Experiment, dump, load
from kimchi_vision.data.photo import Photos
from kimchi_vision.results.run import Run

OwnNames = Mapping[str, Sequence[Mapping[str, str]]]
"""Kind of part → name and digest of each."""

MOST = 3
"""Photos, or keys, that are named."""
LINGER = 8
"""Seconds for which loader processes may outlive the run that was killed: torch's look every five."""

log = logging.getLogger(__name__)


def check(experiment: Experiment, exports: Path, force: bool) -> RunFiles:
    """The folder that a run will write, which holds nothing else, or what may be set aside.

    Raises InputError when it holds another experiment's run and `force` is not set.
    """
    folder = RunFiles(exports / experiment.name)
    if not force and folder.path.is_dir() and any(folder.path.iterdir()):
        it = other(experiment, folder)
        if it:
            what = (
                "{folder} holds something else than this experiment's run: {other}. Give this experiment "
                "another `name`, or begin anew with --force, which keeps what is there as {aside}."
            )
            raise InputError(what, folder=folder.path, other=it, aside=folder.aside().name)
    return folder


@contextmanager
def locked(folder: RunFiles) -> Iterator[None]:
    """Hold the folder for this process; a process that dies lets go.

    Raises InputError when another process holds it.
    """
    lock = filelock.FileLock(folder.path.parent / f".{folder.path.name}.lock", timeout=LINGER)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise InputError(
            "{folder} is being written by another process. Wait for it to end.", folder=folder.path
        ) from None
    try:
        yield
    finally:
        lock.release()


def stands(folder: RunFiles, photos: Photos, force: bool, own: OwnNames | None = None) -> bool:
    """Whether the folder's run is finished and need not be run again; says why, or why not.

    own: parts of the user's own, as OwnParts.named has them.
    """
    if force or not folder.finished.is_file():
        return False
    why = _outdated(folder, photos, own or {})
    if why is None:
        log.info("%s is finished already; --force runs it again.", folder.path)
    return why is None


def _outdated(folder: RunFiles, photos: Photos, own: OwnNames | None) -> Sentence | None:
    """Why a run of the same experiment is not what a new one would be. own: None leaves them aside."""
    damaged = Run(folder.path).damaged()
    if damaged:
        return Sentence("{files} of it is damaged, or was changed", files=", ".join(damaged))
    had = Run(folder.path).json_if(folder.own_parts)
    if own is not None and had != own:
        return Sentence(
            "own parts given from Python differ: it had {had}, and here are {own}",
            had=_listed(had),
            own=_listed(own),
        )
    if not folder.items.is_file():
        return Sentence("{file} is missing", file=folder.items.name)
    if folder.items.read_text(TABLE_ENCODING, "replace") != photos.items.to_csv(index=False):
        which = photo_changes(Run(folder.path).items, photos.items) or Sentence("their table differs")
        return Sentence("its photos, their classes or their split have changed: {which}", which=which)
    version = Run(folder.path).json_if(folder.versions).get("kimchi_vision")
    if version != code_version():
        return Sentence(
            "it is of version {version} of this program, and this is {own}",
            version=version,
            own=code_version(),
        )
    return None


def _listed(own: OwnNames) -> str | Sentence:
    return ", ".join(part["name"] for parts in own.values() for part in parts) or Sentence("none")


def finish(folder: RunFiles, experiment: Experiment) -> None:
    """Note that the run is complete, and what its files are: Run tells when one is another later."""
    files = {file.name: sha256_of(file) for file in folder.sealed()}
    noted = {"digest": experiment.digest, "kimchi_vision": code_version(), "files": files}
    write_json(folder.finished, noted)


def begun(
    asked: Experiment, photos: Photos, folder: RunFiles
) -> tuple[Experiment, int | None] | tuple[None, None]:
    """Of an interrupted run that goes on: its experiment, with a recipe what it chose then, and its threads.

    On these its bits hang.
    """
    if _why_not(asked, photos, folder, None) is not None:
        return None, None
    return load(folder.experiment), Run(folder.path).json_if(folder.versions).get("threads")


def take(
    folder: RunFiles, experiment: Experiment, photos: Photos, force: bool, own: OwnNames | None = None
) -> None:
    """Keep what an interrupted run of this experiment on these photos left, or begin with an empty folder.

    Any other run that is there is set aside under another name, never deleted, and what has changed is said.
    """
    why = Sentence("--force was given") if force else _why_not(experiment, photos, folder, own or {})
    if why is None:
        said = Sentence("{folder} was interrupted; it goes on after its last checkpoint.", folder=folder.path)
        log.info("%s", said, extra={"short": said})
        # What a killed process was writing: hidden files, as files.replacing names them.
        for file in [*folder.path.glob(".*"), *folder.path.glob("[!.]*/.*")]:
            if file.is_file():
                file.unlink()
        return
    _make_room(folder, why)
    write_text(folder.experiment, dump(experiment.resolved()))
    write_json(folder.versions, versions())
    write_json(folder.labels, list(photos.vocab))
    write_table(folder.items, photos.items)
    write_json(folder.data, photos.facts())
    if own:
        write_json(folder.own_parts, own)
    if photos.skipped is not None:
        write_table(folder.skipped, photos.skipped)


def _why_not(
    experiment: Experiment, photos: Photos, folder: RunFiles, own: OwnNames | None
) -> Sentence | Sentences | None:
    """Why the folder holds no interrupted run of this experiment on these photos; None when it does."""
    if not folder.path.is_dir():
        return Sentence("there is none")
    try:
        outdated = other(experiment, folder) or _outdated(folder, photos, own)
    except InputError as error:
        return Sentence("it cannot be read ({error})", error=error)
    if outdated or folder.finished.is_file():
        return outdated or Sentence("it is finished")
    return None if folder.last.is_file() or folder.epoch_checkpoints() else Sentence("it has no checkpoint")


def _make_room(folder: RunFiles, why: Sentence | Sentences) -> None:
    """Leave no folder of this name: one that holds any work is renamed, with a sentence."""
    if not folder.path.is_dir():
        return
    work = (folder.finished, folder.history, folder.checkpoints, folder.predictions)
    if folder.experiment.is_file() and not any(file.exists() for file in work):
        shutil.rmtree(folder.path)  # a run that ended before its first epoch
        return
    aside, goes_on = folder.aside(), folder.last.is_file() and not folder.finished.is_file()
    folder.path.rename(aside)
    log.warning("%s is run again: %s. The earlier run is kept in %s.", folder.path, why, aside)
    if goes_on:
        log.warning("It has a checkpoint: to go on from there, undo the change and rename the folder back.")


def other(experiment: Experiment, folder: RunFiles) -> Sentence | Sentences | None:
    """How the folder's experiment differs from this one, and from what a recipe made of it."""
    if not folder.experiment.is_file():
        return Sentence("it has no {file}", file=folder.experiment.name)
    try:
        stored = load(folder.experiment)
    except ConfigError as error:
        return Sentence("it cannot be read ({error})", error=error)
    if not isinstance(stored, Experiment):
        return Sentence("its {file} is a table", file=folder.experiment.name)
    asked = experiment if experiment.recipe is None else experiment.on_top_of(stored.resolved())
    return key_changes(stored.resolved(), asked.resolved())


def photo_changes(before: pd.DataFrame, now: pd.DataFrame) -> Sentences | None:
    """Such as "2 gone (a/1.jpg, a/2.jpg), 1 new (b/9.jpg)"; None when no photo differs.

    Both have the columns of Photos.items.
    """
    old, new = (table.drop_duplicates("path").set_index("path") for table in (before, now))
    both = old.index.intersection(new.index)

    def differ(column: str) -> Sequence[str]:
        return both[old.loc[both, column] != new.loc[both, column]]

    gone, more = old.index.difference(new.index), new.index.difference(old.index)
    found = [
        Sentence("{count} gone ({names})", **_counted(gone)),
        Sentence("{count} new ({names})", **_counted(more)),
        Sentence("{count} with other content ({names})", **_counted(differ("sha256"))),
        Sentence("{count} of another class ({names})", **_counted(differ("label"))),
        Sentence("{count} in another part ({names})", **_counted(differ("split"))),
    ]
    some = [each for each in found if each.values["count"]]
    return Sentences(some, ", ") if some else None


def key_changes(before: Mapping[str, object], now: Mapping[str, object]) -> Sentences | None:
    """Such as "train.seed was 42 and is 43", for nested values; None when all are equal."""
    old, new = dict(leaves(before)), dict(leaves(now))
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    said = [
        Sentence(
            "{key} was {old} and is {new}", key=name, old=_short(old.get(name)), new=_short(new.get(name))
        )
        for name in names
    ]
    return Sentences(_first(said), ", ") if said else None


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) < 60 else f"{text[:56]} ..."


def _counted(paths: Sequence[str]) -> dict[str, object]:
    return {"count": len(paths), "names": ", ".join(map(str, _first(paths)))}


def _first(each: Sequence[object]) -> list[object]:
    return [*each[:MOST], *(["..."] if len(each) > MOST else [])]
