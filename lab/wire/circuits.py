"""Building, pinning and reading back the circuits of a node's tor client (`tor.circuits`).

Relays go by the names of their nodes; one that has none, by its fingerprint.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lab.wire.messages import Dialogue, Event, Order

Path = tuple[str, ...]
"""Relays from guard to exit."""


@dataclass(frozen=True, slots=True)
class ReadStatus(Order):
    """Tell how far the network has come: `TorStatus`."""


@dataclass(frozen=True, slots=True)
class ClientStatus:
    """What the node's client knows."""

    version: str
    bootstrap: str
    """tor's own words, of `status/bootstrap-phase`."""
    consensus_valid_after: str | None
    consensus: tuple[str, ...]
    """Relays in it."""
    descriptors: tuple[str, ...]
    """Relays of these whose descriptor is there."""


@dataclass(frozen=True, slots=True)
class TorStatus(Event):
    """How far the network has come, as seen from this node."""

    known: tuple[str, ...] | None
    """Relays that the authority has heard of; it is asked only as long as there is no client,
    and None where it does not answer."""
    client: ClientStatus | None
    """None as long as the client does not run."""


@dataclass(frozen=True, slots=True)
class CrossRelays(Order):
    """Build circuits that together cross every relay, and close them: `RelaysCrossed`."""

    relays: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TriedCircuit:
    """A circuit that was to be built."""

    path: Path
    build_ms: float | None
    error: str | None = None
    """Why it was not built."""


@dataclass(frozen=True, slots=True)
class RelaysCrossed(Event):
    """What became of each."""

    circuits: tuple[TriedCircuit, ...]


@dataclass(frozen=True, slots=True)
class PinCircuit(Order):
    """End all circuits and build one, which carries every stream from now on: `CircuitState`."""

    path: Path
    targets: tuple[str, ...] | None
    """The `address:port` that streams may go to, others are refused; None refuses nothing."""


@dataclass(frozen=True, slots=True)
class ReadCircuit(Order):
    """Tell what became of the pinned circuit: `CircuitState`."""


@dataclass(frozen=True, slots=True)
class CloseCircuit(Order):
    """End the pinned circuit; tor builds circuits by itself again: `CircuitClosed`."""


@dataclass(frozen=True, slots=True)
class CircuitClosed(Event):
    """There is none any more."""


@dataclass(frozen=True, slots=True)
class CircuitStream:
    """A TCP connection that a program in the node made through Tor while the circuit was pinned."""

    target: str
    """`address:port`."""
    on_circuit: bool
    """Whether the pinned circuit carried it."""
    succeeded: bool
    ended: str | None
    """tor's reason for its end, or why it was refused; None while it lives."""


@dataclass(frozen=True, slots=True)
class CircuitState(Event):
    """The pinned circuit as tor reported it at one moment."""

    path: Path
    """What tor says, not what was asked for; empty once the circuit has ended."""
    built: bool
    ended: str | None
    """tor's reason for its end; None while it lives."""
    build_ms: float
    streams: tuple[CircuitStream, ...]
    others: tuple[Path, ...]
    """All other circuits of this client; tor's one-hop directory tunnels apart."""

    def faults(self, wanted: Sequence[str]) -> tuple[str, ...]:
        """What contradicts "this call went over exactly the circuit `wanted`"; best empty."""
        found = []
        if self.ended is not None or not self.built:
            found.append(f"the circuit ended: {self.ended or 'not built'}")
        elif self.path != tuple(wanted):
            found.append(f"the circuit was {'-'.join(self.path)}, not {'-'.join(wanted)}")
        if self.others:
            found.append(f"{len(self.others)} other circuits were open")
        if not any(stream.on_circuit and stream.succeeded for stream in self.streams):
            found.append("no stream was carried by the circuit")
        if strays := [s.target for s in self.streams if s.succeeded and not s.on_circuit]:
            found.append(f"streams went another way: {', '.join(strays)}")
        return tuple(found)


CIRCUITS = Dialogue(
    "tor.circuits",
    orders=(ReadStatus, CrossRelays, PinCircuit, ReadCircuit, CloseCircuit),
    events=(TorStatus, RelaysCrossed, CircuitState, CircuitClosed),
)
