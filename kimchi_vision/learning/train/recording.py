"""A row for each epoch: history.csv, the line on the terminal, and whether that is enough; and the bar."""

import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pandas as pd
from fastai.callback.core import Callback, CancelFitException
from fastai.callback.progress import ProgressCallback
from fastai.learner import Learner
from fastcore.imports import IN_NOTEBOOK

from kimchi_vision.base.errors import RunError
from kimchi_vision.base.files import write_table
from kimchi_vision.base.plain import Json
from kimchi_vision.base.progress import Watch, reached
from kimchi_vision.base.run_files import RunFiles
from kimchi_vision.base.sentence import Sentence
from kimchi_vision.config.sections import Train
from kimchi_vision.learning.train import distributed
from kimchi_vision.learning.train.scores import keep_answers
from kimchi_vision.results.scores import sign

Tell = Callable[[dict[str, float], int], None]
"""Takes numbers by name, and the step that they belong to: training batches over all stages."""

log = logging.getLogger(__name__)


class Replayable(Callback):
    """Knows of a batch that was trained on, and told, before the run was taken up again."""

    replayed = False

    def before_batch(self) -> None:
        """It may be new."""
        self.replayed = False

    def after_cancel_batch(self) -> None:
        """It was not."""
        self.replayed = True


class Recording(Replayable):
    """A row for each epoch over all phases, written to history.csv as soon as the epoch ends."""

    order = 60  # after fastai's Recorder, which computes the values

    def __init__(
        self,
        folder: RunFiles,
        epochs: int,
        section: Train,
        watch: Watch | None = None,
        tell: Tell | None = None,
    ) -> None:
        self.folder, self.epochs, self.section, self.watch = folder, epochs, section, watch
        self.tell, self.ended = tell, False
        self.phase = ""
        self.rows: list[Json] = []

    def before_epoch(self) -> None:
        """Start the clock."""
        self.started = time.perf_counter()
        self.rates: list[tuple[float, float]] = []

    def after_batch(self) -> None:
        """Note the rates of the lowest trained group and of the head, and tell the batch."""
        if not self.training:
            return
        hypers = self.opt.hypers[self.opt.frozen_idx :]
        self.rates.append((hypers[0]["lr"], hypers[-1]["lr"]))
        if self.tell is not None and not self.replayed:
            step = len(self.rows) * self.learn.n_iter + self.learn.iter + 1
            self.tell({"batch_loss": float(self.learn.loss.detach()), "lr": hypers[-1]["lr"]}, step)

    def after_epoch(self) -> None:
        """Add the row, write the file, say it in a line, and end the fit when a loss is no number.

        What is no number is seen by no later callback, so that nothing keeps it.
        """
        if not self.recorder.values[-1]:  # skipped: done before the run was taken up again
            return
        names = self.recorder.metric_names[1:-1]
        values = dict(zip(names, map(float, self.recorder.values[-1]), strict=True))
        lowest, head = (max(rates) for rates in zip(*self.rates, strict=True))
        row = {"stage": self.phase, "epoch": len(self.rows) + 1, "lr_lowest": lowest, "lr": head}
        self.rows.append({**row, **values, "seconds": round(time.perf_counter() - self.started, 2)})
        write_table(self.folder.history, pd.DataFrame(self.rows))
        keep_answers(self.learn, self.folder, len(self.rows))
        if self.tell is not None:
            self.tell({"epoch": len(self.rows), **values}, len(self.rows) * len(self.dls.train))
        log.info(
            "epoch %d/%d  %s  %s  %.0f s",
            len(self.rows),
            self.epochs,
            self.phase,
            "  ".join(f"{name} {value:.4f}" for name, value in values.items()),
            self.rows[-1]["seconds"],
            extra={"short": self._short(values)},
        )
        ends = self.stops_early or (self.watch is not None and self.watch(self.rows[-1]))
        self.ended = distributed.first(lambda: ends)
        if not self.is_finite:
            raise CancelFitException

    def _short(self, values: dict[str, float]) -> Sentence:
        """The epoch for a terminal: losses, the monitored score with its interval, a star at the best."""
        name = self.section.monitor
        every = [sign(name) * row[name] for row in self.rows if name in row]
        star = " *" if every and max(every) == every[-1] else ""
        scored = {each.name: each for each in self.learn.metrics if hasattr(each, "shown")}
        score = scored.get(name) or scored.get("accuracy")
        return Sentence(
            "epoch {number}/{count}  {train} {train_loss:.4f}  {valid} {valid_loss:.4f}{score}{star}",
            number=f"{len(self.rows):>{len(str(self.epochs))}}",
            count=self.epochs,
            train=Sentence("train_loss"),
            valid=Sentence("valid_loss"),
            train_loss=values["train_loss"],
            valid_loss=values["valid_loss"],
            score=Sentence("  {name} {value}", name=Sentence(score.name), value=score.shown())
            if score
            else "",
            star=star,
        )

    @property
    def stops_early(self) -> bool:
        """Whether the epochs so far are enough for `early_stop`."""
        rule = self.section.early_stop
        if rule is None:
            return False
        return rule.is_over([row[rule.monitor] for row in self.rows], sign(rule.monitor))

    @property
    def is_finite(self) -> bool:
        """False when the last epoch's losses are no numbers."""
        return all(math.isfinite(self.rows[-1][name]) for name in ("train_loss", "valid_loss"))

    def check(self) -> None:
        """Raise RunError for a loss that is no number; not in a callback, where fastai rewords errors."""
        if self.rows and not self.is_finite:
            last, best = self.rows[-1], self.folder.best
            kept = Sentence(" {best} holds the best epoch before it.", best=best) if best.is_file() else ""
            values = {"epoch": last["epoch"], "stage": last["stage"], "rate": last["lr"], "kept": kept}
            raise RunError(
                "The loss is no longer a number in epoch {epoch} ({stage}, rate {rate:.2g}). Try a rate "
                "of {lower:.1g}, or `auto` after lr_find.{kept}",
                lower=last["lr"] / 10,
                **values,
            )


class Ending(Callback):
    """Ends the fit after an epoch that is enough, once all that belongs to it is kept."""

    order = 110  # after KeepBest and Checkpoint

    def __init__(self, recording: Recording) -> None:
        self.recording = recording

    def after_epoch(self) -> None:
        """Look whether it is enough."""
        if self.recording.ended:
            raise CancelFitException


class Counted(Callback):
    """Tells base.progress how many batches of all phases are done."""

    def __init__(self, batches: int) -> None:
        self.batches, self.done = batches, 0

    def after_batch(self) -> None:
        """One batch more."""
        self.done += 1
        reached(self.done, self.batches)


@contextmanager
def progress(learn: Learner, batches: int) -> Iterator[Callback]:
    """The callback that shows it: in a notebook fastai's bar and table of epochs, else a count of all phases.

    batches: of all phases, training and validation. The Learner itself is left without a bar.
    """
    learn.remove_cb(ProgressCallback)
    if IN_NOTEBOOK:
        yield ProgressCallback()
        return
    with learn.no_logging():
        yield Counted(batches)
