"""Which extra of this package brings a module that is not installed."""

import importlib
import json
import re
import shlex
from importlib import metadata
from types import ModuleType
from urllib.parse import unquote, urlparse

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.sentence import Sentence

_CALLED = {
    "cv2": "opencv-python-headless",
    "multipart": "python-multipart",
    "pillow_jxl": "pillow-jxl-plugin",
    "sklearn": "scikit-learn",
}
"""Modules whose package has another name."""


def missing(error: ModuleNotFoundError, command: str = "") -> Sentence | None:
    """A sentence that names the extra, and the command that installs it; None for a module of this package.

    command: the one that was typed, such as `compare`.
    """
    module = (error.name or "").partition(".")[0]
    if not module or module == __package__.partition(".")[0]:
        return None
    package = _CALLED.get(module, module.replace("_", "-"))
    extra = _extra_of(package)
    if extra is None:
        return Sentence("The package {package} is not installed: pip install {package}", package=package)
    if extra == "compare" and command != "compare":
        extra = "train"  # holds it, and what else such a command needs
    what = {"package": package, "install": install(extra)}
    if not command:
        return Sentence("This needs the package {package}, which is not installed: {install}", **what)
    needs = "`{command}` needs the package {package}, which is not installed: {install}"
    return Sentence(needs, command=command, **what)


def load(module: str) -> ModuleType:
    """A module that an extra brings. Raises InputError, which names the extra, where it is not installed."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise InputError("{missing}", missing=missing(error)) from None


def install(extra: str) -> str:
    """The command that adds an extra to this package, as the package itself was installed."""
    direct = metadata.distribution("kimchi-vision").read_text("direct_url.json")
    source = json.loads(direct) if direct else {}
    clone = source.get("url", "").startswith("file://") and "dir_info" in source
    place = unquote(urlparse(source["url"]).path) if clone else "kimchi-vision"
    return f"pip install {'-e ' if clone else ''}{shlex.quote(f'{place}[{extra}]')}"


def _extra_of(package: str) -> str | None:
    """The first extra that lists a package itself."""
    for line in metadata.requires("kimchi-vision") or []:
        name, extra = re.match(r"[\w.-]+", line), re.search(r"extra == ['\"]([\w-]+)", line)
        if name and extra and name[0].replace("_", "-").lower() == package.lower():
            return extra[1]
    return None
