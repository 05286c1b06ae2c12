"""log.txt: what a run says, and what Ctrl-C ends it with."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from kimchi_vision.base.errors import InterruptedRunError
from kimchi_vision.base.run_files import RunFiles
from kimchi_vision.base.signals import ENDED, Terminated


@contextmanager
def logged(files: RunFiles) -> Iterator[None]:
    """What is said inside the block goes to the run's log.txt too."""
    handler = logging.FileHandler(files.log, encoding="utf-8")
    handler.handleError = lambda record: None  # what could not be logged is on the terminal, too
    handler.setFormatter(logging.Formatter("%(asctime)s  %(message)s", "%Y-%m-%d %H:%M:%S"))
    logger, libraries = logging.getLogger("kimchi_vision"), logging.getLogger("py.warnings")
    before = logger.level
    logger.addHandler(handler)
    libraries.addHandler(handler)
    logger.setLevel(min(logger.getEffectiveLevel(), logging.INFO))
    try:
        yield
    except (KeyboardInterrupt, Terminated) as stop:
        said = (
            "Interrupted. {folder} keeps its last checkpoint; the same command goes on from there."
            if files.last.is_file()
            else "Interrupted. {folder} has no checkpoint yet; the same command begins it again."
        )
        code = ENDED if isinstance(stop, Terminated) else 130
        raise InterruptedRunError(said, code, folder=files.path) from None
    finally:
        logger.removeHandler(handler)
        libraries.removeHandler(handler)
        logger.setLevel(before)
        with suppress(OSError):
            handler.close()


@contextmanager
def quiet() -> Iterator[None]:
    """Inside the block trainings say no more than warnings."""
    logger = logging.getLogger("kimchi_vision.learning")
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)
