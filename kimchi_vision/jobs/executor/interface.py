"""Work that needs no other, such as one run of a table, and what every executor does with it."""

import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from kimchi_vision.base import child
from kimchi_vision.base.errors import InterruptedRunError, KimchiError
from kimchi_vision.base.plain import Json
from kimchi_vision.base.progress import State, Task, Watch
from kimchi_vision.base.run_files import RunFiles
from kimchi_vision.base.sentence import Quoted, Sentence
from kimchi_vision.base.threads import SET
from kimchi_vision.config import Experiment
from kimchi_vision.config.sections.data import Data

AGAIN = 2
"""How often a run whose process was killed goes on by itself."""
Done = tuple[Any, str | Sentence | None]
"""What the work gave, and why it failed, or None."""

log = logging.getLogger(__name__)


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


def stopped() -> InterruptedRunError:
    """What Ctrl-C ends with."""
    return InterruptedRunError(
        "Interrupted. Every run keeps its last checkpoint; the same command goes on from there."
    )


class Ended(NamedTuple):
    """By the names of leaves: what each gave, and why each failed one failed."""

    results: Json
    refused: dict[str, str]


Told = Callable[[Leaf, Done], None]


class Executor(Protocol):
    """Does work side by side."""

    def run(self, leaves: Iterable[Leaf], told: Told | None = None) -> Ended:
        """Do all of them.

        told: hears what came of each as it ends. If leaves are no list, the next is drawn when there is a
        place for it, so that it can follow from what has ended.
        Raises InputError when nothing can be done there, InterruptedRunError on Ctrl-C.
        """
        ...


class Outcomes:
    """What came of each leaf, with a line when it begins and when it ends."""

    def __init__(self, leaves: Iterable[Leaf], told: Told | None = None) -> None:
        self.count = len(leaves) if isinstance(leaves, Sequence) else None
        self.leaves = [] if self.count is None else list(leaves)
        self.ended, self.told, self._coming = Ended({}, {}), told, iter(leaves)
        self.nodes: dict[str, str] = {}  # of leaves that have begun

    def drawn(self, places: int) -> Iterator[Leaf]:
        """The next ones, so many at most."""
        for leaf in islice(self._coming, max(places, 0)):
            if self.count is None:
                self.leaves.append(leaf)
            yield leaf

    def begin(self, name: str, node: str = "") -> None:
        """node: the machine, if it is another."""
        self.nodes[name] = node
        what = "Run {number}{of}{at}: {name}"
        self._say(logging.INFO, Sentence(what, number=len(self.nodes), name=name, **self._where(name)))

    def end(self, leaf: Leaf, done: Done, node: str = "") -> None:
        """Keep what it gave, or say why it failed."""
        (result, reason), name = done, leaf.name
        self.nodes[name] = node
        if reason is None:
            self.ended.results[name] = result
        else:
            self.ended.refused[name] = str(reason)
        number, where = len(self.ended.results) + len(self.ended.refused), self._where(name)
        if reason is None:
            said = Sentence("{name} is done{at}, {number}{of}", name=name, number=number, **where)
            self._say(logging.INFO, said)
        else:
            what = "{name} failed{at}, {number}{of}. {reason}"
            self._say(logging.ERROR, Sentence(what, name=name, number=number, reason=reason, **where))
        if self.told is not None:
            self.told(leaf, done)

    def tasks(self) -> list[Task]:
        """How far each is, for progress.side_by_side."""
        return [task(leaf, self._state(leaf.name), self.nodes.get(leaf.name, "")) for leaf in self.leaves]

    def _state(self, name: str) -> State:
        if name in self.ended.refused:
            return "failed"
        return "done" if name in self.ended.results else "runs" if name in self.nodes else "waits"

    def _where(self, name: str) -> dict[str, Sentence | str]:
        node, count = self.nodes[name], self.count
        of = "" if count is None else Sentence(" of {count}", count=count)
        return {"of": of, "at": Sentence(" on {node}", node=node) if node else ""}

    @staticmethod
    def _say(level: int, said: Sentence) -> None:
        log.log(level, "%s", said, extra={"short": said})


def task(leaf: Leaf, state: State, node: str) -> Task:
    """A line of the table of tasks: how far a leaf's run is, as its run folder says."""
    plain = Task(leaf.name, state, node=node)
    if not leaf.trains or state == "waits":
        return plain
    files = RunFiles(leaf.here / leaf.exports / leaf.name)
    try:
        seen = _seen(files.path, _written(files.experiment), _written(files.history))
    except (KimchiError, OSError):  # being begun or set aside just now
        return plain
    return plain._replace(epochs=seen.epochs, best=seen.best, left=seen.left if state == "runs" else None)


def _written(file: Path) -> int:
    return file.stat().st_mtime_ns if file.is_file() else 0


@lru_cache(maxsize=4096)
def _seen(folder: Path, begun: int, trained: int) -> Task:
    """What the files said at these times, since a terminal asks several times a second."""
    from kimchi_vision.learning.train.stages import count_epochs
    from kimchi_vision.results.run import Run
    from kimchi_vision.results.scores import METRICS

    run = Run(folder)
    experiment, history = run.experiment, run.history
    steps = max(1, len(run.photos.part("train")) // experiment.loader.batch_size)
    done, planned, best, left = len(history), count_epochs(experiment.train.stages, steps), "", None
    watched = METRICS.get(experiment.train.monitor, METRICS["accuracy"])
    if watched.name in history:
        values = history[watched.name]
        best = watched.shown(float(values.max() if watched.sign > 0 else values.min()))
    if done:
        left = max(0, planned - done) * float(history["seconds"].mean())
    return Task(folder.name, "runs", f"{done}/{planned}", best, left)
