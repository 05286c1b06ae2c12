"""Work as tasks of Ray: on this machine, or on a cluster by its address."""

import logging
import shutil
import uuid
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from kimchi_vision.base.child import last_line
from kimchi_vision.base.environment import code_version
from kimchi_vision.base.errors import InputError
from kimchi_vision.base.progress import Watch, side_by_side
from kimchi_vision.config.sections import Jobs
from kimchi_vision.jobs.executor import cluster, node, parcels
from kimchi_vision.jobs.executor.interface import AGAIN, Ended, Leaf, Outcomes, Told, stopped

STOPS = 60
"""Seconds in which runs write their checkpoints after Ctrl-C."""

log = logging.getLogger(__name__)


class OnRay:
    """Each leaf a task with its resources; one whose worker or node dies goes on elsewhere.

    address: HOST:PORT of a cluster that this machine belongs to, ray://HOST:PORT of one elsewhere; None
    begins a cluster of this machine alone, which ends with the table.
    """

    def __init__(self, address: str | None, jobs: Jobs) -> None:
        self.address, self.jobs = address, jobs

    def run(self, leaves: Iterable[Leaf], told: Told | None = None) -> Ended:
        """As Executor says."""
        outcomes = Outcomes(leaves, told)
        with cluster.connected(self.address) as ray, ExitStack() as until, side_by_side(outcomes.tasks):
            tasks = _Tasks(ray, self.jobs, outcomes, until)
            try:
                while tasks.begin():
                    tasks.look()
            except KeyboardInterrupt:
                tasks.stop()
                raise stopped() from None
        return outcomes.ended


class _Tasks:
    """Leaves that are done on a cluster."""

    def __init__(self, ray: Any, jobs: Jobs, outcomes: Outcomes, until: ExitStack) -> None:
        """until: the end of all of them."""
        self.ray, self.outcomes, self.until = ray, outcomes, until
        self.asked = cluster.resources(ray, jobs)
        options = {"num_cpus": self.asked["CPU"], "num_gpus": self.asked["GPU"]}
        options |= {"memory": self.asked["memory"] or None, "max_retries": AGAIN}
        self.task = ray.remote(node.done).options(**options, scheduling_strategy="SPREAD")
        # On this node, or that of the client port: it dies with the driver only.
        here = self._at(ray.get_runtime_context().get_node_id(), soft=True)
        desk = ray.remote(node.Desk).options(**here, max_restarts=-1, max_task_retries=-1).remote()
        self.desk, self.heard, self.threads = desk, desk.hear.remote(), jobs.cpus
        self.going: dict[Any, Leaf] = {}
        self.watches: dict[str, Watch | None] = {}
        self.marks: dict[Path, Path] = {}
        self.kept: dict[Path, parcels.Parcel] = {}

    def begin(self) -> bool:
        """Whether any goes on, with those that now have a place."""
        places = self.outcomes.count  # of a list, for whose places Ray waits
        if places is None:
            places = cluster.places(self.ray, self.asked) - len(self.going)
        for leaf in self.outcomes.drawn(places):
            self._send(leaf)
        return bool(self.going)

    def look(self) -> None:
        """Wait until a node says something, or a leaf ends."""
        ready, _ = self.ray.wait([self.heard, *self.going], num_returns=1, timeout=1)
        for reference in ready:
            if reference == self.heard:
                self._hear()
            else:
                self._end(self.going.pop(reference), reference)

    def stop(self) -> None:
        """End all, each after a checkpoint."""
        for reference in self.going:
            self.ray.cancel(reference, force=False)
        if self.going:
            self.ray.wait(list(self.going), num_returns=len(self.going), timeout=STOPS)

    def _send(self, leaf: Leaf) -> None:
        if leaf.exports not in self.marks:
            self.marks[leaf.exports] = self.until.enter_context(_marked(leaf.exports))
            self._see(self.marks[leaf.exports])
        self.watches[leaf.name] = leaf.watch
        asks = replace(leaf, watch=leaf.watch and partial(node.ask, self.desk, leaf.name))
        given = node.Given(self.threads, code_version(), self.marks[leaf.exports], self.desk)
        self.going[self.task.remote(asks, given, self._parcels(leaf))] = leaf

    def _see(self, mark: Path) -> None:
        """Find out whether all nodes share the folder."""
        look = self.ray.remote(_sees)
        nodes = [each["NodeID"] for each in self.ray.nodes() if each["Alive"]]
        seen = self.ray.get([look.options(**self._at(each, soft=True)).remote(mark) for each in nodes])
        self.apart = not all(seen)
        if self.apart:
            log.info("Some machines do not see %s: photos are sent to them.", mark.parent)

    def _parcels(self, leaf: Leaf) -> list[parcels.Parcel] | None:
        """What nodes that share no folder need, in Ray's store: photos once, a run each time."""
        if not self.apart or leaf.photos is None:
            return None
        run, found = leaf.here / leaf.exports / leaf.name, []
        for path in parcels.of(leaf):
            parcel = self.kept.get(path) or parcels.packed(path, self.ray.put)
            found.append(parcel)
            if path != run:
                self.kept[path] = parcel
        return found

    def _hear(self) -> None:
        for said in self.ray.get(self.heard):
            watch = self.watches.get(said.name)
            if said.row is not None and watch is not None:
                self.desk.answer.remote(said.name, watch(said.row))
            elif said.name not in self.outcomes.nodes:
                self.outcomes.begin(said.name, said.node)
        self.heard = self.desk.hear.remote()

    def _end(self, leaf: Leaf, reference: Any) -> None:
        where = ""
        try:
            done, where, run, at = self.ray.get(reference)
            if run is not None and not self._collected(run, at):
                self._send(leaf)
                return
        except InputError as error:
            done = None, error.sentence
        except self.ray.exceptions.RayError as error:
            done = None, last_line(str(error) or type(error).__name__)
        self.outcomes.end(leaf, done, where)

    def _collected(self, run: parcels.Parcel, at: str) -> bool:
        """Fetch a run folder, piece by piece, and take it away there; False when its node has died."""
        there = self._at(at, soft=False)
        read = self.ray.remote(parcels.read).options(**there)
        try:
            parcels.collect(run, lambda spans: self.ray.get(read.remote(run.path, spans)))
            self.ray.get(self.ray.remote(shutil.rmtree).options(**there).remote(run.path, True))
        except self.ray.exceptions.RayTaskError:  # its node is there
            raise
        except self.ray.exceptions.RayError:
            return False
        return True

    @staticmethod
    def _at(identity: str, soft: bool) -> dict[str, Any]:
        """Options of what is done on one node, beside its leaves. soft: or elsewhere, if it is gone."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        return {"num_cpus": 0, "scheduling_strategy": NodeAffinitySchedulingStrategy(identity, soft)}


@contextmanager
def _marked(exports: Path) -> Iterator[Path]:
    """A folder in that of the runs, which tells a node that it sees the same one."""
    mark = exports.resolve() / f".{uuid.uuid4().hex}"
    mark.mkdir(parents=True)
    try:
        yield mark
    finally:
        shutil.rmtree(mark, ignore_errors=True)


def _sees(mark: Path) -> bool:
    return mark.is_dir()
