"""What the kernel has counted at the interfaces of every node, as Docker reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from docker import DockerClient
from docker.errors import APIError, NotFound

from lab.engine.discovery import RunningNode
from lab.engine.hosts import client_of


@dataclass(frozen=True, slots=True)
class Traffic:
    """The counters of one interface since its node started."""

    at_s: float
    """When they were read, Unix seconds."""
    sent_bytes: int
    received_bytes: int
    sent_packets: int
    received_packets: int
    dropped_packets: int
    """By the interface, either way."""


def read_traffic(
    client: DockerClient, nodes: Sequence[RunningNode]
) -> dict[str, Mapping[str, Traffic]]:
    """Node → interface → its counters; a node that does not run, or shares another's, has none."""
    with ThreadPoolExecutor(max_workers=max(1, len(nodes))) as pool:
        readings = pool.map(lambda node: _read(client, node), nodes)
        return {node.name: reading for node, reading in zip(nodes, readings, strict=True)}


def _read(client: DockerClient, node: RunningNode) -> Mapping[str, Traffic]:
    try:
        stats = client_of(client, node.engine).api.stats(
            node.container_id, stream=False, one_shot=True
        )
    except (APIError, NotFound):
        return {}
    at_s = datetime.fromisoformat(stats["read"]).timestamp()
    return {
        interface: Traffic(
            at_s=at_s,
            sent_bytes=counted["tx_bytes"],
            received_bytes=counted["rx_bytes"],
            sent_packets=counted["tx_packets"],
            received_packets=counted["rx_packets"],
            dropped_packets=counted["tx_dropped"] + counted["rx_dropped"],
        )
        for interface, counted in (stats.get("networks") or {}).items()
    }
