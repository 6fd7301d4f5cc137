"""What a node's own Tor sees of the circuits through it, and of its sockets (`tor.witness`).

A circuit has an identifier of its own on every connection it crosses, the same for both ends of
that connection: what one relay calls outbound is the next one's inbound.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lab.wire.messages import Dialogue, Event, Order
from lab.wire.nodelay import NodelaySeen


@dataclass(frozen=True, slots=True)
class WatchCircuits(Order):
    """Count every circuit's cells from now on: `Watching`."""


@dataclass(frozen=True, slots=True)
class Watching(Event):
    """They are counted."""


@dataclass(frozen=True, slots=True)
class TellCircuits(Order):
    """Tell what was counted, and end: `CircuitsSeen`."""


@dataclass(frozen=True, slots=True)
class SeenCircuit:
    """One circuit, as one Tor saw it."""

    number: str | None
    """The client's own, which built it; None at relays."""
    inbound: int | None
    """Its identifier on the connection towards the client; None at the client."""
    outbound: int | None
    """The same on the one away from the client; None at the last relay."""
    cells_out: int
    """Cells that were sent away from the client."""
    cells_back: int
    """Cells that were sent towards the client."""


@dataclass(frozen=True, slots=True)
class CircuitsSeen(Event):
    """All circuits on which there was a cell."""

    circuits: tuple[SeenCircuit, ...]
    nodelay: NodelaySeen


def followed(
    number: str | None, client: CircuitsSeen, relays: Mapping[str, CircuitsSeen]
) -> Sequence[tuple[str, SeenCircuit]]:
    """The client's circuit `number` from relay to relay, each with what it saw, guard first.

    As far as relays saw it: complete where the last one has no `outbound`.
    """
    found: list[tuple[str, SeenCircuit]] = []
    follow = next((seen.outbound for seen in client.circuits if seen.number == number), None)
    left = {seen.inbound: (name, seen) for name, told in relays.items() for seen in told.circuits}
    while follow is not None and (step := left.pop(follow, None)) is not None:
        found.append(step)
        follow = step[1].outbound
    return found


WITNESS = Dialogue(
    "tor.witness", orders=(WatchCircuits, TellCircuits), events=(Watching, CircuitsSeen)
)
