"""What runs keep for each other on this machine, all of it in one place: the user's cache folder."""

import os
import shutil
from pathlib import Path

from platformdirs import user_cache_path

KINDS = {
    "photos": "photos kept small, and features of frozen backbones",
    "scans": "what was found in folders of photos",
    "samples": "drawn photos",
}
"""Folders in the cache, with what lies in them."""
_NAMES = {
    "photos": ("*.pack", "*.index.np[yz]", "*.features.npz", "*.lock"),
    "scans": ("*.sqlite", "*.sqlite-journal"),
    "samples": ("sample-*-" + 12 * "?", ".sample-*"),
}
"""What is called otherwise is someone else's: $KIMCHI_CACHE may be any folder."""


def root() -> Path:
    """$KIMCHI_CACHE, or kimchi_vision in the user's cache folder."""
    chosen = os.environ.get("KIMCHI_CACHE")
    return Path(chosen) if chosen else user_cache_path("kimchi_vision")


def folder(kind: str = "photos", place: Path | None = None) -> Path:
    """A folder of the cache, one of KINDS. place: in place of root()."""
    return (place or root()) / kind


def ledger() -> Path:
    """The file that notes when test photos were scored; nothing can make it anew, so `clear` leaves it."""
    return root() / "openings.sqlite"


def room() -> int:
    """Free bytes there."""
    place = folder()
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free


def sizes() -> dict[str, int]:
    """Bytes of each kind."""
    return {kind: sum(map(_size, _entries(kind))) for kind in KINDS}


def clear() -> int:
    """Delete all of it, and return the bytes that this frees; runs that have a file open keep it."""
    freed = sum(sizes().values())
    for kind in KINDS:
        for entry in _entries(kind):
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink(missing_ok=True)
    return freed


def _entries(kind: str) -> list[Path]:
    return [entry for name in _NAMES[kind] for entry in folder(kind).glob(name)]


def _size(entry: Path) -> int:
    return sum(file.stat().st_size for file in (entry, *entry.rglob("*")) if file.is_file())
