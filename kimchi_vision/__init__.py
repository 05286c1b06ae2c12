"""Photo folders to a classifier you can trust.

from pathlib import Path
from kimchi_vision import load, run

folder = run(load(Path("experiments/exp1.yaml")))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kimchi_vision.config import load
    from kimchi_vision.deploy.predictor import Predictor
    from kimchi_vision.jobs.experiment import run
    from kimchi_vision.results.run import Run

__all__ = ["Predictor", "Run", "load", "run"]

_HOMES = {
    "Predictor": "deploy.predictor",
    "Run": "results.run",
    "load": "config",
    "run": "jobs.experiment",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `import kimchi_vision` is quick."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
