"""Work that needs no other, such as one run of a table, wherever it is done."""

import os
import pickle
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from kimchi_vision.base.errors import InterruptedRunError, KimchiError
from kimchi_vision.base.sentence import Quoted, Sentence
from kimchi_vision.base.threads import SET
from kimchi_vision.config import Experiment
from kimchi_vision.config.sections.data import Data

Done = tuple[Any, str | Sentence | None]
"""What the work gave, and why it failed, or None."""


@dataclass(frozen=True)
class Leaf:
    """One piece of work.

    name: what it is called. work: what can be pickled, and gives what JSON can hold; its argument is whether
    a process died at it before. exports: a folder that is where it is done, too. photos: those that it reads.
    trains: it is a run, in exports/NAME. here: the folder that its paths are relative to.
    """

    name: str
    work: Callable[[bool], object]
    exports: Path
    photos: Data | None = None
    trains: bool = False
    here: Path = field(default_factory=Path.cwd)


def training(experiment: Experiment, exports: Path, force: bool = False) -> Leaf:
    """A run. One that died goes on, whether it was forced or not."""
    return Leaf(experiment.name, partial(_train, experiment, exports, force), exports, experiment.data, True)


def _train(experiment: Experiment, exports: Path, force: bool, again: bool) -> None:
    from kimchi_vision.jobs.experiment import run

    run(experiment, exports, force and not again)


def do(leaf: Leaf, threads: int, again: bool = False) -> Done:
    """Do it in this process. KeyboardInterrupt, after a checkpoint, on Ctrl-C."""
    os.environ[SET] = str(threads)
    os.chdir(leaf.here)
    try:
        return leaf.work(again), None
    except InterruptedRunError as error:
        raise KeyboardInterrupt from error
    except KimchiError as error:
        return None, error.sentence
    except Exception as error:  # a fault of this program's ends one piece of work, not the others
        return None, Quoted(f"{type(error).__name__}: {error}")


def answer(leaf: Leaf, threads: int, again: bool) -> None:
    """Do it in a process that was begun for it, which prints what came of it, pickled."""
    answers, sys.stdout = sys.stdout, sys.stderr
    answers.buffer.write(pickle.dumps(do(leaf, threads, again)))
    answers.flush()
