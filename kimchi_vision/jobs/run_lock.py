"""Whose a run folder is: one experiment's, and one process's at a time; started anew or taken up again."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import filelock

from kimchi_vision.base.environment import code_version, versions
from kimchi_vision.base.errors import InputError
from kimchi_vision.base.files import TABLE_ENCODING, write_json, write_table, write_text
from kimchi_vision.base.run_files import RunDir
from kimchi_vision.config import Experiment, dump, load

if TYPE_CHECKING:
    from kimchi_vision.data.photo import Photos

log = logging.getLogger(__name__)


def check(experiment: Experiment, exports: Path, force: bool) -> RunDir:
    """The folder that a run will write, which holds nothing else or may be replaced.

    Raises InputError when it holds another experiment's run and `force` is not set.
    """
    folder = RunDir(exports / experiment.name)
    if not force and folder.path.is_dir() and any(folder.path.iterdir()) and not _is_of(experiment, folder):
        raise InputError(
            f"{folder.path} holds something else than this experiment's run. "
            "Give this experiment another `name`, or replace what is there with --force."
        )
    return folder


LINGER = 8
"""Seconds for which loader processes may outlive the run that was killed: torch's look every five."""


@contextmanager
def locked(folder: RunDir) -> Iterator[None]:
    """Hold the folder for this process; a process that dies lets go.

    Raises InputError when another process holds it.
    """
    folder.path.parent.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(folder.path.parent / f".{folder.path.name}.lock", timeout=LINGER)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise InputError(f"{folder.path} is being written by another process. Wait for it to end.") from None
    try:
        yield
    finally:
        lock.release()


def stands(folder: RunDir, photos: Photos, force: bool) -> bool:
    """Whether the folder's run is finished and need not be run again; says why, or why not."""
    if force or not folder.finished.is_file():
        return False
    why = _outdated(folder, photos)
    if why:
        log.info("%s is run again: %s.", folder.path, why)
    else:
        log.info("%s is finished already; --force runs it again.", folder.path)
    return why is None


def _outdated(folder: RunDir, photos: Photos) -> str | None:
    before = folder.read_json(folder.data)["split"]
    if before != photos.digest:
        return f"its photos, their classes or their split have changed ({before}, {photos.digest} here)"
    version = folder.read_json(folder.finished)["kimchi_vision"]
    if version != code_version():
        return f"it is of version {version} of this program, and this is {code_version()}"
    return None


def finish(folder: RunDir, experiment: Experiment) -> None:
    """Note that the run is complete."""
    write_json(folder.finished, {"digest": experiment.digest, "kimchi_vision": code_version()})


def begun(asked: Experiment, photos: Photos, folder: RunDir) -> Experiment | None:
    """The experiment of an interrupted run that goes on: with a recipe, what it chose then."""
    return load(folder.experiment) if _goes_on(asked, photos, folder) else None


def take(folder: RunDir, experiment: Experiment, photos: Photos, force: bool) -> None:
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
    if photos.skipped is not None:
        write_table(folder.skipped, photos.skipped)


def _goes_on(experiment: Experiment, photos: Photos, folder: RunDir) -> bool:
    """Whether the folder holds an interrupted run of this experiment on these photos."""
    interrupted = folder.last.is_file() and not folder.finished.is_file()
    return interrupted and _is_of(experiment, folder) and _has(photos, folder)


def _sweep(folder: RunDir) -> None:
    """Delete what a killed process was writing: hidden files, as writing.replacing names them."""
    for file in [*folder.path.glob(".*"), *folder.path.glob("[!.]*/.*")]:
        if file.is_file():
            file.unlink()


def _set_aside(folder: RunDir) -> None:
    number = 1
    while (aside := folder.path.with_name(f"{folder.path.name}.before-{number}")).exists():
        number += 1
    folder.path.rename(aside)
    log.info("The earlier run is kept in %s.", aside)


def _is_of(experiment: Experiment, folder: RunDir) -> bool:
    """Whether the folder's experiment is this one, or what its recipe made of it."""
    if not folder.experiment.is_file():
        return False
    if experiment.recipe is None:
        return folder.experiment.read_text(encoding="utf-8") == dump(experiment.resolved())
    stored = load(folder.experiment)
    return isinstance(stored, Experiment) and experiment.on_top_of(stored.resolved()) == stored


def _has(photos: Photos, folder: RunDir) -> bool:
    if not folder.items.is_file():
        return False
    return folder.items.read_text(encoding=TABLE_ENCODING) == photos.items.to_csv(index=False)
