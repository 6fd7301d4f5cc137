"""How much longer packets take for the distance between the places of two nodes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from ipaddress import IPv4Network

from lab.places.cities import PLACES
from lab.places.distance import Distances
from lab.topology.model import Link, Node
from lab.wire.shape import Shape, Way


def with_distances(
    nodes: Sequence[Node], networks: Collection[str], distances: Distances
) -> tuple[Node, ...]:
    """The nodes, with what they send on `networks` delayed by where the next hop stands.

    That is another member of the network, or the one through which a route of theirs leads on.
    Every member of these networks has a place.
    """
    return tuple(
        replace(
            node,
            links=tuple(
                _delayed(node, link, nodes, distances) if link.network in networks else link
                for link in node.links
            ),
        )
        for node in nodes
    )


def _delayed(node: Node, link: Link, nodes: Sequence[Node], distances: Distances) -> Link:
    shape = link.sends or Shape()
    ways = tuple(_ways(node, link.network, nodes, distances))
    return replace(link, sends=replace(shape, ways=ways) if ways else link.sends)


def _ways(node: Node, network: str, nodes: Sequence[Node], distances: Distances) -> Iterator[Way]:
    for other in nodes:
        for link in other.links:
            if link.network != network or other is node:
                continue
            assert node.place and other.place
            delay_ms = distances.one_way_ms(PLACES[node.place], PLACES[other.place])
            # The delay line counts in microseconds, and is read back.
            delay_ms = round(delay_ms, 3)
            behind = [route.destination for route in node.routes if route.via == link.address]
            for to in (IPv4Network(f"{link.address}/32"), *behind):
                yield Way(to, delay_ms)
