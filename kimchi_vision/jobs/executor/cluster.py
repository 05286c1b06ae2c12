"""A cluster of Ray: joined, begun on this machine, and what its nodes have room for."""

import logging
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.extras import load
from kimchi_vision.base.plain import Json
from kimchi_vision.base.sentence import Sentence
from kimchi_vision.base.threads import cores
from kimchi_vision.config.sections import Jobs

ANSWERS = 5
"""Seconds in which an address answers."""
PINGS = {
    False: "/ray.rpc.NodeInfoGcsService/GetClusterId",
    True: "/ray.rpc.RayletDriver/ClusterInfo",
}
"""What is asked of an address first: of a head's port, and of its client port."""


@contextmanager
def connected(address: str | None) -> Iterator[Any]:
    """Ray, joined at an address; None: begun on this machine, until the block ends.

    Raises InputError when it cannot be, within 15 seconds.
    """
    ray = load("ray")
    _join(ray, address)
    try:
        yield ray
    finally:
        ray.shutdown()


def resources(ray: Any, jobs: Jobs) -> dict[str, float]:
    """What a task asks for. Raises InputError when no node has that much: Ray would wait for ever."""
    nodes, gpus = _nodes(ray), jobs.gpus
    if gpus is None:
        gpus = float(any(node.get("GPU") for node in nodes))
    wanted = {"CPU": jobs.cpus, "GPU": gpus, "memory": jobs.bytes}
    if not any(_fit(node, wanted) for node in nodes):
        there = "; ".join(", ".join(f"{node.get(name, 0):g} {name}" for name in wanted) for node in nodes)
        raise InputError(
            "A training asks for {asked}, and no node has that: {there}. Change `jobs` in the table, or "
            "start a larger node.",
            asked=", ".join(f"{least:g} {name}" for name, least in wanted.items() if least),
            there=there,
        )
    return wanted


def places(ray: Any, wanted: Mapping[str, float]) -> int:
    """How many such tasks the nodes have room for together."""
    return sum(_fit(node, wanted) for node in _nodes(ray))


def _nodes(ray: Any) -> list[dict[str, float]]:
    """The resources of those that are up."""
    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


def _fit(node: Mapping[str, float], wanted: Mapping[str, float]) -> int:
    """How many tasks a node has room for."""
    return int(min(node.get(name, 0) // least for name, least in wanted.items() if least))


def _answers(address: str) -> None:
    """Ask Ray there for a sign of life, since Ray itself would try for half a minute or more.

    Raises InputError when there is none, ConnectionError when a token is missing or refused.
    """
    import grpc
    from ray._private.grpc_utils import init_grpc_channel

    scheme, _, place = address.rpartition("//")
    host, _, port = place.rpartition(":")
    try:
        socket.create_connection((host, int(port)), ANSWERS).close()
        with init_grpc_channel(place) as channel:
            channel.unary_unary(PINGS[bool(scheme)])(b"", timeout=ANSWERS)
        return
    except (OSError, ValueError) as error:
        reason = error
    except grpc.RpcError as error:
        if error.code() is grpc.StatusCode.UNAUTHENTICATED:
            raise ConnectionError(error.details()) from None
        if error.code().name not in ("UNAVAILABLE", "DEADLINE_EXCEEDED", "UNIMPLEMENTED"):
            return
        reason = Sentence("what listens there is not that port of Ray")
    raise InputError(
        "--on {address}: nobody answers there ({error}). Is the cluster up, and is that its address? "
        "`ray status` on its head says so.",
        address=address,
        error=reason,
    )


def _join(ray: Any, address: str | None) -> None:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_TQDM_PATCH_PRINT"] = "0"  # else a node that dies replaces Python's own
    options: Json = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address is None:
        options |= {"address": "local", "num_cpus": cores()}  # not another that happens to run here
        options |= {"include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    else:
        options["address"] = address
    constants = ray._private.ray_constants
    clusters = constants.ENABLE_RAY_CLUSTER
    try:
        # Else Ray takes the network's address for loopback, and all its processes listen there.
        constants.ENABLE_RAY_CLUSTER = clusters and address is not None
        if address is not None:
            _answers(address)
        ray.init(**options)
    except (ConnectionError, RuntimeError, ValueError, TimeoutError, ray.exceptions.RayError) as error:
        place = address or Sentence("this machine")
        if address is None or os.environ.get("RAY_AUTH_MODE") == "token":
            raise InputError("Ray at {place} cannot be used: {reason}", place=place, reason=error) from error
        raise InputError(
            "Ray at {place} cannot be used: {reason}. If it asks for a token, as Ray does by default, "
            "put RAY_AUTH_MODE=token before the command and the cluster's token into ~/.ray/auth_token.",
            place=place,
            reason=error,
        ) from error
    finally:
        constants.ENABLE_RAY_CLUSTER = clusters
