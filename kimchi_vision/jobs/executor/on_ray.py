"""Work as tasks of Ray: on this machine, or on a cluster by its address."""

import logging
import os
import shutil
import socket
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kimchi_vision.base.child import last_line
from kimchi_vision.base.environment import code_version
from kimchi_vision.base.errors import InputError
from kimchi_vision.base.extras import load
from kimchi_vision.base.files import write_text
from kimchi_vision.base.plain import Json
from kimchi_vision.base.progress import side_by_side
from kimchi_vision.base.sentence import Sentence
from kimchi_vision.base.threads import cores
from kimchi_vision.config.sections import Jobs
from kimchi_vision.jobs.executor import parcels
from kimchi_vision.jobs.executor.interface import AGAIN, Ended, Outcomes, stopped
from kimchi_vision.jobs.leaf import Done, Leaf, do

ANSWERS = 5
"""Seconds in which an address answers."""
LOOKS = 1
"""Seconds after which it is seen that a run has begun."""
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

    def places(self) -> int:
        """As Executor says."""
        with self._connected(load("ray")) as ray:
            asked = self._resources(ray)
            return sum(_fit(node, asked) for node in _nodes(ray))

    def run(self, leaves: Sequence[Leaf]) -> Ended:
        """As Executor says."""
        outcomes = Outcomes(leaves)
        with (
            self._connected(load("ray")) as ray,
            _marked(leaves[0].exports) as mark,
            side_by_side(outcomes.tasks),
        ):
            asked = self._resources(ray)
            options = {"num_cpus": asked["CPU"], "num_gpus": asked["GPU"], "memory": asked["memory"] or None}
            options |= {"max_retries": AGAIN, "scheduling_strategy": "SPREAD"}
            task = ray.remote(_done).options(**options)
            sent = _sent(ray, leaves, mark)
            given = (self.jobs.cpus, code_version(), mark, sent)
            going = {task.remote(leaf, *given): leaf.name for leaf in leaves}
            try:
                while going:
                    ended, _ = ray.wait(list(going), num_returns=1, timeout=LOOKS)
                    for leaf in _begun(leaves, mark, outcomes.nodes):
                        outcomes.begin(leaf, (mark / leaf).read_text(encoding="utf-8"))
                    for done in ended:
                        outcomes.end(going.pop(done), *_answer(ray, done))
            except KeyboardInterrupt:
                for reference in going:
                    ray.cancel(reference, force=False)
                ray.wait(list(going), num_returns=len(going), timeout=STOPS)
                raise stopped() from None
        return outcomes.ended

    @contextmanager
    def _connected(self, ray: Any) -> Iterator[Any]:
        self._join(ray)
        try:
            yield ray
        finally:
            ray.shutdown()

    def _join(self, ray: Any) -> None:
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        os.environ["RAY_TQDM_PATCH_PRINT"] = "0"  # else a node that dies replaces Python's own
        options: Json = {"log_to_driver": False, "logging_level": logging.ERROR}
        if self.address is None:
            options |= {"address": "local", "num_cpus": cores()}  # not another that happens to run here
            options |= {"include_dashboard": False, "_node_ip_address": "127.0.0.1"}
        else:
            _answers(self.address)
            options["address"] = self.address
        constants = ray._private.ray_constants
        clusters = constants.ENABLE_RAY_CLUSTER
        try:
            # Else Ray takes the network's address for loopback, and all its processes listen there.
            constants.ENABLE_RAY_CLUSTER = clusters and self.address is not None
            ray.init(**options)
        except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
            place = self.address or Sentence("this machine")
            if self.address is None or os.environ.get("RAY_AUTH_MODE") == "token":
                raise InputError(
                    "Ray at {place} cannot be used: {reason}", place=place, reason=error
                ) from error
            raise InputError(
                "Ray at {place} cannot be used: {reason}. If it asks for a token, as Ray does by default, "
                "put RAY_AUTH_MODE=token before the command and the cluster's token into ~/.ray/auth_token.",
                place=place,
                reason=error,
            ) from error
        finally:
            constants.ENABLE_RAY_CLUSTER = clusters

    def _resources(self, ray: Any) -> dict[str, float]:
        """What a task asks for. Raises InputError when no node has that much: Ray would wait for ever."""
        nodes, gpus = _nodes(ray), self.jobs.gpus
        if gpus is None:
            gpus = float(any(node.get("GPU") for node in nodes))
        wanted = {"CPU": self.jobs.cpus, "GPU": gpus, "memory": self.jobs.bytes}
        if not any(_fit(node, wanted) for node in nodes):
            there = "; ".join(", ".join(f"{node.get(name, 0):g} {name}" for name in wanted) for node in nodes)
            raise InputError(
                "A training asks for {asked}, and no node has that: {there}. Change `jobs` in the table, or "
                "start a larger node.",
                asked=", ".join(f"{least:g} {name}" for name, least in wanted.items() if least),
                there=there,
            )
        return wanted


