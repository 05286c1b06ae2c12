"""A tracker in a thread of its own, so that training never waits for it and never falls with it."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)

PATIENCE = 60.0
"""Seconds that a tracker may take at the end to write what it was told."""


class Worker:
    """Tells one tracker, in order. make: opens it, called with `arguments` in the thread."""

    def __init__(self, name: str, make: Callable[..., object], arguments: tuple[object, ...]) -> None:
        self.name, self._make, self._arguments = name, make, arguments
        self._waiting: queue.Queue[tuple[object, ...] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def tell(self, what: str, *arguments: object) -> None:
        """Call the tracker's method `what`, later; nothing when it has failed."""
        if self._thread.is_alive():
            self._waiting.put((what, *arguments))

    def close(self) -> None:
        """Wait until it has written everything, but not for ever."""
        self._waiting.put(None)
        self._thread.join(PATIENCE)
        if self._thread.is_alive():
            log.warning("%s does not answer; what it has not written is lost. The run is not.", self.name)

    def _work(self) -> None:
        try:
            tracker = self._make(*self._arguments)
            while (call := self._waiting.get()) is not None:
                what, *arguments = call
                getattr(tracker, what)(*arguments)
            tracker.close()
        except Exception as error:  # whatever a tracker raises is no reason to end a run
            log.warning("%s fails and is left out; the run goes on: %s", self.name, error)
