"""Section `track`: trackers are told scalars, figures, the experiment and the model file of a run."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.extras import install
from kimchi_vision.base.plain import Json
from kimchi_vision.base.run_files import RunFiles
from kimchi_vision.config.sections import Track
from kimchi_vision.jobs.track.trackers import TRACKERS
from kimchi_vision.jobs.track.worker import Worker
from kimchi_vision.results.run import Run

__all__ = ["Tracking", "begun", "check"]

log = logging.getLogger(__name__)


def check(section: Track) -> None:
    """Raise InputError, which says how to install it, for a tracker whose package is missing."""
    for name in section.to:
        if importlib.util.find_spec(name) is None:
            raise InputError("track: {name} is not installed: {command}", name=name, command=install(name))


class Tracking:
    """All trackers of a run. A tracker that fails, or hangs, is left out, and the run goes on."""

    def __init__(self, workers: list[Worker], files: RunFiles) -> None:
        self.workers, self.files = workers, files

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Numbers at a step, which counts training batches over all stages from 1."""
        for one in self.workers:
            one.tell("scalars", dict(values), step)

    def results(self) -> None:
        """Scores, figures and model file of the finished run."""
        files, run = self.files, Run(self.files.path)
        scores = {name: score.value for name, score in run.score.items()}
        models = [file for file in (files.onnx, files.pkl) if file.is_file()][:1]
        for one in self.workers:
            one.tell("summary", scores)
            for figure in files.drawn():
                one.tell("figure", figure)
            for model in models:
                one.tell("model", model)


@contextmanager
def begun(section: Track, experiment: Json, files: RunFiles) -> Iterator[Tracking]:
    """The section's trackers, which are closed after the block. experiment: with every value."""
    workers = [Worker(name, TRACKERS[name], (section.project, experiment, files)) for name in section.to]
    try:
        yield Tracking(workers, files)
    finally:
        for one in workers:
            one.close()
