"""Section `track`: trackers are told scalars, figures, the experiment and the model file of a run."""

import importlib.util
import logging
import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.extras import install
from kimchi_vision.base.plain import Json
from kimchi_vision.base.run_files import RunFiles
from kimchi_vision.config.sections import Track
from kimchi_vision.jobs.track.trackers import TRACKERS
from kimchi_vision.results.run import Run

__all__ = ["Tracking", "begun", "check"]

log = logging.getLogger(__name__)

PATIENCE = 60.0
"""Seconds that a tracker may take at the end to write what it was told."""


def check(section: Track) -> None:
    """Raise InputError, which says how to install it, for a tracker whose package is missing."""
    for name in section.to:
        if importlib.util.find_spec(name) is None:
            raise InputError("track: {name} is not installed: {command}", name=name, command=install(name))


class Worker:
    """Tells one tracker, in order, in a thread: training never waits for it and never falls with it.

    make: opens it, called with `arguments` in the thread.
    """

    def __init__(self, name: str, make: Callable[..., object], arguments: tuple[object, ...]) -> None:
        self.name, self._make, self._arguments = name, make, arguments
        self._waiting: queue.Queue[tuple[object, ...] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def tell(self, what: str, *arguments: object) -> None:
        """Call the tracker's method `what`, later; nothing when it has failed."""
        if self._thread.is_alive():
            self._waiting.put((what, *arguments))

    def close(self) -> None:
        """Wait until it has written everything, but not for ever."""
        self._waiting.put(None)
        self._thread.join(PATIENCE)
        if self._thread.is_alive():
            log.warning("%s does not answer; what it has not written is lost. The run is not.", self.name)

    def _work(self) -> None:
        try:
            tracker = self._make(*self._arguments)
            while (call := self._waiting.get()) is not None:
                what, *arguments = call
                getattr(tracker, what)(*arguments)
            tracker.close()
        except Exception as error:  # whatever a tracker raises is no reason to end a run
            log.warning("%s fails and is left out; the run goes on: %s", self.name, error)


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
