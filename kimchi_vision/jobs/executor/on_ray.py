"""A table's runs as tasks of Ray: on this machine, or on a cluster by its address."""

from __future__ import annotations

import logging
import os
import socket
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kimchi_vision.base.environment import code_version
from kimchi_vision.base.errors import InputError
from kimchi_vision.base.sentence import Sentence
from kimchi_vision.base.threads import cores
from kimchi_vision.jobs.executor import AGAIN, Told, stopped

if TYPE_CHECKING:
    from kimchi_vision.config.sections import Jobs
    from kimchi_vision.jobs.leaf import Leaf, Reason

ANSWERS = 5
"""Seconds in which an address answers."""
STOPS = 60
"""Seconds in which runs write their checkpoints after Ctrl-C."""

log = logging.getLogger(__name__)


class OnRay:
    """Each run a task with its resources; a run whose worker or node dies goes on elsewhere.

    address: HOST:PORT of a cluster that this machine belongs to, ray://HOST:PORT of one elsewhere; None
    begins a cluster of this machine alone, which ends with the table.
    """

    def __init__(self, address: str | None, jobs: Jobs) -> None:
        self.address, self.jobs = address, jobs

    def run(self, leaves: Sequence[Leaf]) -> dict[str, str]:
        """As Executor says."""
        ray, told = _ray(), Told(len(leaves))
        with self._connected(ray), _marked(leaves[0].exports) as mark:
            options = {**self._resources(ray), "max_retries": AGAIN, "scheduling_strategy": "SPREAD"}
            task = ray.remote(_trained).options(**options)
            given = (self.jobs.cpus, code_version(), mark)
            going = {task.remote(leaf, *given): leaf.name for leaf in leaves}
            try:
                while going:
                    (done,), _ = ray.wait(list(going), num_returns=1)
                    told.ended(going.pop(done), *_answer(ray, done))
            except KeyboardInterrupt:
                for reference in going:
                    ray.cancel(reference, force=False)
                ray.wait(list(going), num_returns=len(going), timeout=STOPS)
                raise stopped() from None
        return told.refused

    @contextmanager
    def _connected(self, ray: Any) -> Iterator[None]:
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
        if self.address is None:
            options |= {"num_cpus": cores(), "include_dashboard": False, "_node_ip_address": "127.0.0.1"}
        else:
            _answers(self.address)
            options["address"] = self.address
        try:
            ray.init(**options)
        except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
            reason = str(error).strip().splitlines()[0]
            raise InputError(
                "Ray at {address} cannot be used: {reason}",
                address=self.address or Sentence("this machine"),
                reason=reason,
            ) from error
        try:
            yield
        finally:
            ray.shutdown()

    def _resources(self, ray: Any) -> dict[str, Any]:
        """What a task asks for. Raises InputError when no node has that much: Ray would wait for ever."""
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        gpus = self.jobs.gpus
        if gpus is None:
            gpus = float(any(node.get("GPU") for node in nodes))
        wanted = {"CPU": self.jobs.cpus, "GPU": gpus, "memory": self.jobs.bytes}
        if not any(all(node.get(name, 0) >= least for name, least in wanted.items()) for node in nodes):
            there = "; ".join(", ".join(f"{node.get(name, 0):g} {name}" for name in wanted) for node in nodes)
            asked = ", ".join(f"{least:g} {name}" for name, least in wanted.items() if least)
            raise InputError(
                "A training of this table asks for {asked}, and no node has that: {there}. Change `jobs` "
                "in the table, or start a larger node.",
                asked=asked,
                there=there,
            )
        return {"num_cpus": self.jobs.cpus, "num_gpus": gpus, "memory": self.jobs.bytes or None}


def _ray() -> Any:
    try:
        import ray
    except ImportError:
        raise InputError(
            "--on: Ray is not installed. Install it with: pip install 'kimchi-vision[cluster]'"
        ) from None
    return ray


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
            error=str(error),
        ) from None


@contextmanager
def _marked(exports: Path) -> Iterator[Path]:
    """A file in the folder of the runs, which tells a node that it sees the same folder."""
    exports.mkdir(parents=True, exist_ok=True)
    mark = exports.resolve() / f".{uuid.uuid4().hex}"
    mark.touch()
    try:
        yield mark
    finally:
        mark.unlink(missing_ok=True)


def _trained(leaf: Leaf, threads: int, version: str, mark: Path) -> tuple[Reason | None, str]:
    """The task: why the run failed, or None; and the node."""
    from kimchi_vision.base.environment import code_version
    from kimchi_vision.jobs.leaf import train

    node = socket.gethostname()
    if code_version() != version:
        versions = {"own": code_version(), "version": version}
        said = "{node} has version {own} of kimchi_vision, and the table's is {version}"
        return Sentence(said, node=node, **versions), node
    if not (mark.is_file() and leaf.here.is_dir()):
        unseen = "{node} does not see {folder}: photos and runs lie where every node has one path"
        return Sentence(unseen, node=node, folder=mark.parent), node
    return train(leaf, threads), node


def _answer(ray: Any, reference: Any) -> tuple[Reason | None, str]:
    """Why the run failed, or None; and on which node."""
    try:
        reason, node = ray.get(reference)
    except ray.exceptions.RayError as error:
        lines = str(error).strip().splitlines()
        return lines[-1] if lines else type(error).__name__, ""
    return reason, node
