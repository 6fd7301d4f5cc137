"""Building, pinning and reading back the circuits of a node's tor client (`tor.circuits`).

Relays go by the names of their nodes; one that has none, by its fingerprint.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lab.wire.messages import Dialogue, Event, Order
from lab.wire.sockets import TcpSocket

Path = tuple[str, ...]
"""Relays from guard to exit."""
LINKED = "CONFLUX_LINKED"
"""What tor calls the purpose of a circuit whose Conflux set can be used."""
SET_LEGS = 2
"""Circuits of a set (`cfx_num_legs_set`)."""


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
    bridges: tuple[str, ...] = ()
    """The client's bridges whose descriptor is there."""
    lost: tuple[str, ...] = ()
    """What the client's own programs lack: `obfs4proxy`, where it needs one and none runs."""


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
    bridges: tuple[str, ...] = ()
    """By which every circuit enters, in turn; empty: by the relays themselves."""


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
class PinPaths(Order):
    """End all circuits and build several; of the streams from now on each goes over the next.

    `PathsState`.
    """

    paths: tuple[Path, ...]
    targets: tuple[str, ...]
    """As of `PinCircuit`."""


@dataclass(frozen=True, slots=True)
class ReadPaths(Order):
    """Tell what became of these circuits: `PathsState`."""


@dataclass(frozen=True, slots=True)
class LinkCircuits(Order):
    """End all circuits and have tor build one Conflux set in their place: `CircuitState`.

    Which guard goes with which middle is tor's choice.
    """

    guards: Path
    middles: Path
    exit: str
    targets: tuple[str, ...] | None
    """As of `PinCircuit`."""


@dataclass(frozen=True, slots=True)
class ReadCircuit(Order):
    """Tell what became of the pinned circuit, or set: `CircuitState`."""


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
class Leg:
    """A circuit of a Conflux set."""

    path: Path
    purpose: str
    """As tor calls it: CONFLUX_LINKED once the set can be used."""
    conflux_id: str
    """The set's, tor's own; the circuits of one set have the same."""
    sent_bytes: int = 0
    """By this client over the circuit while it was watched, all of the cells (CIRC_BW)."""
    received_bytes: int = 0
    number: str | None = None
    """The client's own of this circuit."""
    rtt_ms: float | None = None
    """Tor's own measure of the circuit's round trip; None where it told none."""


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
    legs: tuple[Leg, ...] = ()
    """The circuits of the set, where the call has a Conflux set in place of one circuit."""
    number: str | None = None
    """tor's own, by which it tells of the circuit."""

    def faults(self, wanted: Sequence[str], whose: str = "") -> tuple[str, ...]:
        """What contradicts "this call went over exactly the circuit `wanted`"; best empty.

        `whose` they are goes before them in a sentence, such as `callee's `.
        """
        found = []
        if self.ended is not None or not self.built:
            found.append(f"the {whose}circuit ended: {self.ended or 'not built'}")
        elif self.legs:
            found += self._leg_faults(wanted)
        elif self.path != tuple(wanted):
            found.append(f"the {whose}circuit was {'-'.join(self.path)}, not {'-'.join(wanted)}")
        if self.others:
            found.append(f"{len(self.others)} other {whose}circuits were open")
        if not any(stream.on_circuit and stream.succeeded for stream in self.streams):
            found.append(f"no stream was carried by the {whose}circuit")
        if strays := [s.target for s in self.streams if s.succeeded and not s.on_circuit]:
            found.append(f"{whose}streams went another way: {', '.join(strays)}")
        return tuple(found)

    def _leg_faults(self, wanted: Sequence[str]) -> list[str]:
        """What contradicts "these were two circuits of one set, over the relays `wanted`"."""
        found = []
        if len(self.legs) != SET_LEGS or any(leg.purpose != LINKED for leg in self.legs):
            told = ", ".join(f"{'-'.join(leg.path)} ({leg.purpose})" for leg in self.legs)
            found.append(f"the Conflux set was not {SET_LEGS} linked circuits: {told}")
        if len({leg.conflux_id for leg in self.legs}) > 1:
            found.append("the circuits were of different Conflux sets")
        for leg in self.legs:
            if not set(leg.path) <= set(wanted) or leg.path[-1:] != tuple(wanted[-1:]):
                found.append(f"a circuit was {'-'.join(leg.path)}, not over {' '.join(wanted)}")
        inner = [relay for leg in self.legs for relay in leg.path[:-1]]
        if len(set(inner)) < len(inner):
            found.append("the circuits of the Conflux set share more than their exit")
        return found


@dataclass(frozen=True, slots=True)
class PathsState(Event):
    """Several pinned circuits at one moment, each with its own streams.

    What went over none of them, or over circuits beside them, is the first one's.
    """

    circuits: tuple[CircuitState, ...]


@dataclass(frozen=True, slots=True)
class ReadEntry(Order):
    """Tell how this node's machine is connected with others: `EntrySeen`."""


@dataclass(frozen=True, slots=True)
class EntrySeen(Event):
    """How a client enters the network, as its node's kernel shows it at one moment."""

    sockets: tuple[TcpSocket, ...]
    """Of the machine, with other machines: those that listen apart."""
    obfs4proxies: tuple[int, ...]
    """Process ids of the obfs4proxy that the client has started."""
    listed: tuple[str, ...]
    """Of the client's bridges those that the consensus lists, which makes them relays."""


CIRCUITS = Dialogue(
    "tor.circuits",
    orders=(
        *(ReadStatus, CrossRelays, ReadEntry),
        *(PinCircuit, LinkCircuits, ReadCircuit, CloseCircuit),
        *(PinPaths, ReadPaths),
    ),
    events=(TorStatus, RelaysCrossed, CircuitState, PathsState, CircuitClosed, EntrySeen),
)
