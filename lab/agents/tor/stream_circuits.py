"""Gives every stream of this node's tor client a circuit of its own, over the same relays.

First order: {"path": [fingerprint, …]}, from guard to exit. Event: {"event": "ready"}, or
{"error"}. From then on each new stream waits for its circuit, which is built for it and ends
with it. All circuits end with the input, and tor attaches streams by itself again.
"""

from __future__ import annotations

import threading

import stem
from stem import CircStatus, StreamStatus
from stem.connection import AuthenticationFailure
from stem.control import Controller, EventType
from stem.response.events import CircuitEvent, StreamEvent

from lab.agents.tor.node import place_from
from lab.agents.tor.pinned import DIRECTORY_PURPOSES, LEAVE_STREAMS
from lab.wire.lines import hear, say


class StreamCircuits:
    """The circuits, each with its stream."""

    def __init__(self, controller: Controller, path: list[str]) -> None:
        self._controller = controller
        self._path = path
        self._streams: dict[str, str] = {}
        """Circuit → the stream it is for."""
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Take over all streams that come from now on."""
        self._controller.add_event_listener(self._on_stream, EventType.STREAM)
        self._controller.add_event_listener(self._on_circuit, EventType.CIRC)
        self._controller.set_conf(LEAVE_STREAMS, "1")

    def end(self) -> None:
        """Give streams back to tor and end the circuits."""
        self._controller.remove_event_listener(self._on_stream)
        self._controller.remove_event_listener(self._on_circuit)
        self._controller.reset_conf(LEAVE_STREAMS)
        for circuit in list(self._streams):
            self._close_circuit(circuit)

    def _on_stream(self, event: StreamEvent) -> None:
        if event.status == StreamStatus.NEW and event.purpose not in DIRECTORY_PURPOSES:
            with self._lock:
                # Held while tor is asked: the circuit may be built before its id is known here.
                circuit = str(self._controller.extend_circuit("0", self._path))
                self._streams[circuit] = event.id
        elif event.status in {StreamStatus.CLOSED, StreamStatus.FAILED, StreamStatus.DETACHED}:
            for circuit, stream in list(self._streams.items()):
                if stream == event.id:
                    self._close_circuit(circuit)

    def _on_circuit(self, event: CircuitEvent) -> None:
        with self._lock:
            stream = self._streams.get(event.id)
        if stream is None:
            return
        if event.status == CircStatus.BUILT:
            self._controller.attach_stream(stream, event.id)
        elif event.status in {CircStatus.FAILED, CircStatus.CLOSED}:
            self._streams.pop(event.id, None)
            try:
                self._controller.close_stream(stream)
            except stem.ControllerError:
                return  # it had ended before

    def _close_circuit(self, circuit: str) -> None:
        self._streams.pop(circuit, None)
        try:
            self._controller.close_circuit(circuit)
        except stem.ControllerError:
            return  # it had ended before


def main() -> None:
    """Serve one load."""
    order = hear()
    if order is None:
        return
    try:
        controller = Controller.from_socket_file(str(place_from().control_socket))
        controller.authenticate()
    except (stem.SocketError, AuthenticationFailure) as error:
        say({"error": f"the tor client does not answer: {error}"})
        return
    with controller:
        circuits = StreamCircuits(controller, order["path"])
        circuits.begin()
        say({"event": "ready"})
        try:
            hear()
        finally:
            circuits.end()


if __name__ == "__main__":
    main()
