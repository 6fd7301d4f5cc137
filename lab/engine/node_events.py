"""What Docker tells of a lab's nodes as it happens."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from queue import SimpleQueue
from typing import Any

from docker import DockerClient
from docker.types.daemon import CancellableStream

from lab.engine.hosts import hosts_of
from lab.events import Happening, NodeState, Noted
from lab.render import labels

_STATES: Mapping[str, str] = {
    "create": "created",
    "start": "running",
    "pause": "paused",
    "unpause": "running",
    "die": "exited",
    "destroy": "removed",
}
"""Docker's event → the state that a node has then."""


class NodeEvents:
    """Docker's events about the nodes of a lab, on every host that it spans."""

    def __init__(self, streams: Sequence[CancellableStream]) -> None:
        self._streams = streams

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        """Each event as it comes, until one of the streams ends, or breaks as it does by itself."""
        if len(self._streams) == 1:
            yield from self._streams[0]
            return
        came: SimpleQueue[Mapping[str, Any] | Exception | None] = SimpleQueue()
        for stream in self._streams:
            threading.Thread(target=_pass_on, args=(stream, came), daemon=True).start()
        while (item := came.get()) is not None:
            if isinstance(item, Exception):
                raise item
            yield item

    def close(self) -> None:
        """Let all of them end."""
        for stream in self._streams:
            stream.close()


def _pass_on(
    stream: CancellableStream, came: SimpleQueue[Mapping[str, Any] | Exception | None]
) -> None:
    try:
        for event in stream:
            came.put(event)
    except Exception as error:
        came.put(error)
    came.put(None)


def open_node_events(client: DockerClient, lab: str) -> NodeEvents:
    """The stream of Docker's events about the nodes of a lab, from now on; close it in the end.

    LabError where a host of the lab does not answer.
    """
    filters = {"type": "container", "label": [f"{labels.LAB}={lab}", labels.NODE]}
    hosts = list(hosts_of(client, lab))
    return NodeEvents([host.client.events(decode=True, filters=filters) for host in hosts])


def node_events(stream: NodeEvents) -> Iterator[tuple[float, Happening]]:
    """When, in Unix seconds, and what happened to a node, until the stream is closed or ends."""
    for event in stream:
        happening = _read(event)
        if happening is not None:
            yield event["timeNano"] / 1e9, happening


def _read(event: Mapping[str, Any]) -> Happening | None:
    attributes = event["Actor"]["Attributes"]
    node, role = attributes[labels.NODE], attributes.get(labels.ROLE, "")
    if event["Action"] == "oom":
        return Noted(f"{node} has no memory left")
    state = _STATES.get(event["Action"])
    if state is None:
        return None
    exit_code = int(attributes.get("exitCode", 0)) if state == "exited" else None
    return NodeState(node, role, state, exit_code)
