"""What schedulers say to a process: SIGTERM (Slurm, docker stop, systemd) ends it, SIGUSR1 warns of that."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

ENDED = 128 + signal.SIGTERM
"""Exit code of a process that SIGTERM ended, as shells have it."""
WARNED = getattr(signal, "SIGUSR1", None)
"""None on Windows."""


class Terminated(SystemExit):
    """SIGTERM came: as KeyboardInterrupt is for Ctrl-C."""

    def __init__(self) -> None:
        super().__init__(ENDED)


def listen() -> None:
    """From now on SIGTERM raises Terminated, which lets files be closed, and SIGUSR1 ends nothing.

    Where Python drops what is raised, in a finalizer, the signal comes once more.
    """
    here, dropped = os.getpid(), sys.unraisablehook

    def end(number: int, frame: FrameType | None) -> None:
        if os.getpid() != here:
            os._exit(ENDED)  # a process of the loader
        raise Terminated

    def again(unraisable: UnraisableHookArgs) -> None:
        if issubclass(unraisable.exc_type, Terminated):
            threading.Timer(0.05, os.kill, (here, signal.SIGTERM)).start()  # raised here it is dropped, too
        else:
            dropped(unraisable)

    signal.signal(signal.SIGTERM, end)
    sys.unraisablehook = again
    if WARNED is not None:
        signal.signal(WARNED, lambda number, frame: None)
