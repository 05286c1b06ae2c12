"""What every executor does: leaves in, and what each gave, or why it failed, out."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import NamedTuple, Protocol

from kimchi_vision.base.errors import InterruptedRunError, KimchiError
from kimchi_vision.base.plain import Json
from kimchi_vision.base.progress import State, Task
from kimchi_vision.base.run_files import RunFiles
from kimchi_vision.base.sentence import Sentence
from kimchi_vision.jobs.leaf import Done, Leaf

AGAIN = 2
"""How often a run whose process was killed goes on by itself."""

log = logging.getLogger(__name__)


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


class _Seen(NamedTuple):
    """Epochs done and planned, the best of the watched score, else accuracy, and mean seconds an epoch."""

    done: int
    planned: int
    best: str
    seconds: float


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
    left = max(0, seen.planned - seen.done) * seen.seconds if seen.done and state == "runs" else None
    return plain._replace(epochs=f"{seen.done}/{seen.planned}", best=seen.best, left=left)


def _written(file: Path) -> int:
    return file.stat().st_mtime_ns if file.is_file() else 0


@lru_cache(maxsize=4096)
def _seen(folder: Path, begun: int, trained: int) -> _Seen:
    """What the files said at these times, since a terminal asks several times a second."""
    from kimchi_vision.learning.train.stages import count_epochs
    from kimchi_vision.results.run import Run
    from kimchi_vision.results.scores import METRICS

    run = Run(folder)
    experiment, history = run.experiment, run.history
    steps = max(1, len(run.photos.part("train")) // experiment.loader.batch_size)
    planned, best = count_epochs(experiment.train.stages, steps), ""
    watched = METRICS.get(experiment.train.monitor, METRICS["accuracy"])
    if watched.name in history:
        values = history[watched.name]
        best = watched.shown(float(values.max() if watched.sign > 0 else values.min()))
    seconds = float(history["seconds"].mean()) if len(history) else 0.0
    return _Seen(len(history), planned, best, seconds)
