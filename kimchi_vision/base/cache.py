"""What runs keep for each other on this machine, all of it in one place: the user's cache folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from platformdirs import user_cache_path

KINDS = {
    "photos": "photos kept small, and features of frozen backbones",
    "scans": "what was found in folders of photos",
    "samples": "drawn photos",
}
"""Folders in the cache, with what lies in them."""


def root() -> Path:
    """$KIMCHI_CACHE, or kimchi_vision in the user's cache folder."""
    chosen = os.environ.get("KIMCHI_CACHE")
    return Path(chosen) if chosen else user_cache_path("kimchi_vision")


def folder(kind: str = "photos") -> Path:
    """A folder of the cache, one of KINDS."""
    return root() / kind


def room() -> int:
    """Free bytes there."""
    place = folder()
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free


def sizes() -> dict[str, int]:
    """Bytes of each kind."""
    return {kind: sum(file.stat().st_size for file in _files(kind)) for kind in KINDS}


def clear() -> int:
    """Delete all of it, and return the bytes that this frees; runs that have a file open keep it."""
    freed = sum(sizes().values())
    for kind in KINDS:
        for file in _files(kind):
            file.unlink(missing_ok=True)
        shutil.rmtree(folder(kind), ignore_errors=True)
    return freed


def _files(kind: str) -> Iterator[Path]:
    return (file for file in folder(kind).rglob("*") if file.is_file())
