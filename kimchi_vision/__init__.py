"""Photo folders to a classifier you can trust.

from pathlib import Path
from kimchi_vision import load, run

folder = run(load(Path("experiments/exp1.yaml")))
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kimchi_vision.base.run_files import RunDir
    from kimchi_vision.config import load
    from kimchi_vision.deploy.predictor import Predictor
    from kimchi_vision.jobs.experiment import run

__all__ = ["Predictor", "RunDir", "load", "run"]

_HOMES = {
    "Predictor": "deploy.predictor",
    "RunDir": "base.run_files",
    "load": "config",
    "run": "jobs.experiment",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `import kimchi_vision` is quick."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


class _Package(ModuleType):
    def __setattr__(self, name: str, value: Any) -> None:
        """Importing kimchi_vision.jobs.experiment does not put that module in the place of the function."""
        if name not in _HOMES or not isinstance(value, ModuleType):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
