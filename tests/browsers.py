"""Pages shown in Chromium, and the servers behind them; each comes to an end, whatever the browser does."""

import json
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="Chromium is not installed: apt install chromium"
)


def told(address: str, profile: Path, *options: str) -> dict[str, Any]:
    """What a page's script wrote as JSON into an <output>."""
    command = [CHROMIUM, "--headless=new", "--no-sandbox", f"--user-data-dir={profile}", *options]
    command += ["--dump-dom", address]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return json.loads(unescape(re.search(r"<output>(.*)</output>", done.stdout, re.S)[1]))


@contextmanager
def serving(app, **options: Any) -> Iterator[str]:
    """The address of an application in a thread. options: of uvicorn.Config."""
    import uvicorn

    config = uvicorn.Config(app, port=0, log_level="warning", timeout_graceful_shutdown=5, **options)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    end = time.monotonic() + 60
    try:
        while not server.started:
            assert thread.is_alive()
            assert time.monotonic() < end
            time.sleep(0.05)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=30)
