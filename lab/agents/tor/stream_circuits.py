"""Gives every stream of this node's tor client a circuit of its own, over the same relays.

Each new stream waits for its circuit, which is built for it and ends with it. All circuits end
with the input, and tor attaches streams by itself again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import stem
from stem import CircStatus, StreamStatus
from stem.control import Controller
from stem.response.events import CircuitEvent, StreamEvent

from lab.agents.tor.streams import DIRECTORY_PURPOSES
from lab.agents.tor.taking import StreamTaker, take_streams
from lab.wire.stream_circuits import STREAM_CIRCUITS, RouteStreams
from lab.wire.tor_network import TorNetwork


class StreamCircuits(StreamTaker):
    """The circuits, each with its stream."""

    def __init__(
        self, controller: Controller, path: Sequence[str], complain: Callable[[str], None]
    ) -> None:
        """`path`: fingerprints from guard to exit; `complain` is told of streams left without."""
        super().__init__(controller, complain)
        self._path = list(path)
        self._streams: dict[str, str] = {}
        """Circuit → the stream it is for."""

    def circuits(self) -> Iterable[str]:
        """See `StreamTaker`."""
        return self._streams

    def on_stream(self, event: StreamEvent) -> None:
        """See `StreamTaker`."""
        if event.status == StreamStatus.NEW and event.purpose not in DIRECTORY_PURPOSES:
            try:
                circuit = str(self.controller.extend_circuit("0", self._path))
                self._streams[circuit] = event.id
            except stem.ControllerError as error:
                self.complain(f"no circuit for the stream to {event.target}: {error}")
                self.close_stream(event.id)
        elif event.status in {StreamStatus.CLOSED, StreamStatus.FAILED, StreamStatus.DETACHED}:
            for circuit, stream in list(self._streams.items()):
                if stream == event.id:
                    self._streams.pop(circuit, None)
                    self.close_circuit(circuit)

    def on_circuit(self, event: CircuitEvent) -> None:
        """See `StreamTaker`."""
        stream = self._streams.get(event.id)
        if stream is None:
            return
        if event.status == CircStatus.BUILT:
            self.attach(stream, event.id)
        elif event.status in {CircStatus.FAILED, CircStatus.CLOSED}:
            self._streams.pop(event.id, None)
            self.close_stream(stream)


def _made(
    order: RouteStreams,
    network: TorNetwork,
    controller: Controller,
    complain: Callable[[str], None],
) -> StreamCircuits:
    return StreamCircuits(controller, network.fingerprints_of(order.path), complain)


def main() -> None:
    """Serve one load."""
    take_streams(STREAM_CIRCUITS, RouteStreams, _made)


if __name__ == "__main__":
    main()
