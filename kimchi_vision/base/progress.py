"""How far work is: the room that works says so, and whoever listens, such as a terminal, shows it."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal, NamedTuple, Protocol, TypeVar

from kimchi_vision.base.messages import catalogue, language
from kimchi_vision.base.plain import Json

T = TypeVar("T")

Stage = Literal["photos", "features", "train", "explain", "export"]
State = Literal["waits", "runs", "done", "failed"]


class Task(NamedTuple):
    """One of several pieces of work that are done side by side.

    epochs: done and in all, and best: the highest score so far; empty where it trains nothing, or nothing
    yet. left: seconds that the epochs to come take. node: the machine, if it is another.
    """

    name: str
    state: State
    epochs: str = ""
    best: str = ""
    left: float | None = None
    node: str = ""


Look = Callable[[], Sequence[Task]]
Watch = Callable[[Json], bool]
"""Is shown each epoch's row of history.csv, and ends the training when it answers True."""


class Listener(Protocol):
    """Is told where a run is."""

    def begins(self, stage: Stage) -> None:
        """All stages before this one are done."""

    def reached(self, share: float) -> None:
        """So much of the stage is done, 0 to 1."""

    def tasks(self, look: Look | None) -> None:
        """Pieces of work begin, and `look` tells how far each is; None: they have ended."""


_LISTENER: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Inside the block the listener is told."""
    before = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(before)


def begins(stage: Stage) -> None:
    """A stage begins."""
    if (listener := _LISTENER.get()) is not None:
        listener.begins(stage)


def reached(done: float, of: float) -> None:
    """So many of a stage's parts are done."""
    if (listener := _LISTENER.get()) is not None:
        listener.reached(done / max(of, 1))


@contextmanager
def side_by_side(look: Look) -> Iterator[None]:
    """Inside the block pieces of work are done."""
    listener = _LISTENER.get()
    if listener is None:
        yield
        return
    listener.tasks(look)
    try:
        yield
    finally:
        listener.tasks(None)


def bar(items: Iterable[T], says: str, count: int | None = None) -> Iterable[T]:
    """The items, with a bar on the terminal that says what is done with them. count: if they cannot tell."""
    if not sys.stderr.isatty():
        return items
    from rich.console import Console
    from rich.progress import track

    said = catalogue(language("auto"))(says)
    return track(items, said, count, console=Console(stderr=True), transient=True)
