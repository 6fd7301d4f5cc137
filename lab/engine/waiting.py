"""Waiting for a condition in a node: with a deadline, and an error that says what was awaited."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from docker import DockerClient
from docker.errors import NotFound

from lab.engine.discovery import RunningNode, find_labs
from lab.engine.hosts import client_of
from lab.errors import LabError

INTERVAL_S = 0.1
_NOTICED_WITHIN_S = 1.0
LAST_LINES = 8
_ENDED = frozenset({"exited", "dead"})
"""Docker's words for a container whose exit status is that of its program."""


class WaitError(LabError):
    """What was awaited did not come."""


class NodeEndedError(LabError):
    """A node that was needed has ended."""


def wait_until(
    client: DockerClient,
    node: RunningNode,
    awaited: str,
    condition: Callable[[], bool],
    deadline_s: float,
) -> float:
    """Wait until `condition()` is true and return the seconds it took.

    WaitError after `deadline_s`, or at once when the node stops; it tells what was
    awaited, for how long, the node's state and its last log lines.
    """
    started = time.monotonic()
    while True:
        if condition():
            return time.monotonic() - started
        waited_s = time.monotonic() - started
        state = node_state(client, node)
        if waited_s > deadline_s or state != "running":
            raise WaitError(
                f"{node.name}: waited {waited_s:.1f} s for {awaited}; the node is {state}",
                "Its last lines:\n  " + "\n  ".join(last_lines(client, node)),
            )
        time.sleep(INTERVAL_S)


def node_state(client: DockerClient, node: RunningNode) -> str:
    """Docker's word for the container's state, with the exit status where it has ended."""
    try:
        own = client_of(client, node.engine)
        state = own.api.inspect_container(node.container_id)["State"]
    except NotFound:
        return "gone"
    status = str(state["Status"])
    return f"{status} with exit status {state['ExitCode']}" if status in _ENDED else status


def last_lines(client: DockerClient, node: RunningNode, count: int = LAST_LINES) -> list[str]:
    """The last log lines of a container; empty where it has none or is gone."""
    try:
        text = client_of(client, node.engine).api.logs(node.container_id, tail=count)
    except NotFound:
        return []
    return list(text.decode(errors="replace").splitlines())


@contextmanager
def blaming_ended_nodes(client: DockerClient, lab: str) -> Iterator[None]:
    """Where something fails here and a node of the lab has ended, that is told beside it."""
    try:
        yield
    except NodeEndedError:
        raise
    except LabError as error:
        for node in _just_ended(client, lab):
            raise NodeEndedError(
                f"{error.message}; {node.name} of lab {lab} has ended, "
                f"with exit status {node.exit_code}",
                _last_words(client, node),
            ) from error
        raise


def refuse_ended_nodes(client: DockerClient, lab: str) -> None:
    """NodeEndedError, with its last log lines, where a node has ended since it was started."""
    for node in _ended_nodes(client, lab):
        raise NodeEndedError(
            f"{node.name} of lab {lab} ended while the lab was starting, "
            f"with exit status {node.exit_code}",
            _last_words(client, node),
        )


def _just_ended(client: DockerClient, lab: str) -> Iterator[RunningNode]:
    """For a moment Docker tells of a node that has ended that it runs."""
    deadline = time.monotonic() + _NOTICED_WITHIN_S
    while not (found := list(_ended_nodes(client, lab))) and time.monotonic() < deadline:
        time.sleep(INTERVAL_S)
    yield from found


def _ended_nodes(client: DockerClient, lab: str) -> Iterator[RunningNode]:
    for found in find_labs(client, lab):
        yield from (node for node in found.stopped if node.state != "created")


def _last_words(client: DockerClient, node: RunningNode) -> str:
    return "Its last lines:\n  " + "\n  ".join(last_lines(client, node))
