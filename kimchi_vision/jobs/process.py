"""What a run changes in its process, put back afterwards: random states, threads, and where it logs."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import torch
from threadpoolctl import threadpool_limits

from kimchi_vision.base import threads
from kimchi_vision.base.allocator import give_back, keep_memory
from kimchi_vision.base.errors import InterruptedRunError
from kimchi_vision.base.run_files import RunFiles
from kimchi_vision.base.signals import ENDED, Terminated
from kimchi_vision.learning.train import randomness


@contextmanager
def undisturbed() -> Iterator[None]:
    """Inside the block memory stays with the process; after it all is as before.

    Random states of Python, NumPy and torch, cuDNN's flags, OpenCV's threads, warnings, allocator.
    """
    drawn, cudnn = randomness.state(), torch.backends.cudnn
    flags, vision = (cudnn.deterministic, cudnn.benchmark, cudnn.allow_tf32), _opencv_threads()
    keep_memory()
    try:
        with warnings.catch_warnings():
            # Pillow's words on odd files; data check says what matters.
            warnings.filterwarnings("ignore", module=r"PIL\.")
            yield
    finally:
        randomness.restore(drawn)
        cudnn.deterministic, cudnn.benchmark, cudnn.allow_tf32 = flags
        _opencv_threads(vision)
        give_back()


@contextmanager
def its_share(wanted: int | None = None) -> Iterator[int]:
    """Inside the block torch and BLAS use the threads that this training has; base.threads says how many.

    wanted: as there.
    """
    before = torch.get_num_threads()
    with threads.training(wanted) as count, threadpool_limits(count):
        torch.set_num_threads(count)
        try:
            yield count
        finally:
            torch.set_num_threads(before)


@contextmanager
def logged(files: RunFiles) -> Iterator[None]:
    """What is said inside the block goes to the run's log.txt too; Ctrl-C ends it with a sentence."""
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


def _opencv_threads(wanted: int | None = None) -> int | None:
    """OpenCV's threads, set first where a number is wanted; None where OpenCV is missing."""
    try:
        import cv2
    except ImportError:
        return None
    if wanted is not None:
        cv2.setNumThreads(wanted)
    return cv2.getNumThreads()
