"""From a folder of photos, or a drawn sample, to a table of path, label, split and content hash."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kimchi_vision.data.dataset import load

__all__ = ["load"]


def __getattr__(name: str) -> Any:
    """`load` when it is first used: opening a photo, which `predict` does, needs neither pandas nor scipy."""
    if name != "load":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from kimchi_vision.data.dataset import load

    return load
