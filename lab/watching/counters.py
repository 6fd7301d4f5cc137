"""The counters of a lab's links, read again and again."""

from __future__ import annotations

from collections.abc import Iterator

from docker import DockerClient

from lab.engine.discovery import RunningNode
from lab.engine.traffic import Traffic, read_traffic
from lab.events import LinkCounters


class LinkReader:
    """Reads the counters of links and what has passed since it read them last."""

    def __init__(self, client: DockerClient, networks: dict[tuple[str, str], str]) -> None:
        """`networks` is node and interface → network; others are passed over."""
        self._client = client
        self._networks = networks
        self._before: dict[tuple[str, str], Traffic] = {}

    def read(self, nodes: tuple[RunningNode, ...]) -> Iterator[tuple[float, LinkCounters]]:
        """When they were read, in Unix seconds, and the counters of each link of `nodes`."""
        for node, interfaces in read_traffic(self._client, nodes).items():
            for interface, now in interfaces.items():
                network = self._networks.get((node, interface))
                if network is not None:
                    before = self._before.get((node, network))
                    self._before[node, network] = now
                    yield now.at_s, counters(node, network, before, now)


def counters(node: str, network: str, before: Traffic | None, now: Traffic) -> LinkCounters:
    """What is told of a link; rates where the node is still the one that was read before."""
    sent = received = None
    if before is not None and now.at_s > before.at_s:
        passed_s = now.at_s - before.at_s
        sent = _kbps(now.sent_bytes - before.sent_bytes, passed_s)
        received = _kbps(now.received_bytes - before.received_bytes, passed_s)
    return LinkCounters(
        node=node,
        network=network,
        sent_bytes=now.sent_bytes,
        received_bytes=now.received_bytes,
        sent_packets=now.sent_packets,
        received_packets=now.received_packets,
        dropped_packets=now.dropped_packets,
        sent_kbps=sent,
        received_kbps=received,
    )


def _kbps(counted_bytes: int, seconds: float) -> float | None:
    """None where the counter has begun anew."""
    return round(counted_bytes * 8 / 1000 / seconds, 1) if counted_bytes >= 0 else None
