"""Where work is done that can be done side by side, such as a table's runs: on this machine, or on Ray.

Without an executor it is done in this process, one piece after the other. A run folder is the truth wherever
it was written: what is finished there is not run again, and what was interrupted goes on.
"""

import logging
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import replace
from functools import partial
from typing import IO

from kimchi_vision.base import child
from kimchi_vision.base.errors import FAILURES, InputError
from kimchi_vision.base.progress import side_by_side
from kimchi_vision.base.sentence import Sentence
from kimchi_vision.base.threads import SET, cores
from kimchi_vision.config.sections import Jobs
from kimchi_vision.jobs.executor.interface import (
    AGAIN,
    Done,
    Ended,
    Executor,
    Leaf,
    Outcomes,
    Told,
    answer,
    stopped,
)

log = logging.getLogger(__name__)


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
        what = "--on {on}: give serial, local, ray, auto, or an address such as {address}."
        raise InputError(what, on=on, address="ray://HOST:10001")
    from kimchi_vision.jobs.executor.on_ray import OnRay

    return OnRay(None if on == "ray" else on, jobs)


class Serial:
    """Each leaf in this process, one after the other."""

    def run(self, leaves: Iterable[Leaf], told: Told | None = None) -> Ended:
        """As Executor says."""
        outcomes = Outcomes(leaves, told)
        with side_by_side(outcomes.tasks):
            while leaf := next(outcomes.drawn(1), None):
                outcomes.begin(leaf.name)
                try:
                    done = leaf.begin(False), None
                except FAILURES as error:
                    done = None, error.sentence
                outcomes.end(leaf, done)
        return outcomes.ended


class Processes:
    """Each leaf in a process of its own, as many at once as there are cores for."""

    def __init__(self, jobs: Jobs) -> None:
        self.jobs = jobs
        self.places = max(1, cores() // jobs.cpus)
        self.going: set[subprocess.Popen[bytes]] = set()
        self.stopped = False

    def run(self, leaves: Iterable[Leaf], told: Told | None = None) -> Ended:
        """As Executor says."""
        outcomes, going = Outcomes(leaves, told), {}
        with side_by_side(outcomes.tasks), ThreadPoolExecutor(self.places) as pool:
            try:
                while True:
                    for leaf in outcomes.drawn(self.places - len(going)):
                        going[pool.submit(self._done, leaf, outcomes)] = leaf
                    if not going:
                        return outcomes.ended
                    for future in wait(going, return_when=FIRST_COMPLETED).done:
                        outcomes.end(going.pop(future), future.result())
            except KeyboardInterrupt:
                self.stopped = True
                for process in list(self.going):
                    process.send_signal(signal.SIGINT)
                raise stopped() from None

    def _done(self, leaf: Leaf, outcomes: Outcomes) -> Done:
        for attempt in range(AGAIN + 1):
            if self.stopped:
                return None, Sentence("it was not begun")
            if not attempt:
                outcomes.begin(leaf.name)
            with tempfile.TemporaryFile() as complaints:
                code, done = self._once(leaf, attempt > 0, complaints)
                if done is not None:
                    return done
                if code >= 0:
                    complaints.seek(0)
                    words = complaints.read().decode(errors="replace").strip().splitlines()
                    ended = Sentence("its process ended with code {code}", code=code)
                    return None, words[-1] if words else ended
            log.warning("%s: its process was killed by signal %d; it goes on.", leaf.name, -code)
        return None, Sentence(
            "its process was killed {times} {times:time/times}, last by signal {signal}: is there too "
            "little memory?",
            times=AGAIN + 1,
            signal=-code,
        )

    def _once(self, leaf: Leaf, again: bool, complaints: IO[bytes]) -> tuple[int, Done | None]:
        """The process's code, and what came of the leaf, or None if it died."""
        work = partial(answer, replace(leaf, watch=leaf.watch and child.ask), self.jobs.cpus, again)
        environment, done = {SET: str(self.jobs.cpus)}, None
        with child.begun(work, environment, stdout=subprocess.PIPE, stderr=complaints) as process:
            self.going.add(process)
            try:
                while isinstance(said := child.received(process.stdout), dict):
                    child.answer(process, leaf.watch(said))
                done = said
            except EOFError:
                pass
            finally:
                self.going.discard(process)
        return process.returncode, done
