"""Section `track`: trackers are told scalars, figures, the experiment and the model file of a run."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from kimchi_vision.base.errors import InputError
from kimchi_vision.jobs.track.trackers import TRACKERS
from kimchi_vision.jobs.track.worker import Told

if TYPE_CHECKING:
    from kimchi_vision.base.run_files import RunDir
    from kimchi_vision.config.sections import Track

__all__ = ["Tracking", "begun", "check"]

log = logging.getLogger(__name__)


def check(section: Track) -> None:
    """Raise InputError, which says how to install it, for a tracker whose package is missing."""
    for name in section.to:
        if importlib.util.find_spec(name) is None:
            raise InputError(f"track: {name} is not installed: pip install 'kimchi-vision[{name}]'")


class Tracking:
    """All trackers of a run. A tracker that fails, or hangs, is left out, and the run goes on."""

    def __init__(self, told: list[Told], folder: RunDir) -> None:
        self.told, self.folder = told, folder

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Numbers at a step, which counts training batches over all stages from 1."""
        for one in self.told:
            one.tell("scalars", dict(values), step)

    def results(self) -> None:
        """Scores, figures and model file of the finished run."""
        folder = self.folder
        metrics = folder.read_json(folder.metrics)
        scores = {name: value for name, value in metrics.items() if isinstance(value, float)}
        models = [file for file in (folder.onnx, folder.pkl) if file.is_file()][:1]
        for one in self.told:
            one.tell("summary", scores)
            for figure in folder.drawn():
                one.tell("figure", figure)
            for model in models:
                one.tell("model", model)


@contextmanager
def begun(section: Track, experiment: Mapping[str, Any], folder: RunDir) -> Iterator[Tracking]:
    """The section's trackers, which are closed after the block. experiment: with every value."""
    told = [Told(name, TRACKERS[name], (section.project, experiment, folder)) for name in section.to]
    try:
        yield Tracking(told, folder)
    finally:
        for one in told:
            one.close()
