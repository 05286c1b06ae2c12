"""Work that needs no other, such as one run of a table, wherever it is done."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from kimchi_vision.base import child
from kimchi_vision.base.errors import InterruptedRunError, KimchiError
from kimchi_vision.base.plain import Json
from kimchi_vision.base.sentence import Quoted, Sentence
from kimchi_vision.base.threads import SET
from kimchi_vision.config import Experiment
from kimchi_vision.config.sections.data import Data

Done = tuple[Any, str | Sentence | None]
"""What the work gave, and why it failed, or None."""
Watch = Callable[[Json], bool]
"""Is shown each epoch's row of history.csv, and ends the training when it answers True."""


@dataclass(frozen=True)
class Leaf:
    """One piece of work.

    name: what it is called. work: what can be pickled, and gives what JSON can hold; its arguments are
    whether a process died at it before, and the watch, if there is one. exports: a folder that is where it is
    done, too. photos: those that it reads. trains: it is a run, in exports/NAME. watch: is asked where the
    leaf was made, wherever it is done. here: the folder that its paths are relative to.
    """

    name: str
    work: Callable[..., object]
    exports: Path
    photos: Data | None = None
    trains: bool = False
    watch: Watch | None = None
    here: Path = field(default_factory=Path.cwd)

    def begin(self, again: bool) -> object:
        """Do it here."""
        return self.work(again) if self.watch is None else self.work(again, self.watch)


def training(experiment: Experiment, exports: Path, force: bool = False, watch: Watch | None = None) -> Leaf:
    """A run. One that died goes on, whether it was forced or not."""
    work = partial(_train, experiment, exports, force)
    return Leaf(experiment.name, work, exports, experiment.data, True, watch)


def _train(experiment: Experiment, exports: Path, force: bool, again: bool, *watch: Watch) -> None:
    from kimchi_vision.jobs.experiment import run

    run(experiment, exports, force and not again, *watch)


def do(leaf: Leaf, threads: int, again: bool = False) -> Done:
    """Do it in this process. KeyboardInterrupt, after a checkpoint, on Ctrl-C."""
    os.environ[SET] = str(threads)
    os.chdir(leaf.here)
    try:
        return leaf.begin(again), None
    except InterruptedRunError as error:
        raise KeyboardInterrupt from error
    except KimchiError as error:
        return None, error.sentence
    except Exception as error:  # a fault of this program's ends one piece of work, not the others
        return None, Quoted(f"{type(error).__name__}: {error}")


def answer(leaf: Leaf, threads: int, again: bool) -> None:
    """Do it in a process that was begun for it, which sends what came of it, and before it what it asks."""
    sys.stdout = sys.stderr
    child.send(sys.__stdout__.buffer, do(leaf, threads, again))
