"""Routes between the networks of a lab, the same there and back; over which link a node sends."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address

from lab.errors import LabError
from lab.topology.model import Link, Network, Node, Topology
from lab.wire.network import Route

Cost = tuple[int, int, int]
"""Hops; hops over nodes that are not preferred; a tie-breaker unique to each set of nodes."""


def shortest_routes(
    nodes: Sequence[Node], networks: Sequence[Network], preferred: Iterable[str]
) -> dict[str, tuple[Route, ...]]:
    """For every node with links, a route to each network it has no link to.

    The path has the fewest hops over forwarding nodes; among equal ones it has the most
    `preferred` nodes, then those named first. The cost of a path does not depend on its
    direction and no two paths cost the same, so answers come back the way the question
    went (a strict reverse-path filter would drop them otherwise).
    """
    favoured = set(preferred)
    forwarders = [node for node in nodes if node.forwards and node.links]
    hop = {
        node.name: (1, int(node.name not in favoured), 1 << position)
        for position, node in enumerate(forwarders)
    }
    on_network: dict[str, list[Node]] = {network.name: [] for network in networks}
    for node in forwarders:
        for link in node.links:
            on_network[link.network].append(node)

    routes: dict[str, list[Route]] = {node.name: [] for node in nodes if node.links}
    for destination in networks:
        costs = _costs_to(destination.name, on_network, hop)
        for node in nodes:
            if node.links and all(link.network != destination.name for link in node.links):
                via = _next_hop(node, costs, on_network, hop)
                if via is not None:
                    routes[node.name].append(Route(destination.subnet, via))
    return {name: tuple(found) for name, found in routes.items()}


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


def _add(left: Cost, right: Cost) -> Cost:
    return left[0] + right[0], left[1] + right[1], left[2] + right[2]


def _costs_to(
    destination: str, on_network: dict[str, list[Node]], hop: dict[str, Cost]
) -> dict[str, Cost]:
    """What it costs to reach `destination` from each network (Dijkstra's algorithm)."""
    costs: dict[str, Cost] = {}
    queue: list[tuple[Cost, str]] = [((0, 0, 0), destination)]
    while queue:
        cost, network = heapq.heappop(queue)
        if network in costs:
            continue
        costs[network] = cost
        for node in on_network[network]:
            for link in node.links:
                if link.network not in costs:
                    heapq.heappush(queue, (_add(cost, hop[node.name]), link.network))
    return costs


def _next_hop(
    node: Node,
    costs: dict[str, Cost],
    on_network: dict[str, list[Node]],
    hop: dict[str, Cost],
) -> IPv4Address | None:
    """The address of the neighbour that begins the cheapest path; None where none leads there."""
    best: tuple[Cost, IPv4Address] | None = None
    for link in node.links:
        for neighbour in on_network[link.network]:
            onward = [costs[other.network] for other in neighbour.links if other.network in costs]
            if neighbour.name == node.name or not onward:
                continue
            cost = _add(min(onward), hop[neighbour.name])
            if best is None or cost < best[0]:
                best = (cost, neighbour.address_on(link.network))
    return best[1] if best else None
