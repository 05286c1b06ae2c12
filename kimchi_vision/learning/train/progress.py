"""What shows the time left while a training runs."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from fastai.callback.core import Callback
from fastai.callback.progress import ProgressCallback
from fastcore.imports import IN_NOTEBOOK
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

if TYPE_CHECKING:
    from fastai.learner import Learner


class ProgressBar(Callback):
    """One bar with the time left over all phases; nothing where the output is no terminal."""

    def __init__(self, batches: int) -> None:
        self.bar = tqdm(total=batches, disable=None, unit="batch", leave=False)

    def after_batch(self) -> None:
        """One batch more."""
        self.bar.update()


@contextmanager
def shown(learn: Learner, batches: int) -> Iterator[Callback]:
    """The callback that shows it: in a notebook fastai's bar and table of epochs, else a bar over all phases.

    batches: of all phases, training and validation. The Learner itself is left without a bar.
    """
    learn.remove_cb(ProgressCallback)
    if IN_NOTEBOOK:
        yield ProgressCallback()
        return
    bar = ProgressBar(batches)
    # tqdm would make a handler where a process has none, as from Python.
    beside_the_bar = logging_redirect_tqdm() if _logs_are_shown() else nullcontext()
    with bar.bar, beside_the_bar, learn.no_logging():
        yield bar


def _logs_are_shown() -> bool:
    handlers = [each for each in logging.root.handlers if isinstance(each, logging.StreamHandler)]
    return any(each.stream in (sys.stdout, sys.stderr) for each in handlers)
