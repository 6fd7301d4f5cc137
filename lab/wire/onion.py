"""Onion services: is one there, and over which circuits a call met it (`tor.onion`).

The program runs beside a client's tor and beside the service's own; each tells what its tor knows.
Relays go by the names of their nodes; one that has none, by its fingerprint.
"""

from __future__ import annotations

from dataclasses import dataclass

from lab.wire.circuits import Path
from lab.wire.messages import Dialogue, Event, Order

REND_PURPOSES = ("HS_CLIENT_REND", "HS_SERVICE_REND")
"""tor's words for a circuit that ends at a rendezvous point, at a client and at a service."""
JOINED_STATES = ("HSCR_JOINED", "HSSR_JOINED")
"""Of such a circuit, once it is one with that of the other side."""


@dataclass(frozen=True, slots=True)
class ReadService(Order):
    """Tell how far the service of this node has come: `ServiceState`."""


@dataclass(frozen=True, slots=True)
class ServiceState(Event):
    """The onion service of this node's tor."""

    address: str
    """`….onion`."""
    version: str
    introductions: tuple[str, ...]
    """The relays at which it can be introduced to, of circuits that stand."""
    described: bool
    """Whether tor has made its descriptor."""
    uploads: tuple[str, ...]
    """Relays that took the descriptor since this program runs."""
    refusals: tuple[str, ...]
    """What went wrong with the others, in tor's words."""


@dataclass(frozen=True, slots=True)
class FetchDescriptor(Order):
    """Fetch the descriptor of a service until it comes: `DescriptorFetched`.

    `Failed`, with what was last heard, at the deadline.
    """

    address: str
    deadline_s: float


@dataclass(frozen=True, slots=True)
class DescriptorFetched(Event):
    """This node's client has it."""

    relay: str
    """From which it came."""
    tries: int


@dataclass(frozen=True, slots=True)
class ConnectOnion(Order):
    """Connect to a service through this node's tor, and hang up: `OnionConnected`.

    `Failed`, with the last reason, at the deadline.
    """

    address: str
    port: int
    deadline_s: float


@dataclass(frozen=True, slots=True)
class OnionConnected(Event):
    """The service took the connection."""

    after_ms: float
    """Of the try that succeeded."""
    tries: int


@dataclass(frozen=True, slots=True)
class BeginRendezvous(Order):
    """End every circuit over which services were met; tell of those from now on.

    `RendezvousBegun` once tor has none of them any more. A service keeps its introductions.
    """

    address: str


@dataclass(frozen=True, slots=True)
class RendezvousBegun(Event):
    """Whatever comes now is fresh."""

    closed: int
    """Circuits that were ended for it."""


@dataclass(frozen=True, slots=True)
class ReadRendezvous(Order):
    """Tell what came since `BeginRendezvous`: `RendezvousState`."""


@dataclass(frozen=True, slots=True)
class MetCircuit:
    """A circuit to a rendezvous point."""

    path: Path
    """As tor told it last; its end is the rendezvous point."""
    state: str
    """tor's word, see `JOINED_STATES`."""
    joined_ms: float | None
    """From its launch until it was joined; None where it never was."""
    read_bytes: int
    """What it carried towards this node, cells counted whole, as tor reports once a second."""
    written_bytes: int
    ended: str | None
    """tor's reason for its end; None while it lives."""

    @property
    def joined(self) -> bool:
        """Whether both sides had met on it."""
        return self.joined_ms is not None


@dataclass(frozen=True, slots=True)
class MetStream:
    """A connection of a program in this node, through its tor."""

    target: str
    """`address:port`."""
    on_rendezvous: bool
    """Whether a circuit to a rendezvous point carried it."""
    succeeded: bool
    ended: str | None
    """tor's reason for its end; None while it lives."""


@dataclass(frozen=True, slots=True)
class RendezvousState(Event):
    """What this node's tor knows of meetings since they began to be followed."""

    circuits: tuple[MetCircuit, ...]
    streams: tuple[MetStream, ...]
    """Of a client only: a service tells of none."""
    other_purposes: tuple[str, ...]
    """tor's words for its other circuits: to find the service, to be introduced."""
    other_bytes: int
    """What all of those carried, both ways."""


ONION = Dialogue(
    "tor.onion",
    orders=(ReadService, FetchDescriptor, ConnectOnion, BeginRendezvous, ReadRendezvous),
    events=(ServiceState, DescriptorFetched, OnionConnected, RendezvousBegun, RendezvousState),
)
