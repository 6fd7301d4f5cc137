"""The circuits on which an onion service is met, as one tor tells of them while they live."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import stem
from stem import CircStatus
from stem.control import Controller, EventType
from stem.response.events import (
    CircMinorEvent,
    CircuitBandwidthEvent,
    CircuitEvent,
)

from lab.agents.tor.control import follow
from lab.agents.tor.pinned import is_directory_tunnel
from lab.agents.tor.streams import Streams
from lab.wire.onion import (
    JOINED_STATES,
    REND_PURPOSES,
    MetCircuit,
    MetStream,
    RendezvousState,
)
from lab.wire.tor_network import TorNetwork

GONE_DEADLINE_S = 10.0
POLL_S = 0.05
OF_A_SERVICE = "HS_SERVICE_"
INTRODUCTION = "HS_SERVICE_INTRO"


class MeetingError(stem.ControllerError):  # type: ignore[misc]
    """Circuits of earlier meetings did not go away."""


@dataclass(slots=True)
class _Circuit:
    seen_at: float
    purpose: str = ""
    state: str = ""
    path: tuple[str, ...] = ()
    joined_at: float | None = None
    read_bytes: int = 0
    written_bytes: int = 0
    ended: str | None = None


class Meetings:
    """Follows all circuits and streams of a tor; tells of those since `begin`."""

    def __init__(
        self, controller: Controller, network: TorNetwork, complain: Callable[[str], None]
    ) -> None:
        """`complain` is told what goes wrong while nobody waits."""
        self._controller = controller
        self._network = network
        self._lock = threading.Lock()
        self._circuits: dict[str, _Circuit] = {}
        self._streams = Streams()
        self._former: set[str] = set()
        """Circuits of earlier meetings, of whose end tor may tell late."""
        for kind, handle in (
            (EventType.CIRC, self._on_circuit),
            (EventType.CIRC_MINOR, self._on_circuit),
            (EventType.CIRC_BW, self._on_bytes),
            (EventType.STREAM, self._streams.note),
        ):
            follow(controller, kind, handle, complain)

    def begin(self, address: str) -> int:
        """End what there is and forget it; how many circuits that were.

        A service keeps those by which it is found. MeetingError where circuits on which `address`
        was met do not go away.
        """
        closed: set[str] = set()
        deadline = time.monotonic() + GONE_DEADLINE_S
        while left := self._to_close():
            for circuit in left:
                closed.add(circuit)
                with suppress(stem.InvalidArguments):  # It has ended meanwhile.
                    self._controller.close_circuit(circuit)
            if time.monotonic() > deadline:
                raise MeetingError(f"{len(left)} circuits on which {address} was met do not end")
            time.sleep(POLL_S)
        with self._lock:
            self._former |= closed
            self._circuits.clear()
        self._streams.forget()
        return len(closed)

    def introductions(self) -> tuple[str, ...]:
        """The relays at the ends of a service's introduction circuits that stand."""
        ends = {
            circuit.path[-1][0]
            for circuit in self._controller.get_circuits()
            if circuit.purpose == INTRODUCTION and circuit.status == CircStatus.BUILT
        }
        return self._network.names_of(sorted(ends))

    def state(self) -> RendezvousState:
        """Everything since `begin`, with what tor says at this moment."""
        for circuit in self._controller.get_circuits():
            self._on_circuit(circuit)
        with self._lock:
            met = {id_: c for id_, c in self._circuits.items() if c.purpose in REND_PURPOSES}
            others = [c for id_, c in self._circuits.items() if id_ not in met and c.purpose]
            return RendezvousState(
                circuits=tuple(_told(circuit) for circuit in met.values()),
                streams=tuple(
                    MetStream(s.target, s.circuit in met, s.succeeded, s.ended)
                    for s in self._streams.all()
                ),
                other_purposes=tuple(circuit.purpose for circuit in others),
                other_bytes=sum(c.read_bytes + c.written_bytes for c in others),
            )

    def _to_close(self) -> list[str]:
        return [
            circuit.id
            for circuit in self._controller.get_circuits()
            if not is_directory_tunnel(circuit)
            and (circuit.purpose in REND_PURPOSES or not circuit.purpose.startswith(OF_A_SERVICE))
        ]

    def _on_circuit(self, event: CircuitEvent | CircMinorEvent) -> None:
        now = time.monotonic()
        if is_directory_tunnel(event):
            return
        with self._lock:
            if event.id in self._former:
                return
            known = self._circuits.setdefault(event.id, _Circuit(now))
            known.purpose = event.purpose or known.purpose
            known.state = event.hs_state or known.state
            if event.path:
                known.path = self._network.names_of(hop[0] for hop in event.path)
            if known.state in JOINED_STATES and known.joined_at is None:
                known.joined_at = now
            status = getattr(event, "status", None)
            if status in {CircStatus.FAILED, CircStatus.CLOSED}:
                reasons = [event.reason, event.remote_reason]
                known.ended = ", ".join(str(r) for r in reasons if r) or status

    def _on_bytes(self, event: CircuitBandwidthEvent) -> None:
        with self._lock:
            if event.id in self._former:
                return
            known = self._circuits.setdefault(event.id, _Circuit(time.monotonic()))
            known.read_bytes += event.read
            known.written_bytes += event.written


def _told(circuit: _Circuit) -> MetCircuit:
    joined_ms = None
    if circuit.joined_at is not None:
        joined_ms = round((circuit.joined_at - circuit.seen_at) * 1000, 1)
    return MetCircuit(
        path=circuit.path,
        state=circuit.state,
        joined_ms=joined_ms,
        read_bytes=circuit.read_bytes,
        written_bytes=circuit.written_bytes,
        ended=circuit.ended,
    )
