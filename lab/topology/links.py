"""Which of its links a node sends over."""

from __future__ import annotations

from ipaddress import IPv4Address

from lab.errors import LabError
from lab.topology.model import Link, Node, Topology


def link_towards(topology: Topology, node: Node, address: IPv4Address) -> Link:
    """The link over which `node` sends to `address`; LabError where it has no way there."""
    for link in node.links:
        if address in topology.network(link.network).subnet:
            return link
    for route in node.routes:
        if address in route.destination:
            return next(
                link for link in node.links if route.via in topology.network(link.network).subnet
            )
    raise LabError(f"{node.name} has no way to {address}")
