"""What a lab's drawing is made of: its machines, where they stand, how they are connected."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from lab.calls.methods import METHODS
from lab.ends import CALLEE, CALLER
from lab.places.cities import PLACES, Place
from lab.topology.model import Topology
from lab.wire.shape import OPEN_WAY, Direction, Shape


@dataclass(frozen=True, slots=True)
class Machine:
    """A node with a network namespace of its own, and all that runs in it."""

    name: str
    role: str
    place: Place | None
    networks: tuple[str, ...]
    guests: tuple[str, ...] = ()
    """Nodes that run on it."""
    forwards: bool = False


@dataclass(frozen=True, slots=True)
class Hop:
    """From one machine to the next, over a network that both are on."""

    start: str
    network: str
    end: str


@dataclass(frozen=True, slots=True)
class Shaped:
    """What one direction of a link does to packets, as far as it is shown."""

    rate_kbps: int | None
    """None where nothing caps it."""
    words: str
    """All of it."""

    @classmethod
    def of(cls, shape: Shape) -> Shaped:
        """What is shown of a shape."""
        return cls(shape.rate_kbps, str(shape))


@dataclass(frozen=True, slots=True)
class Plan:
    """The lab as it was rendered; what has become of it since, the stream tells."""

    lab: str
    machines: tuple[Machine, ...]
    roles: Mapping[str, str]
    """Node → role, guests among them."""
    shapes: Mapping[tuple[str, str, Direction], Shaped]
    """What the topology wants of each direction of each link."""
    delays_ms: Mapping[tuple[str, str, str], float]
    """Machine, network, another machine on it → how long packets to that one take."""

    def machine_of(self, node: str) -> str | None:
        """Where a node runs; None for one that is not of this lab."""
        for machine in self.machines:
            if node == machine.name or node in machine.guests:
                return machine.name
        return None

    def members(self, network: str) -> tuple[str, ...]:
        """The machines on a network."""
        return tuple(one.name for one in self.machines if network in one.networks)

    @property
    def networks(self) -> tuple[str, ...]:
        """Every network, as they come along the machines."""
        return tuple(dict.fromkeys(net for one in self.machines for net in one.networks))

    def servers(self, method: str) -> tuple[str, ...]:
        """The nodes that circuits of calls by `method` lead to, and that pass their voice on."""
        wanted = METHODS.named(method).talkers.server_roles
        return tuple(node for role in wanted for node, own in self.roles.items() if own == role)

    def hops(self, start: str, end: str) -> tuple[Hop, ...]:
        """The shortest way over machines that forward; empty where there is none."""
        before: dict[str, Hop] = {}
        by_name = {one.name: one for one in self.machines}
        waiting = deque([start])
        while waiting and end not in before:
            here = waiting.popleft()
            if here != start and not by_name[here].forwards:
                continue
            for network in by_name[here].networks:
                for other in self.members(network):
                    if other != start and other not in before:
                        before[other] = Hop(here, network, other)
                        waiting.append(other)
        way: list[Hop] = []
        while end in before and end != start:
            way.append(before[end])
            end = before[end].start
        return tuple(reversed(way))

    def way_of_call(
        self, method: str, circuits: Mapping[str, Sequence[str]]
    ) -> dict[str, tuple[Hop, ...]]:
        """Whose circuit → the hops from that end over its relays to the server.

        The caller's goes on to the callee where the callee has no circuit of its own.
        """
        servers = self.servers(method)
        ways = {}
        for end, relays in circuits.items():
            nodes = [end, *relays, *servers]
            if end == CALLER and CALLEE not in circuits:
                nodes.append(CALLEE)
            stops = [machine for node in nodes if (machine := self.machine_of(node))]
            hops = [
                hop
                for one, other in pairwise(stops)
                if one != other
                for hop in self.hops(one, other)
            ]
            ways[end] = tuple(hops)
        return ways


def plan_of(topology: Topology) -> Plan:
    """What of a topology is drawn."""
    machines = [node for node in topology.nodes if node.on is None]
    places = topology.places
    shapes = {
        (node.name, link.network, direction): Shaped.of(link.shape(direction))
        for node in machines
        for link in node.links
        for direction in Direction
    }
    delays = {}
    for node in machines:
        for link in node.links:
            shape = link.shape(Direction.OUT)
            for other in machines:
                for theirs in other.links:
                    if other is not node and theirs.network == link.network:
                        delay_ms = _delay_ms(shape, theirs.address)
                        delays[node.name, link.network, other.name] = delay_ms
    return Plan(
        lab=topology.lab,
        machines=tuple(
            Machine(
                name=node.name,
                role=node.role,
                place=PLACES.get(places.get(node.name, "")),
                networks=tuple(link.network for link in node.links),
                guests=topology.guests(node.name),
                forwards=node.forwards,
            )
            for node in machines
        ),
        roles={node.name: node.role for node in topology.nodes},
        shapes=shapes,
        delays_ms=delays,
    )


def _delay_ms(shape: Shape, address: Any) -> float:
    """How long packets to an address take on the way, of those that fit the narrowest."""
    fitting = [way for way in shape.ways if address in way.to]
    own = max(fitting, key=lambda way: way.to.prefixlen, default=None)
    return shape.delay_ms + (own.delay_ms if own else 0.0)


def way_in_words(shape: str) -> str:
    """Of a shape in words what is behind its cap: delay, jitter, loss; empty where nothing is."""
    about = ("delay", "jitter", "loss", "reorders")
    parts = shape.split(", ")
    return ", ".join(
        part
        for part in parts
        if part != OPEN_WAY and (part.startswith(about) or " distances " in part)
    )
