"""Options that several commands have, and what --open does."""

from __future__ import annotations

import os
import sys
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from typer import Argument, Option

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.messages import Text

if TYPE_CHECKING:
    from kimchi_vision.config import Experiment

Lang = Annotated[Literal["auto", "ko", "en"], Option(help="auto: the system's language.")]
Exports = Annotated[Path, Option(help="Folder in which run folders land.")]
On = Annotated[str, Option(help="Where: serial, local, ray, ADDRESS or auto; one core each.")]
RunFolder = Annotated[Path, Argument(help="A run folder, such as exports/exp1.")]
Overrides = Annotated[
    list[str] | None, Option("--set", metavar="KEY=VALUE", help="Override, such as augment.max_rotate=20.")
]
Layout = Annotated[
    Literal["auto", "first", "folder", "path", "parts", "table"],
    Option(help="Where classes are read, as data.layout."),
]
Open = Annotated[bool, Option("--open", help="Open the page in the browser; on a server, say where it is.")]


def experiment_of(path: Path, overrides: list[str]) -> Experiment:
    """The experiment of a file. Raises InputError for a table."""
    from kimchi_vision.config import Experiment, load

    loaded = load(path, overrides)
    if not isinstance(loaded, Experiment):
        raise InputError("{path} is a table; give one of its experiments.", path=path)
    return loaded


def show(page: Path, say: Text) -> None:
    """Open a page in the desktop's browser, or print its address."""
    address = page.resolve().as_uri()
    if not (_has_desktop() and webbrowser.open(address)):
        print(say("page_at", address=address))


def _has_desktop() -> bool:
    """Whether a window would be seen: not over SSH, and not without a display."""
    if os.environ.get("SSH_CONNECTION"):
        return False
    displays = ("DISPLAY", "WAYLAND_DISPLAY")
    return sys.platform in ("darwin", "win32") or any(map(os.environ.get, displays))
