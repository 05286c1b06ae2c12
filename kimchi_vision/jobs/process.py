"""What a training changes in its process, put back afterwards."""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from kimchi_vision.base.allocator import give_back, keep_memory


@contextmanager
def undisturbed() -> Iterator[None]:
    """Inside the block memory stays with the process; after it all is as before.

    Random states of Python, NumPy and torch, cuDNN's flags, threads of torch and OpenCV, warnings, allocator.
    """
    python, numpy, cpu = random.getstate(), np.random.get_state(), torch.get_rng_state()
    gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    cudnn = torch.backends.cudnn
    flags, threads, vision = (
        (cudnn.deterministic, cudnn.benchmark, cudnn.allow_tf32),
        torch.get_num_threads(),
        _opencv_threads(),
    )
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
        torch.set_num_threads(threads)
        _opencv_threads(vision)
        give_back()


def _opencv_threads(wanted: int | None = None) -> int | None:
    """OpenCV's threads, set first where a number is wanted; None where OpenCV is missing."""
    try:
        import cv2
    except ImportError:
        return None
    if wanted is not None:
        cv2.setNumThreads(wanted)
    return cv2.getNumThreads()
