"""What every executor does: leaves in, and what each gave, or why it failed, out."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from kimchi_vision.base.errors import InterruptedRunError
from kimchi_vision.base.plain import Json
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
    """What came of each leaf, with a line when it ends."""

    def __init__(self, count: int) -> None:
        self.count, self.done, self.ended = count, 0, Ended({}, {})

    def end(self, name: str, done: Done, where: str = "") -> None:
        """where: the node, if it is another machine."""
        self.done += 1
        (result, reason), at = done, Sentence(" on {node}", node=where) if where else ""
        if reason is None:
            log.info("Run %d of %d is done%s: %s", self.done, self.count, at, name)
            self.ended.results[name] = result
        else:
            log.error("Run %d of %d failed%s: %s. %s", self.done, self.count, at, name, reason)
            self.ended.refused[name] = str(reason)
