"""What a run stood on: packages, machine and code version."""

import platform
from contextlib import suppress
from importlib import metadata

from kimchi_vision.base.plain import Json
from kimchi_vision.base.threads import cores, share

_USED = ("fastai", "torch", "torchvision", "timm", "numpy", "pandas", "pillow", "scikit-learn", "matplotlib")


def versions() -> Json:
    """Versions of what a result depends on; a package that is not installed is left out."""
    packages = {}
    for name in _USED:
        with suppress(metadata.PackageNotFoundError):
            packages[name] = metadata.version(name)
    return {
        "kimchi_vision": code_version(),
        "python": platform.python_version(),
        "packages": packages,
        "system": platform.platform(),
        "processor": _processor(),
        "cores": cores(),
        "threads": share(),
    }


def code_version() -> str:
    """Version of this package."""
    return metadata.version("kimchi-vision")


def _processor() -> str:
    """The processor's name; Linux keeps it in a file that platform.processor does not read."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor()
