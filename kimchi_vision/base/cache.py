"""Where results that many runs share are kept on this machine: small photos, frozen features."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def folder() -> Path:
    """$KIMCHI_CACHE, or kimchi_vision/photos in the user's cache folder."""
    chosen = os.environ.get("KIMCHI_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kimchi_vision" / "photos"


def room() -> int:
    """Free bytes there."""
    place = folder()
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free


def size() -> int:
    """Bytes that are kept."""
    return sum(file.stat().st_size for file in _files())


def clear() -> int:
    """Delete what is kept, and return the bytes that this frees; runs that have a file open keep it."""
    freed = size()
    for file in _files():
        file.unlink()
    return freed


def _files() -> list[Path]:
    patterns = ("*.pack", "*.index.npy", "*.features.npz", "*.lock")
    return [file for pattern in patterns for file in folder().glob(pattern)]
