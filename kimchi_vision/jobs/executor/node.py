"""A leaf on a node of Ray, and the desk at which nodes report and ask."""

import asyncio
import socket
from pathlib import Path
from typing import Any, NamedTuple

from kimchi_vision.base.environment import code_version
from kimchi_vision.base.errors import InputError
from kimchi_vision.base.plain import Json
from kimchi_vision.base.sentence import Sentence
from kimchi_vision.jobs.executor import parcels
from kimchi_vision.jobs.executor.interface import Done, Leaf, do


class Said(NamedTuple):
    """A leaf begins on a node, or shows its watch a row."""

    name: str
    node: str = ""
    row: Json | None = None


class Desk:
    """An actor of Ray: nodes say and ask here, and the driver hears and answers."""

    def __init__(self) -> None:
        self.said: asyncio.Queue[Said] = asyncio.Queue()
        self.began: set[str] = set()
        self.answers: dict[str, asyncio.Future[bool]] = {}

    async def begins(self, name: str, node: str) -> bool:
        """Whether the leaf had begun before, and died."""
        again = name in self.began
        self.began.add(name)
        self.said.put_nowait(Said(name, node))
        return again

    async def asks(self, name: str, row: Json) -> bool:
        """What the leaf's watch answers."""
        self.answers[name] = asyncio.get_running_loop().create_future()
        self.said.put_nowait(Said(name, row=row))
        return await self.answers[name]

    async def hear(self) -> list[Said]:
        """All that was said since, once there is something."""
        found = [await self.said.get()]
        while not self.said.empty():
            found.append(self.said.get_nowait())
        return found

    async def answer(self, name: str, ends: bool) -> None:
        """The watch's, to the row that was shown last."""
        if name in self.answers and not self.answers[name].done():
            self.answers[name].set_result(ends)


def ask(desk: Any, name: str, row: Json) -> bool:
    """A leaf's watch, on a node."""
    import ray

    return ray.get(desk.asks.remote(name, row))


class Answer(NamedTuple):
    """What came of a leaf, on which node, and where it is not shared its run folder, on Ray's node `at`."""

    done: Done
    node: str
    run: parcels.Parcel | None = None
    at: str = ""


class Given(NamedTuple):
    """What every leaf is done with.

    threads: it has. version: of the driver's code. mark: a folder that nodes see which share the folder of
    runs. desk: a handle of Desk.
    """

    threads: int
    version: str
    mark: Path
    desk: Any


def done(leaf: Leaf, given: Given, sent: list[parcels.Parcel] | None) -> Answer:
    """The task. sent: what a node that shares no folder needs."""
    import ray

    node = socket.gethostname()
    if code_version() != given.version:
        other = "{node} has version {own} of kimchi_vision, and the table's is {version}"
        values = {"node": node, "own": code_version(), "version": given.version}
        return Answer((None, Sentence(other, **values)), node)
    shared = given.mark.is_dir() and leaf.here.is_dir()
    if not shared and sent is None:
        unseen = "{node} does not see {folder}: photos and runs lie where every node has one path"
        return Answer((None, Sentence(unseen, node=node, folder=given.mark.parent)), node)
    again = ray.get(given.desk.begins.remote(leaf.name, node))
    return Answer(do(leaf, given.threads, again), node) if shared else _apart(leaf, given.threads, node, sent)


def _apart(leaf: Leaf, threads: int, node: str, sent: list[parcels.Parcel]) -> Answer:
    """On a node that shares no folder: what it lacks is put there, and the run folder waits to be fetched."""
    import ray

    run = leaf.here / leaf.exports / leaf.name
    again = leaf.trains and run.is_dir()
    try:
        for parcel in sent:
            if parcel.path != run or not again:
                parcels.place(parcel, ray.get)
    except InputError as error:
        return Answer((None, Sentence("{node}: {reason}", node=node, reason=error.sentence)), node)
    leaf.here.mkdir(parents=True, exist_ok=True)
    came = do(leaf, threads, again)
    there = leaf.trains and run.is_dir()
    back = parcels.packed(run, lambda piece: piece.spans) if there else None
    return Answer(came, node, back, ray.get_runtime_context().get_node_id())
