"""Builds, pins and reads back the circuits of the tor client in this node."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress

import stem
from stem.control import Controller

from lab.agents.net.processes import processes_called
from lab.agents.tor.bridge_status import is_listed
from lab.agents.tor.builder import CircuitBuilder, CircuitError, covering_paths
from lab.agents.tor.control import ControlError, connect
from lab.agents.tor.entry import entry_seen
from lab.agents.tor.linked import LinkedSet
from lab.agents.tor.node import TorFiles, fetch, files_from, read_network
from lab.agents.tor.pinned import Pin
from lab.agents.tor.pinned_paths import PinnedPaths
from lab.wire.bridges import OBFS4PROXY
from lab.wire.circuits import (
    CIRCUITS,
    CircuitClosed,
    CircuitState,
    ClientStatus,
    CloseCircuit,
    CrossRelays,
    LinkCircuits,
    PathsState,
    PinCircuit,
    PinPaths,
    ReadCircuit,
    ReadEntry,
    ReadPaths,
    ReadStatus,
    RelaysCrossed,
    TorStatus,
    TriedCircuit,
)
from lab.wire.line import Line
from lab.wire.messages import Event, Failed, Order
from lab.wire.tor_network import TorNetwork

BUILD_TIMEOUT_S = 10.0
LINK_TIMEOUT_S = 30.0
"""tor looks once a second whether it has the set that it should have, and tries again."""


class Circuits:
    """The state of one agent: its connection to tor, once there is one, and the pin."""

    def __init__(
        self, files: TorFiles, network: TorNetwork, complain: Callable[[str], None]
    ) -> None:
        """`complain` is told what goes wrong between orders."""
        self._files = files
        self._network = network
        self._complain = complain
        self._controller: Controller | None = None
        self._builder: CircuitBuilder | None = None
        self._pin: Pin | LinkedSet | PinnedPaths | None = None

    def answer(self, order: Order) -> Event:
        """Obey; CircuitError, ControlError, LookupError or stem's errors where it cannot be."""
        match order:
            case ReadStatus() | CrossRelays() | ReadEntry():
                return self._network_seen(order)
            case PinCircuit():
                return self._pin_circuit(order)
            case LinkCircuits():
                return self._link(order)
            case ReadCircuit():
                return self._pinned().state()
            case PinPaths() | ReadPaths():
                return self._paths(order)
            case CloseCircuit():
                self.release()
                return CircuitClosed()
        raise TypeError(f"no order about circuits: {order}")

    def _network_seen(self, order: ReadStatus | CrossRelays | ReadEntry) -> Event:
        match order:
            case ReadStatus():
                return self._status()
            case CrossRelays():
                return RelaysCrossed(tuple(self._cross(order.relays, order.bridges)))
            case ReadEntry():
                return entry_seen(self._listed())

    def release(self) -> None:
        """End the pinned circuit, if there is one, and give streams back to tor."""
        if self._pin is not None:
            # Where tor has ended, so has the circuit.
            with suppress(stem.SocketError):
                self._pin.release()
            self._pin = None

    def _status(self) -> TorStatus:
        try:
            controller = self._connected()[0]
        except ControlError:
            return TorStatus(self._known(), client=None)
        try:
            consensus = [entry.fingerprint for entry in controller.get_network_statuses()]
        except stem.DescriptorUnavailable:
            consensus = []
        there = [relay for relay in consensus if controller.get_info(f"desc/id/{relay}", "")]
        client = ClientStatus(
            version=str(controller.get_version()),
            bootstrap=controller.get_info("status/bootstrap-phase"),
            consensus_valid_after=controller.get_info("consensus/valid-after", None),
            consensus=self._network.names_of(consensus),
            descriptors=self._network.names_of(there),
            bridges=tuple(
                name
                for name, bridge in self._network.bridges.items()
                if controller.get_info(f"desc/id/{bridge}", "")
            ),
            lost=self._lost(),
        )
        return TorStatus(known=None, client=client)

    def _known(self) -> tuple[str, ...] | None:
        """Relays that the authority has heard of; who has bridges speaks to no relay."""
        if self._network.bridges:
            return None
        descriptors = fetch(self._network.directory, "/tor/server/all")
        return None if descriptors is None else self._network.names_of(described(descriptors))

    def _lost(self) -> tuple[str, ...]:
        wanted = any(port.transport == "obfs4" for port in self._network.transports.values())
        return (OBFS4PROXY,) if wanted and not processes_called(OBFS4PROXY) else ()

    def _listed(self) -> tuple[str, ...]:
        controller, bridges = self._connected()[0], self._network.bridges
        return tuple(name for name in bridges if is_listed(controller, bridges[name]))

    def _cross(self, relays: tuple[str, ...], bridges: tuple[str, ...]) -> Iterable[TriedCircuit]:
        _, builder = self._connected()
        deadline = time.monotonic() + BUILD_TIMEOUT_S
        launched = [
            (path, builder.launch(self._network.fingerprints_of(path)))
            for path in covering_paths(relays, bridges)
        ]
        for path, circuit in launched:
            try:
                build_ms = builder.wait_built(circuit, deadline - time.monotonic())
                yield TriedCircuit(path, build_ms)
            except CircuitError as error:
                yield TriedCircuit(path, None, str(error))
            builder.close(circuit)

    def _pin_circuit(self, order: PinCircuit) -> CircuitState:
        controller, builder = self._connected()
        self.release()
        if order.path[0] in self._listed():
            raise CircuitError(f"bridge {order.path[0]} is no bridge: the consensus lists it")
        self._pin = pinned = Pin(controller, builder, self._network, order.targets, self._complain)
        try:
            return pinned.build(order.path, BUILD_TIMEOUT_S)
        except CircuitError:
            self.release()
            raise

    def _link(self, order: LinkCircuits) -> CircuitState:
        controller, builder = self._connected()
        self.release()
        self._pin = pinned = LinkedSet(controller, builder, self._network, order, self._complain)
        try:
            return pinned.build(LINK_TIMEOUT_S)
        except CircuitError:
            self.release()
            raise

    def _paths(self, order: PinPaths | ReadPaths) -> PathsState:
        if isinstance(order, PinPaths):
            controller, builder = self._connected()
            self.release()
            pinned = PinnedPaths(controller, builder, self._network, order.targets, self._complain)
            self._pin = pinned
            try:
                return pinned.build(order.paths, BUILD_TIMEOUT_S)
            except CircuitError:
                self.release()
                raise
        if not isinstance(self._pin, PinnedPaths):
            raise CircuitError("no several circuits are pinned")
        return self._pin.states()

    def _pinned(self) -> Pin | LinkedSet:
        if self._pin is None or isinstance(self._pin, PinnedPaths):
            raise CircuitError("no circuit is pinned")
        return self._pin

    def _connected(self) -> tuple[Controller, CircuitBuilder]:
        if self._controller is None or self._builder is None or not self._controller.is_alive():
            self._controller = connect(self._files)
            self._builder = CircuitBuilder(self._controller, self._complain)
        return self._controller, self._builder


def described(descriptors: bytes) -> list[str]:
    """The fingerprints in a list of server descriptors."""
    return [
        line.removeprefix("fingerprint ").replace(" ", "")
        for line in descriptors.decode("utf-8", "replace").splitlines()
        if line.startswith("fingerprint ")
    ]


def main() -> None:
    """Answer orders until the input ends."""
    files = files_from()
    line = Line(CIRCUITS)
    circuits = Circuits(files, read_network(files), lambda why: line.say(Failed(why)))
    while (order := line.hear()) is not None:
        try:
            line.say(circuits.answer(order))
        except (CircuitError, ControlError, LookupError) as error:
            line.say(Failed(str(error)))
        except stem.ControllerError as error:
            line.say(Failed(f"{type(error).__name__}: {error}"))
    circuits.release()


if __name__ == "__main__":
    main()
