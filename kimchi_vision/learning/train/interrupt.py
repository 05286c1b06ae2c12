"""Ctrl-C and SIGTERM during training wait for the end of a batch, where there is a state to go on from."""

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from kimchi_vision.base.signals import WARNED, Terminated

log = logging.getLogger(__name__)

_ENDS = {signal.SIGINT: KeyboardInterrupt, signal.SIGTERM: Terminated}


class Interrupt:
    """Whether somebody wants the training to end, or a checkpoint, inside `waited_for`.

    ends: what is raised after the batch; None to train on. warned: whether SIGUSR1 asked for a checkpoint.
    """

    def __init__(self) -> None:
        self.ends: type[BaseException] | None = None
        self.warned = False
        self.process = os.getpid()

    @property
    def asked(self) -> bool:
        """Whether this batch is one to write a checkpoint after."""
        return self.warned or self.ends is not None

    @contextmanager
    def waited_for(self) -> Iterator[None]:
        """The first signal inside the block is only noted; a second one ends it at once."""
        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread is told of signals
            return
        numbers = [*_ENDS, *([WARNED] if WARNED is not None else [])]
        before = {number: signal.signal(number, self._note) for number in numbers}
        try:
            yield
        except RuntimeError as error:
            if self.ends:  # signals reach the loader's processes, too; where they stop, the loader fails
                raise self.ends from error
            raise
        finally:
            for number, handler in before.items():
                signal.signal(number, handler or signal.SIG_DFL)

    def obey(self) -> None:
        """After a checkpoint: end, when somebody wants that, or train on."""
        if self.warned:
            log.info("SIGUSR1: a checkpoint is written, and training goes on.")
        self.warned = False
        if self.ends:
            raise self.ends

    def _note(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self.process:
            return  # a process of the loader, which took over this handler
        if number == WARNED:
            self.warned = True
            return
        if self.ends:
            raise self.ends
        self.ends = _ENDS[signal.Signals(number)]
        if (
            number == signal.SIGINT
        ):  # said beside the main thread, which may be in the middle of a line or an import
            threading.Thread(target=_say).start()


def _say() -> None:
    log.warning("Stopping after this batch, with a checkpoint. Ctrl-C again stops at once.")
