"""What the Tors on a call's way told: circuits, meetings with onion services, themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lab.wire.circuits import CircuitState
from lab.wire.nodelay import Reach
from lab.wire.onion import RendezvousState
from lab.wire.tor_settings import SettingsAsked, SettingsInForce
from lab.wire.tor_witness import CircuitsSeen


@dataclass(frozen=True, slots=True)
class TorWitness:
    """What the Tor of one node on a circuit told."""

    nodelay: Reach | None
    """On which connections it was to set TCP_NODELAY; None: on none."""
    seen: CircuitsSeen | None
    """None where it did not answer."""


@dataclass(slots=True)
class CircuitNotes:
    """The circuit of one end's Tor client."""

    end: str
    """`caller` or `callee`."""
    wanted: tuple[str, ...]
    """The names of its relays, guard first."""
    fingerprints: Mapping[str, str]
    """Of the lab's relays, by name."""
    built: CircuitState
    after: CircuitState | None = None
    """As it was read back after the call; None where it did not come to that."""
    witnesses: Mapping[str, TorWitness] = field(default_factory=dict)
    """By node, the client and every relay; empty where nobody was asked."""
    path: int | None = None
    """Of a call over several circuits, which of them, from 1; None of others."""


@dataclass(slots=True)
class RendezvousNotes:
    """How a call met an onion service: what either side's tor told of it afterwards."""

    fingerprints: Mapping[str, str]
    """Of the lab's relays, by name."""
    closed: tuple[int, int]
    """Circuits that were ended before the call, at the client and at the service."""
    client: RendezvousState | None = None
    """None where it did not come to that."""
    service: RendezvousState | None = None


@dataclass(frozen=True, slots=True)
class TorNotes:
    """A Tor on the call's way: a client, a relay of a circuit, or the authority."""

    node: str
    asked: SettingsAsked
    told: SettingsInForce | None
    """As the running process said after the call; None where it did not."""
    reason: str | None = None
    """Why it did not."""
