"""What happens beside an epoch: record it, keep the best, hold the body still, show the time left."""

from __future__ import annotations

import logging
import math
import time
from typing import TYPE_CHECKING, Any

import pandas as pd
from fastai.callback.core import Callback
from tqdm import tqdm

from kimchi_vision.errors import RunError
from kimchi_vision.rundir import RunDir, replacing, write_table

if TYPE_CHECKING:
    from kimchi_vision.config.sections import Train

log = logging.getLogger(__name__)


class FrozenBody(Callback):
    """Keeps the body in evaluation mode, so that its batch-norm statistics stay as they are."""

    def before_train(self) -> None:
        """Undo what model.train() did to the body."""
        self.model[0].eval()


class Recording(Callback):
    """A row for each epoch over all phases, written to history.csv as soon as the epoch ends."""

    order = 60  # after fastai's Recorder, which computes the values

    def __init__(self, run: RunDir, epochs: int) -> None:
        self.run, self.epochs = run, epochs
        self.phase = ""
        self.rows: list[dict[str, Any]] = []

    def before_epoch(self) -> None:
        """Start the clock."""
        self.started = time.perf_counter()
        self.rates: list[tuple[float, float]] = []

    def after_batch(self) -> None:
        """Note the rates of the lowest trained group and of the head; stop when the loss is no number."""
        if self.training:
            hypers = self.opt.hypers[self.opt.frozen_idx :]
            self.rates.append((hypers[0]["lr"], hypers[-1]["lr"]))

    def after_epoch(self) -> None:
        """Add the row, write the file and say it in a line. Raises RunError for a loss that is no number."""
        names = self.recorder.metric_names[1:-1]
        values = dict(zip(names, map(float, self.recorder.values[-1]), strict=True))
        lowest, head = (max(rates) for rates in zip(*self.rates, strict=True))
        row = {"stage": self.phase, "epoch": len(self.rows) + 1, "lr_lowest": lowest, "lr": head}
        self.rows.append({**row, **values, "seconds": round(time.perf_counter() - self.started, 2)})
        write_table(self.run.history, pd.DataFrame(self.rows))
        log.info(
            "epoch %d/%d  %s  %s  %.0f s",
            len(self.rows),
            self.epochs,
            self.phase,
            "  ".join(f"{name} {value:.4f}" for name, value in values.items()),
            self.rows[-1]["seconds"],
        )
        if not math.isfinite(values["train_loss"]) or not math.isfinite(values["valid_loss"]):
            raise RunError(
                f"The loss is no longer a number in epoch {len(self.rows)} ({self.phase}, rate {head:.2g}). "
                f"Try a rate of {head / 10:.1g}, or `lr: auto` after lr_find."
            )


class KeepBest(Callback):
    """Saves the weights whenever an epoch beats all before it, over all phases."""

    order = 61  # after Recording

    def __init__(self, section: Train, recording: Recording) -> None:
        self.section, self.recording = section, recording
        self.best = section.worst
        self.epoch = 0

    def after_epoch(self) -> None:
        """Compare the monitored value and save."""
        value = self.recording.rows[-1][self.section.monitor]
        if self.section.sign * value > self.section.sign * self.best:
            self.best, self.epoch = value, len(self.recording.rows)
            with replacing(self.recording.run.best) as temporary:
                self.learn.save(temporary.with_suffix(""), with_opt=False)


class ProgressBar(Callback):
    """One bar with the time left over all phases; nothing where the output is no terminal."""

    def __init__(self, batches: int) -> None:
        self.bar = tqdm(total=batches, disable=None, unit="batch", leave=False)

    def after_batch(self) -> None:
        """One batch more."""
        self.bar.update()
