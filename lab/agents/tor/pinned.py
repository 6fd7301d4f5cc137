"""Exactly one circuit, over named relays, that carries every stream of a call."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import stem
from stem import CircBuildFlag, CircStatus, StreamStatus
from stem.control import Controller, EventType
from stem.response.events import CircuitEvent, StreamEvent

from lab.agents.tor.builder import CircuitBuilder
from lab.agents.tor.control import follow
from lab.wire.circuits import CircuitState, CircuitStream
from lab.wire.tor_network import TorNetwork

LEAVE_STREAMS = "__LeaveStreamsUnattached"
DIRECTORY_PURPOSES = {"DIR_FETCH", "DIR_UPLOAD"}
"""Streams of tor itself, on one-hop circuits of their own; tor attaches them."""


@dataclass(slots=True)
class Stream:
    """A stream that appeared while the circuit was pinned."""

    target: str
    """`address:port`."""
    circuit: str | None = None
    succeeded: bool = False
    ended: str | None = None
    """tor's reason for its end, or why it was refused here."""


class Pin:
    """The pinned circuit: built by `build`, then attached to every stream that comes."""

    def __init__(
        self,
        controller: Controller,
        builder: CircuitBuilder,
        network: TorNetwork,
        targets: Sequence[str] | None,
        complain: Callable[[str], None],
    ) -> None:
        """`targets`: the `address:port` streams may go to; None allows them all."""
        self._controller = controller
        self._builder = builder
        self._network = network
        self._targets = targets
        self._complain = complain
        self._circuit: str | None = None
        self._build_ms = 0.0
        self._streams: dict[str, Stream] = {}
        self._lock = threading.Lock()
        self._unfollow: Callable[[], None] = lambda: None

    def build(self, path: Sequence[str], timeout_s: float) -> CircuitState:
        """End every other circuit, build this one; CircuitError where tor cannot."""
        fingerprints = self._network.fingerprints_of(path)
        self._unfollow = follow(self._controller, EventType.STREAM, self._on_stream, self._complain)
        self._controller.set_conf(LEAVE_STREAMS, "1")
        for other in self._controller.get_circuits():
            if not is_directory_tunnel(other):
                self._builder.close(other.id)
        circuit = self._builder.launch(fingerprints)
        self._build_ms = self._builder.wait_built(circuit, timeout_s)
        self._circuit = circuit
        return self.state()

    def state(self) -> CircuitState:
        """The circuit as tor reports it now, its streams so far, and every other circuit."""
        others, own = [], None
        for circuit in self._controller.get_circuits():
            if circuit.id == self._circuit:
                own = circuit
            elif not is_directory_tunnel(circuit):
                others.append(self._path(circuit))
        with self._lock:
            streams = tuple(
                CircuitStream(
                    target=stream.target,
                    on_circuit=stream.circuit == self._circuit,
                    succeeded=stream.succeeded,
                    ended=stream.ended,
                )
                for stream in self._streams.values()
            )
        return CircuitState(
            path=self._path(own) if own else (),
            built=own is not None and own.status == CircStatus.BUILT,
            ended=self._builder.ended(self._circuit) if self._circuit else None,
            build_ms=self._build_ms,
            streams=streams,
            others=tuple(others),
        )

    def _path(self, circuit: CircuitEvent) -> tuple[str, ...]:
        return self._network.names_of(hop[0] for hop in circuit.path)

    def release(self) -> None:
        """End the circuit and let tor attach streams again."""
        self._unfollow()
        self._controller.reset_conf(LEAVE_STREAMS)
        if self._circuit is not None:
            self._builder.close(self._circuit)

    def _on_stream(self, event: StreamEvent) -> None:
        new = event.status in {StreamStatus.NEW, StreamStatus.NEWRESOLVE}
        with self._lock:
            # tor names the purpose of a stream only when it is new.
            if new and event.purpose not in DIRECTORY_PURPOSES:
                self._streams[event.id] = Stream(event.target)
            stream = self._streams.get(event.id)
            if stream is None:
                return
            stream.circuit = event.circ_id or stream.circuit
            if event.status == StreamStatus.SUCCEEDED:
                stream.succeeded = True
            elif event.status in {StreamStatus.CLOSED, StreamStatus.FAILED}:
                reasons = [event.reason, event.remote_reason]
                stream.ended = stream.ended or ", ".join(str(r) for r in reasons if r)
        try:
            if new:
                self._attach(event, stream)
            elif event.status == StreamStatus.DETACHED:
                self._controller.close_stream(event.id)
        except stem.ControllerError as error:
            stream.ended = stream.ended or str(error)

    def _attach(self, event: StreamEvent, stream: Stream) -> None:
        if self._targets is not None and event.target not in self._targets:
            stream.ended = "refused: not a target of this call"
            self._controller.close_stream(event.id)
        elif self._circuit is None:
            stream.ended = "refused: the circuit is not built yet"
            self._controller.close_stream(event.id)
        else:
            self._controller.attach_stream(event.id, self._circuit)


def is_directory_tunnel(circuit: CircuitEvent) -> bool:
    """Whether tor made this one-hop circuit to talk to a directory."""
    return CircBuildFlag.ONEHOP_TUNNEL in (circuit.build_flags or ())
