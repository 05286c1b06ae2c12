"""How far a run is: the room that works says so, and whoever listens, such as a terminal, shows it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal, Protocol

Stage = Literal["photos", "features", "train", "explain", "export"]


class Listener(Protocol):
    """Is told where a run is."""

    def begins(self, stage: Stage) -> None:
        """All stages before this one are done."""

    def reached(self, share: float) -> None:
        """So much of the stage is done, 0 to 1."""


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
