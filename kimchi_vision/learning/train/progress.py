"""How far a training is: fastai's bar in a notebook, elsewhere told to whoever listens to base.progress."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fastai.callback.core import Callback
from fastai.callback.progress import ProgressCallback
from fastai.learner import Learner
from fastcore.imports import IN_NOTEBOOK

from kimchi_vision.base.progress import reached


class Counted(Callback):
    """Tells base.progress how many batches of all phases are done."""

    def __init__(self, batches: int) -> None:
        self.batches, self.done = batches, 0

    def after_batch(self) -> None:
        """One batch more."""
        self.done += 1
        reached(self.done, self.batches)


@contextmanager
def shown(learn: Learner, batches: int) -> Iterator[Callback]:
    """The callback that shows it: in a notebook fastai's bar and table of epochs, else a count of all phases.

    batches: of all phases, training and validation. The Learner itself is left without a bar.
    """
    learn.remove_cb(ProgressCallback)
    if IN_NOTEBOOK:
        yield ProgressCallback()
        return
    with learn.no_logging():
        yield Counted(batches)