def _nodes(ray: Any) -> list[dict[str, float]]:
    """The resources of those that are up."""
    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


def _fit(node: Mapping[str, float], wanted: Mapping[str, float]) -> int:
    """How many tasks a node has room for."""
    return int(min(node.get(name, 0) // least for name, least in wanted.items() if least))


def _answers(address: str) -> None:
    """Raise InputError unless somebody listens there; Ray itself would try for a minute or more."""
    host, _, port = address.rpartition("//")[2].rpartition(":")
    try:
        socket.create_connection((host, int(port)), ANSWERS).close()
    except (OSError, ValueError) as error:
        raise InputError(
            "--on {address}: nobody answers there ({error}). Is the cluster up, and is that its address? "
            "`ray status` on its head says so.",
            address=address,
            error=error,
        ) from None


@contextmanager
def _marked(exports: Path) -> Iterator[Path]:
    """A folder in that of the runs, which tells a node that it sees the same one, and what was begun."""
    mark = exports.resolve() / f".{uuid.uuid4().hex}"
    mark.mkdir(parents=True)
    try:
        yield mark
    finally:
        shutil.rmtree(mark, ignore_errors=True)


def _sent(ray: Any, leaves: Sequence[Leaf], mark: Path) -> list[parcels.Parcel] | None:
    """Photos for nodes that do not see the folder of the runs, once in Ray's store; None when all do."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    if not all(leaf.photos for leaf in leaves):
        return None
    look = ray.remote(num_cpus=0)(_sees)
    there = [NodeAffinitySchedulingStrategy(node["NodeID"], True) for node in ray.nodes() if node["Alive"]]
    if all(ray.get([look.options(scheduling_strategy=node).remote(mark) for node in there])):
        return None
    log.info("Some machines do not see %s: photos are sent to them.", mark.parent)
    runs = [leaf.here / leaf.exports / leaf.name for leaf in leaves if leaf.trains]
    paths = [*parcels.of(leaves), *(run for run in runs if run.is_dir())]
    return [parcels.packed(path, ray.put) for path in paths]


def _sees(mark: Path) -> bool:
    return mark.is_dir()


def _begun(leaves: Sequence[Leaf], mark: Path, before: Mapping[str, str]) -> list[str]:
    """Those that have begun since."""
    return [leaf.name for leaf in leaves if leaf.name not in before and (mark / leaf.name).is_file()]


Answered = tuple["Done", str, "parcels.Parcel | None"]
"""What came of a leaf, on which node, and the run folder where it is not shared."""


def _done(leaf: Leaf, threads: int, version: str, mark: Path, sent: list[parcels.Parcel] | None) -> Answered:
    """The task."""
    node = socket.gethostname()
    if code_version() != version:
        other = "{node} has version {own} of kimchi_vision, and the table's is {version}"
        return (None, Sentence(other, node=node, own=code_version(), version=version)), node, None
    if sent is not None and not mark.is_dir():
        return _apart(leaf, threads, node, sent)
    if not (mark.is_dir() and leaf.here.is_dir()):
        unseen = "{node} does not see {folder}: photos and runs lie where every node has one path"
        return (None, Sentence(unseen, node=node, folder=mark.parent)), node, None
    begun = mark / leaf.name
    again = begun.is_file()
    write_text(begun, node)
    return do(leaf, threads, again), node, None


def _apart(leaf: Leaf, threads: int, node: str, sent: list[parcels.Parcel]) -> Answered:
    """The same on a node that shares no folder: what it lacks is unpacked, and the run folder goes back."""
    import ray

    run = leaf.here / leaf.exports / leaf.name
    again = leaf.trains and run.is_dir()
    try:
        for parcel in sent:
            is_run = leaf.trains and parcel.path.parent == run.parent
            if not is_run or (parcel.path == run and not again):
                parcels.place(parcel, ray.get)
    except InputError as error:
        return (None, Sentence("{node}: {reason}", node=node, reason=error.sentence)), node, None
    leaf.here.mkdir(parents=True, exist_ok=True)
    return do(leaf, threads, again), node, parcels.left(run) if leaf.trains else None


def _answer(ray: Any, reference: Any) -> tuple[Done, str]:
    """What came of a leaf; and on which node."""
    try:
        done, node, run = ray.get(reference)
        if run is not None:
            parcels.collect(run)
    except InputError as error:
        return (None, error.sentence), node
    except ray.exceptions.RayError as error:
        return (None, last_line(str(error) or type(error).__name__)), ""
    return done, node
