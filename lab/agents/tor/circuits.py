"""Builds, pins and reads back the circuits of the tor client in this node.

Orders and answers are JSON lines; every order gets exactly one answer, `{"error": …}` where
it could not be done. Relays are named by fingerprint.

`{"op": "status"}`                         how far the network has come, see `status`
`{"op": "verify", "relays": […]}`          a circuit through every relay, closed again
`{"op": "pin", "path": […], "targets": […]}`  one circuit, and no other; see `Pin`
`{"op": "read"}`                           what became of the pinned circuit
`{"op": "close"}`                          ends the pinned circuit
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import stem
from stem.connection import AuthenticationFailure
from stem.control import Controller

from lab.agents.tor.builder import CircuitBuilder, CircuitError, covering_paths
from lab.agents.tor.node import Network, Place, fetch, place_from, read_network
from lab.agents.tor.pinned import Pin
from lab.wire.lines import hear, say

BUILD_TIMEOUT_S = 10.0


class Circuits:
    """The state of one agent: its connection to tor, once there is one, and the pin."""

    def __init__(self, place: Place, network: Network) -> None:
        self._place = place
        self._network = network
        self._controller: Controller | None = None
        self._builder: CircuitBuilder | None = None
        self._pin: Pin | None = None

    def answer(self, order: dict[str, Any]) -> dict[str, Any]:
        """Do what `order` says; CircuitError or stem's errors where that does not work."""
        match order.get("op"):
            case "status":
                return self.status()
            case "verify":
                return {"circuits": self._verify(order["relays"])}
            case "pin":
                return self._pin_circuit(order["path"], order.get("targets"))
            case "read":
                return self._pinned().read()
            case "close":
                self.release()
                return {"closed": True}
            case unknown:
                raise CircuitError(f"no such order: {unknown!r}")

    def status(self) -> dict[str, Any]:
        """How far the network has come, as seen from here.

        `known` are the relays the authority has heard of, null where it does not answer;
        it is asked only as long as there is no client. The rest is the client's view.
        """
        try:
            controller = self._connected()[0]
        except CircuitError:
            descriptors = fetch(self._network.directory, "/tor/server/all")
            return {
                "known": None if descriptors is None else described_relays(descriptors),
                "client": False,
            }
        try:
            consensus = [entry.fingerprint for entry in controller.get_network_statuses()]
        except stem.DescriptorUnavailable:
            consensus = []
        return {
            "known": None,
            "client": True,
            "version": str(controller.get_version()),
            "bootstrap": controller.get_info("status/bootstrap-phase"),
            "valid_after": controller.get_info("consensus/valid-after", None),
            "consensus": consensus,
            "descriptors": [
                relay for relay in consensus if controller.get_info(f"desc/id/{relay}", "")
            ],
        }

    def release(self) -> None:
        """End the pinned circuit, if there is one, and give streams back to tor."""
        if self._pin is not None:
            # Where tor has ended, so has the circuit.
            with suppress(stem.SocketError):
                self._pin.release()
            self._pin = None

    def _verify(self, relays: list[str]) -> list[dict[str, Any]]:
        """Each circuit's path and build time, ms; `error` where it could not be built."""
        _, builder = self._connected()
        deadline = time.monotonic() + BUILD_TIMEOUT_S
        circuits = [(path, builder.launch(path)) for path in covering_paths(relays)]
        results: list[dict[str, Any]] = []
        for path, circuit in circuits:
            try:
                build_ms = builder.wait_built(circuit, deadline - time.monotonic())
                results.append({"path": path, "build_ms": build_ms})
            except CircuitError as error:
                results.append({"path": path, "error": str(error)})
            builder.close(circuit)
        return results

    def _pin_circuit(self, path: list[str], targets: list[str] | None) -> dict[str, Any]:
        controller, builder = self._connected()
        self.release()
        self._pin = Pin(controller, builder, targets)
        try:
            return self._pin.build(path, BUILD_TIMEOUT_S)
        except CircuitError:
            self.release()
            raise

    def _pinned(self) -> Pin:
        if self._pin is None:
            raise CircuitError("no circuit is pinned")
        return self._pin

    def _connected(self) -> tuple[Controller, CircuitBuilder]:
        if self._controller is None or self._builder is None or not self._controller.is_alive():
            try:
                controller = Controller.from_socket_file(str(self._place.control_socket))
                controller.authenticate()
            except (stem.SocketError, AuthenticationFailure) as error:
                raise CircuitError("the tor client does not run (yet)") from error
            self._controller, self._builder = controller, CircuitBuilder(controller)
        return self._controller, self._builder


def described_relays(descriptors: bytes) -> list[str]:
    """The fingerprints in a list of server descriptors."""
    return [
        line.removeprefix("fingerprint ").replace(" ", "")
        for line in descriptors.decode("utf-8", "replace").splitlines()
        if line.startswith("fingerprint ")
    ]


def main() -> None:
    """Answer orders until standard input ends."""
    place = place_from()
    circuits = Circuits(place, read_network(place))
    while (order := hear()) is not None:
        try:
            say(circuits.answer(order))
        except CircuitError as error:
            say({"error": str(error)})
        except (stem.ControllerError, KeyError) as error:
            say({"error": f"{type(error).__name__}: {error}"})
    circuits.release()


if __name__ == "__main__":
    main()
