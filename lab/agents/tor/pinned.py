"""Exactly one circuit, over named relays, that carries every stream of a call."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from stem import CircBuildFlag, CircStatus
from stem.control import Controller, EventType
from stem.response.events import CircuitEvent

from lab.agents.tor.builder import CircuitBuilder
from lab.agents.tor.control import follow
from lab.agents.tor.streams import LEAVE_STREAMS, StreamsOnCircuits
from lab.wire.circuits import CircuitState
from lab.wire.tor_network import TorNetwork


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
        self._streams = StreamsOnCircuits(controller, targets)
        self._complain = complain
        self._circuit: str | None = None
        self._build_ms = 0.0
        self._unfollow: Callable[[], None] = lambda: None

    def build(self, path: Sequence[str], timeout_s: float) -> CircuitState:
        """End every other circuit, build this one; CircuitError where tor cannot."""
        fingerprints = self._network.fingerprints_of(path)
        handle = self._streams.on_stream
        self._unfollow = follow(self._controller, EventType.STREAM, handle, self._complain)
        self._controller.set_conf(LEAVE_STREAMS, "1")
        for other in self._controller.get_circuits():
            if not is_directory_tunnel(other):
                self._builder.close(other.id)
        circuit = self._builder.launch(fingerprints)
        self._build_ms = self._builder.wait_built(circuit, timeout_s)
        self._circuit = circuit
        self._streams.attach_to([circuit])
        return self.state()

    def state(self) -> CircuitState:
        """The circuit as tor reports it now, its streams so far, and every other circuit."""
        others, own = [], None
        for circuit in self._controller.get_circuits():
            if circuit.id == self._circuit:
                own = circuit
            elif not is_directory_tunnel(circuit):
                others.append(self._path(circuit))
        return CircuitState(
            path=self._path(own) if own else (),
            built=own is not None and own.status == CircStatus.BUILT,
            ended=self._builder.ended(self._circuit) if self._circuit else None,
            build_ms=self._build_ms,
            streams=self._streams.seen(),
            others=tuple(others),
            number=self._circuit,
        )

    def _path(self, circuit: CircuitEvent) -> tuple[str, ...]:
        return self._network.names_of(hop[0] for hop in circuit.path)

    def release(self) -> None:
        """End the circuit and let tor attach streams again."""
        self._unfollow()
        self._controller.reset_conf(LEAVE_STREAMS)
        if self._circuit is not None:
            self._builder.close(self._circuit)


def is_directory_tunnel(circuit: CircuitEvent) -> bool:
    """Whether tor made this one-hop circuit to talk to a directory."""
    return CircBuildFlag.ONEHOP_TUNNEL in (circuit.build_flags or ())
