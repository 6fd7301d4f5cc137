"""What Docker tells of a lab's nodes as it happens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from docker import DockerClient
from docker.types.daemon import CancellableStream

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


def open_node_events(client: DockerClient, lab: str) -> CancellableStream:
    """The stream of Docker's events about the nodes of a lab, from now on; close it in the end."""
    filters = {"type": "container", "label": [f"{labels.LAB}={lab}", labels.NODE]}
    return client.events(decode=True, filters=filters)


def node_events(stream: CancellableStream) -> Iterator[tuple[float, Happening]]:
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
