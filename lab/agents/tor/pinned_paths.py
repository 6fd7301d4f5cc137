"""Several circuits, over named relays, that carry the streams of a call in turn."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from stem import CircStatus
from stem.control import Controller, EventType
from stem.response.events import CircuitEvent

from lab.agents.tor.builder import CircuitBuilder, CircuitError
from lab.agents.tor.control import follow
from lab.agents.tor.pinned import is_directory_tunnel
from lab.agents.tor.streams import LEAVE_STREAMS, StreamsOnCircuits
from lab.wire.circuits import CircuitState, Path, PathsState
from lab.wire.tor_network import TorNetwork


class PinnedPaths:
    """Built by `build`; then the first stream goes over the first of them, and so on."""

    def __init__(
        self,
        controller: Controller,
        builder: CircuitBuilder,
        network: TorNetwork,
        targets: Sequence[str],
        complain: Callable[[str], None],
    ) -> None:
        """`targets`: the `address:port` streams may go to."""
        self._controller = controller
        self._builder = builder
        self._network = network
        self._streams = StreamsOnCircuits(controller, targets, in_turn=True)
        self._complain = complain
        self._circuits: list[str] = []
        self._build_ms: dict[str, float] = {}
        self._unfollow: Callable[[], None] = lambda: None

    def build(self, paths: Sequence[Path], timeout_s: float) -> PathsState:
        """End every other circuit, build these side by side.

        CircuitError, with its number from 1, for one that tor cannot.
        """
        handle = self._streams.on_stream
        self._unfollow = follow(self._controller, EventType.STREAM, handle, self._complain)
        self._controller.set_conf(LEAVE_STREAMS, "1")
        for other in self._controller.get_circuits():
            if not is_directory_tunnel(other):
                self._builder.close(other.id)
        deadline = time.monotonic() + timeout_s
        for path in paths:
            self._circuits.append(self._builder.launch(self._network.fingerprints_of(path)))
        for number, (circuit, path) in enumerate(zip(self._circuits, paths, strict=True), start=1):
            try:
                left_s = max(0.0, deadline - time.monotonic())
                self._build_ms[circuit] = self._builder.wait_built(circuit, left_s)
            except CircuitError as error:
                raise CircuitError(f"path {number}, {'-'.join(path)}: {error}") from error
        self._streams.attach_to(self._circuits)
        return self.states()

    def states(self) -> PathsState:
        """Each circuit as tor reports it now, with its streams; the first has all others, too."""
        there = {circuit.id: circuit for circuit in self._controller.get_circuits()}
        others = tuple(
            self._path(circuit)
            for circuit in there.values()
            if circuit.id not in self._circuits and not is_directory_tunnel(circuit)
        )
        return PathsState(
            tuple(
                self._state(circuit, there.get(circuit), () if place else others)
                for place, circuit in enumerate(self._circuits)
            )
        )

    def release(self) -> None:
        """End the circuits and let tor attach streams again."""
        self._unfollow()
        self._controller.reset_conf(LEAVE_STREAMS)
        for circuit in self._circuits:
            self._builder.close(circuit)

    def _state(
        self, number: str, circuit: CircuitEvent | None, others: tuple[Path, ...]
    ) -> CircuitState:
        return CircuitState(
            path=self._path(circuit) if circuit else (),
            built=circuit is not None and circuit.status == CircStatus.BUILT,
            ended=self._builder.ended(number),
            build_ms=self._build_ms[number],
            streams=self._streams.seen_on(number),
            others=others,
            number=number,
        )

    def _path(self, circuit: CircuitEvent) -> Path:
        return self._network.names_of(hop[0] for hop in circuit.path)
