"""Whose a run folder is: one experiment's, and one process's at a time; started anew or taken up again."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import filelock

from kimchi_vision.config import Experiment, dump, load
from kimchi_vision.environment import versions
from kimchi_vision.errors import InputError
from kimchi_vision.rundir import RunDir, write_json, write_table, write_text

if TYPE_CHECKING:
    from kimchi_vision.photos import Photos

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


@contextmanager
def locked(folder: RunDir) -> Iterator[None]:
    """Hold the folder for this process; a process that dies lets go.

    Raises InputError when another process holds it.
    """
    folder.path.parent.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(folder.path.parent / f".{folder.path.name}.lock", timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise InputError(f"{folder.path} is being written by another process. Wait for it to end.") from None
    try:
        yield
    finally:
        lock.release()


def begun(asked: Experiment, photos: Photos, folder: RunDir) -> Experiment | None:
    """The experiment of an interrupted run that goes on: with a recipe, what it chose then."""
    if folder.last.is_file() and _is_of(asked, folder) and _has(photos, folder):
        return load(folder.experiment)
    return None


def take(folder: RunDir, experiment: Experiment, photos: Photos, force: bool) -> None:
    """Keep what an interrupted run of this experiment on these photos left, or begin with an empty folder."""
    if not force and folder.last.is_file() and _is_of(experiment, folder) and _has(photos, folder):
        log.info("%s was interrupted; it goes on after its last epoch.", folder.path)
        return
    if folder.path.is_dir():
        shutil.rmtree(folder.path)
    write_text(folder.experiment, dump(experiment.resolved()))
    write_json(folder.versions, versions())
    write_json(folder.labels, list(photos.vocab))
    write_table(folder.items, photos.items)
    write_json(folder.data, photos.facts())
    if photos.skipped is not None:
        write_table(folder.skipped, photos.skipped)


def _is_of(experiment: Experiment, folder: RunDir) -> bool:
    """Whether the folder's experiment is this one, or what its recipe made of it."""
    if not folder.experiment.is_file():
        return False
    if experiment.recipe is None:
        return folder.experiment.read_text(encoding="utf-8") == dump(experiment.resolved())
    stored = load(folder.experiment)
    return isinstance(stored, Experiment) and experiment.on_top_of(stored.resolved()) == stored


def _has(photos: Photos, folder: RunDir) -> bool:
    return folder.items.is_file() and folder.items.read_text(encoding="utf-8") == photos.items.to_csv(
        index=False
    )
