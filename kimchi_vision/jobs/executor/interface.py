"""What every executor does: leaves in, and what each gave, or why it failed, out."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from kimchi_vision.base.errors import InterruptedRunError
from kimchi_vision.base.plain import Json
from kimchi_vision.base.progress import State, Task
from kimchi_vision.base.sentence import Sentence
from kimchi_vision.jobs.executor import how_far
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


class Executor(Protocol):
    """Does work side by side."""

    def places(self) -> int:
        """How many leaves are done at once. Raises as run."""
        ...

    def run(self, leaves: Sequence[Leaf]) -> Ended:
        """Do all of them.

        Raises InputError when nothing can be done there, InterruptedRunError on Ctrl-C.
        """
        ...


class Outcomes:
    """What came of each leaf, with a line when it begins and when it ends."""

    def __init__(self, leaves: Sequence[Leaf]) -> None:
        self.leaves, self.ended = leaves, Ended({}, {})
        self.nodes: dict[str, str] = {}  # of leaves that have begun

    def begin(self, name: str, node: str = "") -> None:
        """node: the machine, if it is another."""
        self.nodes[name] = node
        what = "Run {number} of {count}{at}: {name}"
        self._say(logging.INFO, Sentence(what, number=len(self.nodes), name=name, **self._where(name)))

    def end(self, name: str, done: Done, node: str = "") -> None:
        """Keep what it gave, or say why it failed."""
        result, reason = done
        self.nodes[name] = node
        if reason is None:
            self.ended.results[name] = result
        else:
            self.ended.refused[name] = str(reason)
        number, where = len(self.ended.results) + len(self.ended.refused), self._where(name)
        if reason is None:
            said = Sentence("{name} is done{at}, {number} of {count}", name=name, number=number, **where)
            self._say(logging.INFO, said)
        else:
            what = "{name} failed{at}, {number} of {count}. {reason}"
            self._say(logging.ERROR, Sentence(what, name=name, number=number, reason=reason, **where))

    def tasks(self) -> list[Task]:
        """How far each is, for progress.side_by_side."""
        return [
            how_far.task(leaf, self._state(leaf.name), self.nodes.get(leaf.name, "")) for leaf in self.leaves
        ]

    def _state(self, name: str) -> State:
        if name in self.ended.refused:
            return "failed"
        return "done" if name in self.ended.results else "runs" if name in self.nodes else "waits"

    def _where(self, name: str) -> dict[str, int | Sentence | str]:
        node = self.nodes[name]
        return {"count": len(self.leaves), "at": Sentence(" on {node}", node=node) if node else ""}

    @staticmethod
    def _say(level: int, said: Sentence) -> None:
        log.log(level, "%s", said, extra={"short": said})
