"""Pages are opened where there is a desktop; on a server it is said where they are."""

import os
import sys
import webbrowser
from pathlib import Path
from typing import Annotated

from typer import Option

from kimchi_vision.base.messages import Text

Open = Annotated[bool, Option("--open", help="Open the page in the browser; on a server, say where it is.")]


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
