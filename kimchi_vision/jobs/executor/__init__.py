"""Where the runs of a table are executed: side by side on this machine, or on Ray.

Without an executor they run one after the other in this process. A run folder is the truth wherever it was
written: what is finished there is not run again, and what was interrupted goes on.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from typing import IO, TYPE_CHECKING, Protocol

from kimchi_vision.base import child
from kimchi_vision.base.errors import InputError, InterruptedRunError
from kimchi_vision.base.threads import SET, cores

if TYPE_CHECKING:
    from kimchi_vision.config.sections import Jobs
    from kimchi_vision.jobs.leaf import Leaf

AGAIN = 2
"""How often a run whose process was killed goes on by itself."""
STOPPED = "Interrupted. Every run keeps its last checkpoint; the same command goes on from there."

log = logging.getLogger(__name__)


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
        raise InputError(f"--on {on}: give serial, local, ray, auto, or an address such as ray://HOST:10001.")
    from kimchi_vision.jobs.executor.on_ray import OnRay

    return OnRay(None if on == "ray" else on, jobs)


class Told:
    """A line for each run that ends."""

    def __init__(self, count: int) -> None:
        self.count, self.done, self.refused = count, 0, {}

    def ended(self, name: str, reason: str | None, where: str = "") -> None:
        """reason: why it failed, or None."""
        self.done += 1
        if reason is None:
            log.info("Run %d of %d is done%s: %s", self.done, self.count, where, name)
        else:
            log.error("Run %d of %d failed%s: %s. %s", self.done, self.count, where, name, reason)
            self.refused[name] = reason


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
                raise InterruptedRunError(STOPPED) from None
        return told.refused

    def _trained(self, leaf: Leaf) -> str | None:
        for attempt in range(AGAIN + 1):
            if self.stopped:
                return "it was not begun"
            with tempfile.TemporaryFile() as complaints:
                code, said = self._once(replace(leaf, force=leaf.force and not attempt), complaints)
                if said:
                    return json.loads(said)
                if code >= 0:
                    complaints.seek(0)
                    words = complaints.read().decode(errors="replace").strip().splitlines()
                    return words[-1] if words else f"its process ended with code {code}"
            log.warning("%s: its process was killed by signal %d; it goes on.", leaf.name, -code)
        return (
            f"its process was killed {AGAIN + 1} times, last by signal {-code}: is there too little memory?"
        )

    def _once(self, leaf: Leaf, complaints: IO[bytes]) -> tuple[int, bytes]:
        environment, pipes = {SET: str(self.jobs.cpus)}, {"stdout": subprocess.PIPE, "stderr": complaints}
        with child.begun(partial(told, leaf, self.jobs.cpus), environment, **pipes) as process:
            self.going.add(process)
            try:
                said = process.stdout.read()
            finally:
                self.going.discard(process)
        return process.returncode, said

    def _stop(self) -> None:
        self.stopped = True
        for process in list(self.going):
            process.send_signal(signal.SIGINT)
