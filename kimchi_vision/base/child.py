"""A process of this program that works for this one, and ends with it."""

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from queue import SimpleQueue
from typing import IO, Any

from kimchi_vision.base.errors import KimchiError
from kimchi_vision.base.sentence import Quoted

_ANSWERS: SimpleQueue[bool] = SimpleQueue()


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
        send(process.stdin, work)  # which stays open as long as this process lives
    return process


def send(pipe: IO[bytes], what: Any) -> None:
    """Write what can be pickled, so that `received` reads it at the other end."""
    said = pickle.dumps(what)
    pipe.write(len(said).to_bytes(8, "big") + said)
    pipe.flush()


def received(pipe: IO[bytes]) -> Any:
    """What was sent. Raises EOFError when the other process ended before it was."""
    # By its length: pickle.load would look for what comes after it, and wait.
    size = int.from_bytes(pipe.read(8), "big")
    said = pipe.read(size)
    if not size or len(said) < size:
        raise EOFError
    return pickle.loads(said)


def ask(question: Any) -> bool:
    """In a process that `begun` gave a pipe as stdout: send it there, and wait for `answer`."""
    send(sys.__stdout__.buffer, question)
    return _ANSWERS.get()


def answer(process: subprocess.Popen[bytes], yes: bool) -> None:
    """To what it asked."""
    with suppress(BrokenPipeError):  # it died since
        process.stdin.write(bytes([yes]))
        process.stdin.flush()


def last_line(said: str) -> Quoted:
    """The last of what a process that failed has said: of a traceback, the error."""
    return Quoted((said.strip().splitlines() or ["no message"])[-1])


def _main() -> None:
    work = received(sys.stdin.buffer)
    threading.Thread(target=_outlive_nobody, daemon=True).start()
    work()


def _outlive_nobody() -> None:
    # Not by sys.stdin, whose lock would be held when this process ends by itself.
    while said := os.read(0, 1):
        _ANSWERS.put(said != b"\0")
    os._exit(1)


if __name__ == "__main__":
    from kimchi_vision.base import child  # this module as others know it, whose `ask` waits for answers

    try:
        child._main()
    except KeyboardInterrupt:
        os._exit(130)
    except KimchiError as error:
        sys.exit(str(error))
