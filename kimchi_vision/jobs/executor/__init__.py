"""Where the runs of a table are executed: side by side on this machine, or on Ray.

Without an executor they run one after the other in this process. A run folder is the truth wherever it was
written: what is finished there is not run again, and what was interrupted goes on.
"""

from __future__ import annotations

import logging
import os
import pickle
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import replace
from typing import IO, TYPE_CHECKING, Protocol

from kimchi_vision.base.errors import InputError, InterruptedRunError
from kimchi_vision.base.sentence import Sentence
from kimchi_vision.base.threads import SET, cores

if TYPE_CHECKING:
    from kimchi_vision.config.sections import Jobs
    from kimchi_vision.jobs.leaf import Leaf, Reason

AGAIN = 2
"""How often a run whose process was killed goes on by itself."""

log = logging.getLogger(__name__)


def stopped() -> InterruptedRunError:
    """What Ctrl-C ends with."""
    return InterruptedRunError(
        "Interrupted. Every run keeps its last checkpoint; the same command goes on from there."
    )


class Executor(Protocol):
    """Executes runs that do not need each other."""

    def run(self, leaves: Sequence[Leaf]) -> dict[str, str]:
        """Execute all of them; why each failed one failed, by name.

        Raises InputError when nothing can be executed there, InterruptedRunError on Ctrl-C.
        """
        ...


def executor(on: str, jobs: Jobs) -> Executor | None:
    """`serial` (None: in this process), `local` (processes), `ray` (begun here), `auto`, or Ray's address.

    auto: the cluster of $RAY_ADDRESS, else local where there are cores for two.
    Raises InputError for another word.
    """
    if on == "auto":
        on = os.environ.get("RAY_ADDRESS") or ("local" if cores() >= 2 * jobs.cpus else "serial")
    if on == "serial":
        return None
    if on == "local":
        return Processes(jobs)
    if on != "ray" and ":" not in on:
        raise InputError(
            "--on {on}: give serial, local, ray, auto, or an address such as ray://HOST:10001.", on=on
        )
    from kimchi_vision.jobs.executor.on_ray import OnRay

    return OnRay(None if on == "ray" else on, jobs)


class Told:
    """A line for each run that ends."""

    def __init__(self, count: int) -> None:
        self.count, self.done, self.refused = count, 0, {}

    def ended(self, name: str, reason: Reason | None, where: str = "") -> None:
        """reason: why it failed, or None. where: the node, if it is another machine."""
        self.done += 1
        at = Sentence(" on {node}", node=where) if where else ""
        if reason is None:
            log.info("Run %d of %d is done%s: %s", self.done, self.count, at, name)
        else:
            log.error("Run %d of %d failed%s: %s. %s", self.done, self.count, at, name, reason)
            self.refused[name] = str(reason)


class Processes:
    """Each run in a process of its own, as many at once as there are cores for."""

    def __init__(self, jobs: Jobs) -> None:
        self.jobs = jobs
        self.going: set[subprocess.Popen[bytes]] = set()
        self.stopped = False

    def run(self, leaves: Sequence[Leaf]) -> dict[str, str]:
        """As Executor says."""
        told = Told(len(leaves))
        with ThreadPoolExecutor(max(1, cores() // self.jobs.cpus)) as pool:
            futures = {pool.submit(self._trained, leaf): leaf for leaf in leaves}
            try:
                for future in as_completed(futures):
                    told.ended(futures[future].name, future.result())
            except KeyboardInterrupt:
                self._stop()
                raise stopped() from None
        return told.refused

    def _trained(self, leaf: Leaf) -> Reason | None:
        for attempt in range(AGAIN + 1):
            if self.stopped:
                return Sentence("it was not begun")
            with tempfile.TemporaryFile() as complaints:
                code, said = self._once(replace(leaf, force=leaf.force and not attempt), complaints)
                if said:
                    return pickle.loads(said)
                if code >= 0:
                    complaints.seek(0)
                    words = complaints.read().decode(errors="replace").strip().splitlines()
                    return words[-1] if words else Sentence("its process ended with code {code}", code=code)
            log.warning("%s: its process was killed by signal %d; it goes on.", leaf.name, -code)
        return Sentence(
            "its process was killed {times} times, last by signal {signal}: is there too little memory?",
            times=AGAIN + 1,
            signal=-code,
        )

    def _once(self, leaf: Leaf, complaints: IO[bytes]) -> tuple[int, bytes]:
        environment = {**os.environ, SET: str(self.jobs.cpus)}
        command = [sys.executable, "-m", "kimchi_vision.jobs.leaf"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": complaints}
        # A session of its own: Ctrl-C reaches it once, from here.
        with subprocess.Popen(command, env=environment, start_new_session=True, **pipes) as process:
            self.going.add(process)
            try:
                with suppress(BrokenPipeError):  # it died, and is asked for its code below
                    asked = pickle.dumps((leaf, self.jobs.cpus))
                    process.stdin.write(len(asked).to_bytes(8, "big") + asked)
                    process.stdin.flush()  # and stays open as long as this process lives
                said = process.stdout.read()
            finally:
                self.going.discard(process)
        return process.returncode, said

    def _stop(self) -> None:
        self.stopped = True
        for process in list(self.going):
            process.send_signal(signal.SIGINT)
