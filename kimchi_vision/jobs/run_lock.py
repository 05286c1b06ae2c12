"""Whose a run folder is: one experiment's, and one process's at a time; started anew or taken up again."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import filelock

from kimchi_vision.base.environment import code_version, versions
from kimchi_vision.base.errors import ConfigError, InputError
from kimchi_vision.base.files import TABLE_ENCODING, write_json, write_table, write_text
from kimchi_vision.base.run_files import RunFiles
from kimchi_vision.config import Experiment, dump, load
from kimchi_vision.results.run import Run

if TYPE_CHECKING:
    from kimchi_vision.data.photo import Photos

OwnNames = Mapping[str, Sequence[Mapping[str, str]]]
"""Kind of part → name and digest of each."""

log = logging.getLogger(__name__)


def check(experiment: Experiment, exports: Path, force: bool) -> RunFiles:
    """The folder that a run will write, which holds nothing else or may be replaced.

    Raises InputError when it holds another experiment's run and `force` is not set.
    """
    folder = RunFiles(exports / experiment.name)
    if not force and folder.path.is_dir() and any(folder.path.iterdir()) and not _is_of(experiment, folder):
        raise InputError(
            f"{folder.path} holds something else than this experiment's run. "
            "Give this experiment another `name`, or replace what is there with --force."
        )
    return folder


LINGER = 8
"""Seconds for which loader processes may outlive the run that was killed: torch's look every five."""


@contextmanager
def locked(folder: RunFiles) -> Iterator[None]:
    """Hold the folder for this process; a process that dies lets go.

    Raises InputError when another process holds it.
    """
    lock = filelock.FileLock(folder.path.parent / f".{folder.path.name}.lock", timeout=LINGER)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise InputError(f"{folder.path} is being written by another process. Wait for it to end.") from None
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
    if why:
        log.info("%s is run again: %s.", folder.path, why)
    else:
        log.info("%s is finished already; --force runs it again.", folder.path)
    return why is None


def _outdated(folder: RunFiles, photos: Photos, own: OwnNames) -> str | None:
    had = Run(folder.path).json_if(folder.own_parts)
    if had != own:
        return f"own parts given from Python differ: it had {_listed(had)}, and here are {_listed(own)}"
    before = Run(folder.path).data["split"]
    if before != photos.digest:
        return f"its photos, their classes or their split have changed ({before}, {photos.digest} here)"
    version = Run(folder.path).json(folder.finished)["kimchi_vision"]
    if version != code_version():
        return f"it is of version {version} of this program, and this is {code_version()}"
    return None


def _listed(own: OwnNames) -> str:
    return ", ".join(part["name"] for parts in own.values() for part in parts) or "none"


def finish(folder: RunFiles, experiment: Experiment) -> None:
    """Note that the run is complete."""
    write_json(folder.finished, {"digest": experiment.digest, "kimchi_vision": code_version()})


def begun(asked: Experiment, photos: Photos, folder: RunFiles) -> Experiment | None:
    """The experiment of an interrupted run that goes on: with a recipe, what it chose then."""
    return load(folder.experiment) if _goes_on(asked, photos, folder) else None


def threads(asked: Experiment, photos: Photos, folder: RunFiles) -> int | None:
    """Those that an interrupted run began with, on which its bits hang."""
    return (
        Run(folder.path).json_if(folder.versions).get("threads") if _goes_on(asked, photos, folder) else None
    )


def take(
    folder: RunFiles, experiment: Experiment, photos: Photos, force: bool, own: OwnNames | None = None
) -> None:
    """Keep what an interrupted run of this experiment on these photos left, or begin with an empty folder.

    A finished run that does not stand any more is set aside under another name, never deleted.
    """
    if not force and _goes_on(experiment, photos, folder):
        log.info("%s was interrupted; it goes on after its last checkpoint.", folder.path)
        _sweep(folder)
        return
    if folder.finished.is_file() and not force:
        _set_aside(folder)
    if folder.path.is_dir():
        shutil.rmtree(folder.path)
    write_text(folder.experiment, dump(experiment.resolved()))
    write_json(folder.versions, versions())
    write_json(folder.labels, list(photos.vocab))
    write_table(folder.items, photos.items)
    write_json(folder.data, photos.facts())
    if own:
        write_json(folder.own_parts, own)
    if photos.skipped is not None:
        write_table(folder.skipped, photos.skipped)


def _goes_on(experiment: Experiment, photos: Photos, folder: RunFiles) -> bool:
    """Whether the folder holds an interrupted run of this experiment on these photos."""
    interrupted = folder.last.is_file() and not folder.finished.is_file()
    return interrupted and _is_of(experiment, folder) and _has(photos, folder)


def _sweep(folder: RunFiles) -> None:
    """Delete what a killed process was writing: hidden files, as writing.replacing names them."""
    for file in [*folder.path.glob(".*"), *folder.path.glob("[!.]*/.*")]:
        if file.is_file():
            file.unlink()


def _set_aside(folder: RunFiles) -> None:
    number = 1
    while (aside := folder.path.with_name(f"{folder.path.name}.before-{number}")).exists():
        number += 1
    folder.path.rename(aside)
    log.info("The earlier run is kept in %s.", aside)


def _is_of(experiment: Experiment, folder: RunFiles) -> bool:
    """Whether the folder's experiment is this one, or what its recipe made of it."""
    if not folder.experiment.is_file():
        return False
    try:
        stored = load(folder.experiment)
    except ConfigError:
        return False
    if not isinstance(stored, Experiment):
        return False
    asked = experiment if experiment.recipe is None else experiment.on_top_of(stored.resolved())
    return asked.resolved() == stored.resolved()


def _has(photos: Photos, folder: RunFiles) -> bool:
    if not folder.items.is_file():
        return False
    return folder.items.read_text(encoding=TABLE_ENCODING) == photos.items.to_csv(index=False)
