"""One direction of one link, and what is to happen there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import IPv4Address

from lab.errors import UsageError
from lab.topology.mistakes import did_you_mean, quoted
from lab.topology.model import Link, Node, Topology
from lab.wire.shape import DEFAULT_QUEUE, Direction, Queue, Shape


@dataclass(frozen=True, slots=True)
class LinkPoint:
    """One direction of one link."""

    node: str
    network: str
    direction: Direction = Direction.OUT

    def __str__(self) -> str:
        return f"{self.node}/{self.network}/{self.direction}"


@dataclass(frozen=True, slots=True)
class Cap:
    """A rate, with the queue in front of it, at one point."""

    point: LinkPoint
    rate_kbps: int
    """At Ethernet level."""
    queue: Queue = DEFAULT_QUEUE

    def on(self, shape: Shape) -> Shape:
        """What the kernel is to do there, where `shape` is in force: the way behind stays."""
        return replace(shape, rate_kbps=self.rate_kbps, queue=self.queue)

    def __str__(self) -> str:
        return f"{self.point}: {self.on(Shape())}"


def find_machine(topology: Topology, node: str) -> Node:
    """The machine on which `node` runs; UsageError that names the nodes there are."""
    known = [item.name for item in topology.nodes]
    if node not in known:
        raise UsageError(
            f"there is no node {quoted(node)}{did_you_mean(node, known)}",
            f"Nodes: {', '.join(known)}.",
        )
    return topology.machine(node)


def find_link(topology: Topology, node: str, network: str) -> Link:
    """The link of `node` to `network`; UsageError that names those there are.

    A node that runs on another's machine has that machine's links.
    """
    links = {link.network: link for link in find_machine(topology, node).links}
    if network not in links:
        raise UsageError(
            f"{node} has no link to {quoted(network)}{did_you_mean(network, links)}",
            f"Its networks: {', '.join(links)}.",
        )
    return links[network]


def address_of(topology: Topology, point: LinkPoint) -> IPv4Address:
    """The address by which the link of `point` is known in its machine."""
    return find_link(topology, point.node, point.network).address
