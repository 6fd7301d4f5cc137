"""One Conflux set, two circuits to one exit, that carries every stream of a call.

No controller can launch a Conflux circuit (control-spec: EXTENDCIRCUIT knows no such purpose): tor
builds sets itself, in advance. So tor is told from which relays, with EntryNodes, MiddleNodes and
ExitNodes, and let build one; which guard goes with which middle is its own choice. What it built is
read back: the circuits of one set have one CONFLUX_ID.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from stem.control import Controller, EventType
from stem.response.events import CircuitBandwidthEvent, CircuitEvent

from lab.agents.tor.builder import CircuitBuilder, CircuitError
from lab.agents.tor.control import follow
from lab.agents.tor.pinned import is_directory_tunnel
from lab.agents.tor.streams import LEAVE_STREAMS, StreamsOnCircuits
from lab.wire.circuits import LINKED, SET_LEGS, CircuitState, Leg, LinkCircuits
from lab.wire.tor_network import TorNetwork

PREDICTED = "__DisablePredictedCircuits"
POLL_S = 0.1


class LinkedSet:
    """The set of one call: built by `build`, then attached to every stream that comes."""

    def __init__(
        self,
        controller: Controller,
        builder: CircuitBuilder,
        network: TorNetwork,
        order: LinkCircuits,
        complain: Callable[[str], None],
    ) -> None:
        self._controller = controller
        self._builder = builder
        self._network = network
        self._order = order
        self._streams = StreamsOnCircuits(controller, order.targets)
        self._complain = complain
        self._legs: tuple[str, ...] = ()
        """The circuits of the set, by tor's ids."""
        self._build_ms = 0.0
        self._carried: dict[str, tuple[int, int]] = {}
        """Circuit → bytes sent and received."""
        self._lock = threading.Lock()
        self._unfollow: list[Callable[[], None]] = []

    def build(self, timeout_s: float) -> CircuitState:
        """End every other circuit and have tor build the set; CircuitError where it does not."""
        order, names = self._order, self._network.fingerprints_of
        for kind, handle in (
            (EventType.STREAM, self._streams.on_stream),
            (EventType.CIRC_BW, self._on_bandwidth),
        ):
            self._unfollow.append(follow(self._controller, kind, handle, self._complain))
        self._close_others()
        started = time.monotonic()
        self._controller.set_options(
            {
                LEAVE_STREAMS: "1",
                "UseEntryGuards": "1",
                "EntryNodes": ",".join(names(order.guards)),
                "MiddleNodes": ",".join(names(order.middles)),
                "ExitNodes": ",".join(names([order.exit])),
                "StrictNodes": "1",
                PREDICTED: "0",
            }
        )
        try:
            while len(legs := self._linked()) < SET_LEGS:
                if time.monotonic() - started > timeout_s:
                    raise CircuitError(self._what_there_is(len(legs), timeout_s))
                time.sleep(POLL_S)
        finally:
            # From now on nothing is built beside the set.
            self._controller.set_conf(PREDICTED, "1")
        self._build_ms = round((time.monotonic() - started) * 1000, 1)
        self._legs = tuple(leg.id for leg in legs)
        self._streams.attach_to(self._legs)
        self._close_others()
        return self.state()

    def state(self) -> CircuitState:
        """The set as tor reports it now, its streams so far, and every other circuit."""
        there = {circuit.id: circuit for circuit in self._controller.get_circuits()}
        legs = [there[leg] for leg in self._legs if leg in there]
        others = [
            self._path(circuit)
            for circuit in there.values()
            if circuit.id not in self._legs and not is_directory_tunnel(circuit)
        ]
        gone = [leg for leg in self._legs if leg not in there]
        return CircuitState(
            path=self._path(legs[0]) if legs else (),
            built=bool(legs),
            ended=f"{len(gone)} circuits of the Conflux set ended" if gone else None,
            build_ms=self._build_ms,
            streams=self._streams.seen(),
            others=tuple(others),
            legs=tuple(self._leg(circuit) for circuit in legs),
        )

    def release(self) -> None:
        """End the set and let tor be as its torrc says."""
        for unfollow in self._unfollow:
            unfollow()
        self._controller.reset_conf(
            LEAVE_STREAMS,
            *("UseEntryGuards", "EntryNodes", "MiddleNodes", "ExitNodes", "StrictNodes"),
        )
        for leg in self._legs:
            self._builder.close(leg)

    def _linked(self) -> list[CircuitEvent]:
        """The circuits of the one set that is linked, so far."""
        sets: dict[str, list[CircuitEvent]] = {}
        for circuit in self._controller.get_circuits():
            if circuit.purpose == LINKED:
                sets.setdefault(_conflux_id(circuit), []).append(circuit)
        return max(sets.values(), key=len, default=[])

    def _what_there_is(self, linked: int, timeout_s: float) -> str:
        """Why the set cannot be used, as far as tor tells."""
        there = [
            f"{circuit.purpose} {'-'.join(self._path(circuit)) or '(no hop yet)'} {circuit.status}"
            for circuit in self._controller.get_circuits()
            if not is_directory_tunnel(circuit)
        ]
        return (
            f"tor linked {linked} of {SET_LEGS} circuits of a Conflux set in {timeout_s:.0f} s; "
            f"it has {'; '.join(there) or 'no circuit'}"
        )

    def _close_others(self) -> None:
        for circuit in self._controller.get_circuits():
            if circuit.id not in self._legs and not is_directory_tunnel(circuit):
                self._builder.close(circuit.id)

    def _leg(self, circuit: CircuitEvent) -> Leg:
        with self._lock:
            sent, received = self._carried.get(circuit.id, (0, 0))
        rtt = circuit.keyword_args.get("CONFLUX_RTT")
        return Leg(
            path=self._path(circuit),
            purpose=str(circuit.purpose),
            conflux_id=_conflux_id(circuit),
            sent_bytes=sent,
            received_bytes=received,
            number=circuit.id,
            # control-spec: microseconds.
            rtt_ms=float(rtt) / 1000 if rtt is not None else None,
        )

    def _path(self, circuit: CircuitEvent) -> tuple[str, ...]:
        return self._network.names_of(hop[0] for hop in circuit.path)

    def _on_bandwidth(self, event: CircuitBandwidthEvent) -> None:
        with self._lock:
            sent, received = self._carried.get(event.id, (0, 0))
            self._carried[event.id] = sent + event.written, received + event.read


def _conflux_id(circuit: CircuitEvent) -> str:
    return str(circuit.keyword_args.get("CONFLUX_ID", ""))
