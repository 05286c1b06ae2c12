"""How far a leaf's run is, as its run folder says."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from kimchi_vision.base.errors import KimchiError
from kimchi_vision.base.progress import State, Task
from kimchi_vision.base.run_files import RunFiles
from kimchi_vision.jobs.leaf import Leaf


class _Seen(NamedTuple):
    """Epochs done and planned, the best of the watched score, else accuracy, and mean seconds an epoch."""

    done: int
    planned: int
    best: str
    seconds: float


def task(leaf: Leaf, state: State, node: str) -> Task:
    """A line of the table of tasks."""
    plain = Task(leaf.name, state, node=node)
    if leaf.trains is None or state == "waits":
        return plain
    files = RunFiles(leaf.here / leaf.exports / leaf.name)
    try:
        seen = _seen(files.path, _written(files.experiment), _written(files.history))
    except (KimchiError, OSError):  # being begun or set aside just now
        return plain
    left = max(0, seen.planned - seen.done) * seen.seconds if seen.done and state == "runs" else None
    return plain._replace(epochs=f"{seen.done}/{seen.planned}", best=seen.best, left=left)


def _written(file: Path) -> int:
    return file.stat().st_mtime_ns if file.is_file() else 0


@lru_cache(maxsize=4096)
def _seen(folder: Path, begun: int, trained: int) -> _Seen:
    """What the files said at these times, since a terminal asks several times a second."""
    from kimchi_vision.learning.train.stages import count_epochs
    from kimchi_vision.results.run import Run
    from kimchi_vision.results.scores import METRICS

    run = Run(folder)
    experiment, history = run.experiment, run.history
    steps = max(1, len(run.photos.part("train")) // experiment.loader.batch_size)
    planned, best = count_epochs(experiment.train.stages, steps), ""
    watched = METRICS.get(experiment.train.monitor, METRICS["accuracy"])
    if watched.name in history:
        values = history[watched.name]
        best = watched.shown(float(values.max() if watched.sign > 0 else values.min()))
    seconds = float(history["seconds"].mean()) if len(history) else 0.0
    return _Seen(len(history), planned, best, seconds)
