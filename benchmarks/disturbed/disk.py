"""A disk that is full from its n-th write on, whoever writes: disk.c, loaded before the C library."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import tempfile
from pathlib import Path

CODE = Path(__file__).with_name("disk.c")


def loaded() -> None:
    """Have disk.c in this process: compile it, and begin this program anew with it.

    Linux with a C compiler.
    """
    if hasattr(ctypes.CDLL(None), "full_disk"):
        return
    with tempfile.NamedTemporaryFile(suffix=".so", delete=False) as library:
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library.name, CODE, "-ldl"], check=True)
    one_thread = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}
    os.execve(sys.executable, sys.orig_argv, {**os.environ, **one_thread, "LD_PRELOAD": library.name})


def limit(folder: Path, writes: int | None) -> None:
    """From now on so many writes below `folder` succeed in this process; None: all of them."""
    room = ctypes.c_long(-1 if writes is None else writes)
    ctypes.CDLL(None).full_disk(os.fsencode(folder.resolve()), room)


def writes() -> int:
    """How many there were since then."""
    count = ctypes.CDLL(None).full_disk_writes
    count.restype = ctypes.c_long
    return count()
