"""Gives every stream of this node's tor client a circuit of its own, over the same relays.

Each new stream waits for its circuit, which is built for it and ends with it. All circuits end
with the input, and tor attaches streams by itself again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

import stem
from stem import CircStatus, StreamStatus
from stem.control import Controller, EventType
from stem.response.events import CircuitEvent, StreamEvent

from lab.agents.tor.control import ControlError, connect, follow
from lab.agents.tor.node import files_from, read_network
from lab.agents.tor.pinned import DIRECTORY_PURPOSES, LEAVE_STREAMS
from lab.wire.line import Line
from lab.wire.messages import Failed
from lab.wire.stream_circuits import STREAM_CIRCUITS, RouteStreams, StreamsRouted


class StreamCircuits:
    """The circuits, each with its stream."""

    def __init__(
        self, controller: Controller, path: Sequence[str], complain: Callable[[str], None]
    ) -> None:
        """`path`: fingerprints from guard to exit; `complain` is told of streams left without."""
        self._controller = controller
        self._path = list(path)
        self._complain = complain
        self._streams: dict[str, str] = {}
        """Circuit → the stream it is for."""
        self._lock = threading.Lock()
        self._unfollow: list[Callable[[], None]] = []

    def begin(self) -> None:
        """Take over all streams that come from now on."""
        for kind, handle in (
            (EventType.STREAM, self._on_stream),
            (EventType.CIRC, self._on_circuit),
        ):
            self._unfollow.append(follow(self._controller, kind, handle, self._complain))
        self._controller.set_conf(LEAVE_STREAMS, "1")

    def end(self) -> None:
        """Give streams back to tor and end the circuits."""
        for unfollow in self._unfollow:
            unfollow()
        self._controller.reset_conf(LEAVE_STREAMS)
        for circuit in list(self._streams):
            self._close_circuit(circuit)

    def _on_stream(self, event: StreamEvent) -> None:
        if event.status == StreamStatus.NEW and event.purpose not in DIRECTORY_PURPOSES:
            try:
                with self._lock:
                    # Held while tor is asked: the circuit may be built before its id is known here.
                    circuit = str(self._controller.extend_circuit("0", self._path))
                    self._streams[circuit] = event.id
            except stem.ControllerError as error:
                self._complain(f"no circuit for the stream to {event.target}: {error}")
                self._close_stream(event.id)
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
            try:
                self._controller.attach_stream(stream, event.id)
            except stem.ControllerError as error:
                self._complain(f"a stream was not attached to its circuit: {error}")
                self._close_stream(stream)
        elif event.status in {CircStatus.FAILED, CircStatus.CLOSED}:
            self._streams.pop(event.id, None)
            self._close_stream(stream)

    def _close_stream(self, stream: str) -> None:
        with suppress(stem.ControllerError):  # It had ended before.
            self._controller.close_stream(stream)

    def _close_circuit(self, circuit: str) -> None:
        self._streams.pop(circuit, None)
        with suppress(stem.ControllerError):  # It had ended before.
            self._controller.close_circuit(circuit)


def main() -> None:
    """Serve one load."""
    files = files_from()
    line = Line(STREAM_CIRCUITS)
    order = line.hear_first(RouteStreams)
    if order is None:
        return
    try:
        path = read_network(files).fingerprints_of(order.path)
        controller = connect(files)
    except (LookupError, ControlError) as error:
        line.say(Failed(str(error)))
        return
    with controller:
        circuits = StreamCircuits(controller, path, lambda why: line.say(Failed(why)))
        circuits.begin()
        line.say(StreamsRouted())
        try:
            line.wait_for_end()
        finally:
            circuits.end()


if __name__ == "__main__":
    main()
