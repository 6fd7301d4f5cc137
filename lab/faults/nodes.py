"""Faults of nodes: their containers are killed or paused, found by their labels."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from docker import DockerClient
from docker.errors import APIError

from lab import storage
from lab.engine.client import connect
from lab.engine.discovery import RunningNode, find_lab
from lab.engine.hosts import client_of
from lab.engine.waiting import node_state
from lab.errors import LabError
from lab.events import Listener
from lab.faults.fault import Fault
from lab.faults.kind import Over
from lab.faults.told import began, ended
from lab.lifecycle.again import start_again
from lab.lifecycle.ready import ReadyLab
from lab.lifecycle.up import up

POLL_S = 0.02
DEADLINE_S = 10.0


class NodeInjection:
    """A fault of one node; see `Injection`."""

    def __init__(self, breaks: Callable[[], None], mends: Callable[[], None]) -> None:
        self._breaks = breaks
        self._mends = mends
        self._is_owed = False
        """Whether the node is broken, and to be whole again."""

    def begin(self, _of: str) -> float:
        """Break it."""
        self._breaks()
        self._is_owed = True
        return time.time()

    def end(self) -> Over:
        """Mend it."""
        self._is_owed = False
        self._mends()
        return Over(time.time())

    def keep(self) -> None:
        """Leave it as it is."""
        self._is_owed = False

    def close(self) -> None:
        """Mend it, if that is still to be done."""
        if self._is_owed:
            self.end()


@contextmanager
def killed(lab: ReadyLab, fault: Fault, tell: Listener) -> Iterator[NodeInjection]:
    """See `Inject`: from then on until it is started again."""
    client, node = connect(), fault.node
    injection = NodeInjection(
        lambda: kill(client, lab, node), lambda: start_again(client, lab, tell, only=node)
    )
    try:
        yield injection
    finally:
        injection.close()


@contextmanager
def paused(lab: ReadyLab, fault: Fault, _tell: Listener) -> Iterator[NodeInjection]:
    """See `Inject`."""
    client, node = connect(), fault.node
    injection = NodeInjection(
        lambda: pause(client, found_now(client, lab, node)),
        lambda: resume(client, found_now(client, lab, node)),
    )
    try:
        yield injection
    finally:
        injection.close()


def restart(lab: ReadyLab, fault: Fault, tell: Listener) -> bool:
    """See `Mend`: start a node again, and kill it first where it runs."""
    client, node = connect(), fault.node
    if found_now(client, lab, node).state in ("running", "paused"):
        kill(client, lab, node)
        tell(began(fault))
    start_again(client, lab, tell, only=node)
    tell(ended(fault))
    return True


def go_on(lab: ReadyLab, fault: Fault, tell: Listener) -> bool:
    """See `Mend`: let a paused node go on."""
    client = connect()
    found = found_now(client, lab, fault.node)
    if found.state != "paused":
        return False
    resume(client, found)
    tell(ended(fault))
    return True


def have_whole(client: DockerClient, lab: ReadyLab, tell: Listener) -> None:
    """Have the lab up as it was made, and verified; LabError where that cannot be.

    The lab's journal is told by `lab up` itself: `tell` need not be.
    """
    up(client, str(lab.directory / storage.TOPOLOGY), lab.running.name, tell)


def found_now(client: DockerClient, lab: ReadyLab, node: str) -> RunningNode:
    """The node's container as it is at this moment."""
    return find_lab(client, lab.running.name).node(node)


def kill(client: DockerClient, lab: ReadyLab, node: str) -> None:
    """Kill a node that runs or is paused, and return when it is dead; LabError where it lives."""
    found = found_now(client, lab, node)
    if found.state == "paused":
        resume(client, found)
    elif found.state != "running":
        raise LabError(
            f"{node} is {found.state}, and cannot be killed",
            f"`lab fault restart {node}` starts it again.",
        )
    _ask(node, "killed", lambda: client_of(client, found.engine).api.kill(found.container_id))
    deadline = time.monotonic() + DEADLINE_S
    while node_state(client, found) == "running":
        if time.monotonic() > deadline:
            raise LabError(f"{node} was killed, and runs {DEADLINE_S:.0f} s later")
        time.sleep(POLL_S)


def pause(client: DockerClient, node: RunningNode) -> None:
    """Let the programs of a node stand still; LabError where they do not run."""
    if node.state != "running":
        raise LabError(f"{node.name} is {node.state}, and cannot be paused")
    own = client_of(client, node.engine)
    _ask(node.name, "paused", lambda: own.api.pause(node.container_id))


def resume(client: DockerClient, node: RunningNode) -> None:
    """Let the programs of a paused node go on; LabError where it is not paused."""
    if node.state != "paused":
        raise LabError(f"{node.name} is {node.state}, and not paused")
    _ask(
        node.name, "resumed", lambda: client_of(client, node.engine).api.unpause(node.container_id)
    )


def _ask(node: str, done: str, ask: Callable[[], object]) -> None:
    try:
        ask()
    except APIError as error:
        raise LabError(f"{node} cannot be {done}: {error.explanation or error}") from error
