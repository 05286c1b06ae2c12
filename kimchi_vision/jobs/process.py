"""What a training changes in its process, put back afterwards."""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from kimchi_vision.base import threads
from kimchi_vision.base.allocator import give_back, keep_memory


@contextmanager
def undisturbed() -> Iterator[None]:
    """Inside the block memory stays with the process; after it all is as before.

    Random states of Python, NumPy and torch, cuDNN's flags, OpenCV's threads, warnings, allocator.
    """
    python, numpy, cpu = random.getstate(), np.random.get_state(), torch.get_rng_state()
    gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    cudnn = torch.backends.cudnn
    flags, vision = (cudnn.deterministic, cudnn.benchmark, cudnn.allow_tf32), _opencv_threads()
    keep_memory()
    try:
        with warnings.catch_warnings():
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
        torch.set_rng_state(cpu)
        if gpus:
            torch.cuda.set_rng_state_all(gpus)
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


def _opencv_threads(wanted: int | None = None) -> int | None:
    """OpenCV's threads, set first where a number is wanted; None where OpenCV is missing."""
    try:
        import cv2
    except ImportError:
        return None
    if wanted is not None:
        cv2.setNumThreads(wanted)
    return cv2.getNumThreads()
