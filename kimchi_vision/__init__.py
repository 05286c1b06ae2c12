"""Photo folders to a classifier you can trust.

import kimchi_vision as kv

run = kv.run("photos/")  # or an experiment file
run.scores
"""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kimchi_vision.base.errors import KimchiError
    from kimchi_vision.config import Experiment, Table
    from kimchi_vision.deploy.predictor import Predictor
    from kimchi_vision.jobs.api import compare, dataloaders, finish, learner, load, run
    from kimchi_vision.jobs.notebook import Run

__all__ = [
    "Experiment",
    "KimchiError",
    "Predictor",
    "Run",
    "Table",
    "compare",
    "dataloaders",
    "finish",
    "learner",
    "load",
    "run",
]

_HOMES = {
    "Experiment": "config",
    "KimchiError": "base.errors",
    "Predictor": "deploy.predictor",
    "Run": "jobs.notebook",
    "Table": "config",
    "compare": "jobs.api",
    "dataloaders": "jobs.api",
    "finish": "jobs.api",
    "learner": "jobs.api",
    "load": "jobs.api",
    "run": "jobs.api",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `import kimchi_vision` is quick."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what libraries announce to developers as they are imported
        try:
            return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        except ModuleNotFoundError as error:
            from kimchi_vision.base.extras import missing

            raise ModuleNotFoundError(str(missing(error) or error), name=error.name) from None


def __dir__() -> list[str]:
    """The public names, for completion in a notebook."""
    return sorted([*__all__, "__doc__", "__name__", "__path__"])
