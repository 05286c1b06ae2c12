"""A process of this program that works for this one, and ends with it."""

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import IO, Any

from kimchi_vision.base.errors import KimchiError
from kimchi_vision.base.sentence import Quoted


def begun(
    work: Callable[[], Any], environment: Mapping[str, str], **pipes: int | IO[bytes]
) -> subprocess.Popen[bytes]:
    """A process that does the work, which must be picklable. pipes: stdout and stderr, as Popen's.

    It has a session of its own: Ctrl-C reaches it from here only.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "kimchi_vision.base.child"],
        stdin=subprocess.PIPE,
        env={**os.environ, **environment},
        start_new_session=True,
        **pipes,
    )
    with suppress(BrokenPipeError):  # it died: its code says so
        asked = pickle.dumps(work)
        process.stdin.write(len(asked).to_bytes(8, "big") + asked)
        process.stdin.flush()  # and stays open as long as this process lives
    return process


def last_line(said: str) -> Quoted:
    """The last of what a process that failed has said: of a traceback, the error."""
    return Quoted((said.strip().splitlines() or ["no message"])[-1])


def _main() -> None:
    # By its length: pickle.load would look for what comes after it, and wait.
    size = int.from_bytes(sys.stdin.buffer.read(8), "big")
    work = pickle.loads(sys.stdin.buffer.read(size))
    threading.Thread(target=_outlive_nobody, daemon=True).start()
    work()


def _outlive_nobody() -> None:
    while os.read(0, 4096):  # not by sys.stdin, whose lock would be held when this process ends by itself
        pass
    os._exit(1)


if __name__ == "__main__":
    try:
        _main()
    except KeyboardInterrupt:
        os._exit(130)
    except KimchiError as error:
        sys.exit(str(error))
