"""Section `track`: TensorBoard, Weights & Biases and MLflow are told about a run, each in its own thread.

Each has the same few methods. scalars: numbers by name, and a step. summary: final scores by name. figure: a
PNG file, named after it. model: the exported file. close: write everything.
"""

from __future__ import annotations

import importlib.util
import logging
import netrc
import os
import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.extras import install
from kimchi_vision.base.plain import Json, leaves
from kimchi_vision.base.run_files import RunFiles
from kimchi_vision.config import dump
from kimchi_vision.config.sections import Track
from kimchi_vision.results.run import Run

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

log = logging.getLogger(__name__)

PATIENCE = 60.0
"""Seconds that a tracker may take at the end to write what it was told."""

Values = Mapping[str, float]


class TensorBoard:
    """Event files in the run folder: tensorboard --logdir exports."""

    def __init__(self, project: str, experiment: Json, files: RunFiles) -> None:
        self.folder = files.tracked("tensorboard")
        self.text = f"```yaml\n{dump(experiment)}```"
        self.writer: SummaryWriter | None = None

    def _open(self, step: int | None = None) -> SummaryWriter:
        if self.writer is None:
            from torch.utils.tensorboard import SummaryWriter

            # A run that goes on writes over what its dead predecessor wrote after the checkpoint.
            self.writer = SummaryWriter(str(self.folder), purge_step=step)
            self.writer.add_text("experiment", self.text)
        return self.writer

    def scalars(self, values: Values, step: int) -> None:
        """Each under its name."""
        for name, value in values.items():
            self._open(step).add_scalar(name, value, step)

    def summary(self, values: Values) -> None:
        """Under results/."""
        for name, value in values.items():
            self._open().add_scalar(f"results/{name}", value, 0)

    def figure(self, file: Path) -> None:
        """As an image."""
        with Image.open(file) as image:
            self._open().add_image(file.stem, np.asarray(image.convert("RGB")), dataformats="HWC")

    def model(self, file: Path) -> None:
        """Its path: event files hold no models."""
        self._open().add_text("model", str(file.resolve()))

    def close(self) -> None:
        """Flush."""
        if self.writer is not None:
            self.writer.close()


class WandB:
    """Weights & Biases; without an account it is offline, in the run folder, for `wandb sync` later."""

    def __init__(self, project: str, experiment: Json, files: RunFiles) -> None:
        import wandb

        self.wandb, self.name = wandb, files.path.name
        place = files.tracked("wandb")
        place.mkdir(parents=True, exist_ok=True)
        self.run = wandb.init(
            project=project,
            name=self.name,
            group=self.name,
            dir=str(place.parent),
            config=dict(experiment),
            mode=os.environ.get("WANDB_MODE") or ("online" if _has_account() else "offline"),
            settings=wandb.Settings(silent=True, console="off", init_timeout=30),
        )

    def scalars(self, values: Values, step: int) -> None:
        """Each under its name."""
        self.run.log(dict(values), step=step)

    def summary(self, values: Values) -> None:
        """The run's summary."""
        self.run.summary.update({f"results/{name}": value for name, value in values.items()})

    def figure(self, file: Path) -> None:
        """As an image."""
        self.run.log({file.stem: self.wandb.Image(str(file))})

    def model(self, file: Path) -> None:
        """As an artifact."""
        artifact = self.wandb.Artifact(self.name, type="model")
        artifact.add_file(str(file))
        self.run.log_artifact(artifact)

    def close(self) -> None:
        """Upload, when there is an account."""
        self.run.finish()


class MLflow:
    """The server in $MLFLOW_TRACKING_URI, or mlflow.db and mlartifacts beside the run folder."""

    def __init__(self, project: str, experiment: Json, files: RunFiles) -> None:
        from mlflow.tracking import MlflowClient

        beside = files.path.parent.resolve()
        server = os.environ.get("MLFLOW_TRACKING_URI")
        self.client = MlflowClient(server or f"sqlite:///{beside.as_posix()}/mlflow.db")
        kept = None if server else (beside / "mlartifacts").as_uri()
        known = self.client.get_experiment_by_name(project)
        home = known.experiment_id if known else self.client.create_experiment(project, kept)
        self.run = self.client.create_run(home, run_name=files.path.name).info.run_id
        for name, value in leaves(experiment):
            self.client.log_param(self.run, name, str(value)[:500])
        self.client.log_text(self.run, dump(experiment), "experiment.yaml")

    def scalars(self, values: Values, step: int) -> None:
        """Each under its name."""
        for name, value in values.items():
            self.client.log_metric(self.run, name, value, step=step)

    def summary(self, values: Values) -> None:
        """Under results/."""
        self.scalars({f"results/{name}": value for name, value in values.items()}, 0)

    def figure(self, file: Path) -> None:
        """As an artifact."""
        self.client.log_artifact(self.run, str(file), "figures")

    def model(self, file: Path) -> None:
        """As an artifact."""
        self.client.log_artifact(self.run, str(file))

    def close(self) -> None:
        """Mark it as ended."""
        self.client.set_terminated(self.run)


TRACKERS = {"tensorboard": TensorBoard, "wandb": WandB, "mlflow": MLflow}


def _has_account() -> bool:
    """Whether wandb would find a key without asking for one."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    try:
        return netrc.netrc().authenticators("api.wandb.ai") is not None
    except (OSError, netrc.NetrcParseError):
        return False


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
