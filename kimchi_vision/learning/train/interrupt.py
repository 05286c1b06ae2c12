"""Ctrl-C during training waits for the end of a batch, where there is a state to go on from."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

log = logging.getLogger(__name__)


class Interrupt:
    """Whether the user has pressed Ctrl-C inside `waited_for`."""

    def __init__(self) -> None:
        self.asked = False
        self.process = os.getpid()

    @contextmanager
    def waited_for(self) -> Iterator[None]:
        """The first Ctrl-C inside the block is only noted; a second one ends it at once."""
        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread is told of signals
            return
        before = signal.signal(signal.SIGINT, self._note)
        try:
            yield
        except RuntimeError as error:
            if self.asked:  # Ctrl-C reaches the loader's processes, too; where they stop, the loader fails
                raise KeyboardInterrupt from error
            raise
        finally:
            signal.signal(signal.SIGINT, before or signal.SIG_DFL)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self.process:
            return  # a process of the loader, which took over this handler
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        log.warning("Stopping after this batch, with a checkpoint. Ctrl-C again stops at once.")
