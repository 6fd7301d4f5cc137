"""Taking over the streams of this node's tor: they go on circuits that are built for them here.

Tor attaches none by itself meanwhile; at the end all these circuits end, and it does again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TypeVar

import stem
from stem.control import Controller, EventType
from stem.response.events import CircuitEvent, StreamEvent

from lab.agents.tor.control import ControlError, connect, follow
from lab.agents.tor.node import files_from, read_network
from lab.agents.tor.streams import LEAVE_STREAMS
from lab.wire.line import Line
from lab.wire.messages import Dialogue, Failed, Order
from lab.wire.stream_circuits import StreamsRouted
from lab.wire.tor_network import TorNetwork

OrderT = TypeVar("OrderT", bound=Order)


class StreamTaker(ABC):
    """Hears of every stream and circuit.

    stem tells of one after the other, in one thread: while tor is asked for a circuit, none is said
    to be built.
    """

    def __init__(self, controller: Controller, complain: Callable[[str], None]) -> None:
        """`complain` is told of what went wrong."""
        self.controller = controller
        self.complain = complain
        self._unfollow: list[Callable[[], None]] = []

    @abstractmethod
    def on_stream(self, event: StreamEvent) -> None:
        """A stream has come, gone or changed."""

    @abstractmethod
    def on_circuit(self, event: CircuitEvent) -> None:
        """A circuit has changed, perhaps one of others."""

    @abstractmethod
    def circuits(self) -> Iterable[str]:
        """The ids of those that were built here and are still there."""

    def begin(self) -> None:
        """Take over all streams that come from now on."""
        for kind, handle in (
            (EventType.STREAM, self.on_stream),
            (EventType.CIRC, self.on_circuit),
        ):
            self._unfollow.append(follow(self.controller, kind, handle, self.complain))
        self.controller.set_conf(LEAVE_STREAMS, "1")

    def end(self) -> None:
        """Give streams back to tor and end the circuits."""
        for unfollow in self._unfollow:
            unfollow()
        self.controller.reset_conf(LEAVE_STREAMS)
        for circuit in list(self.circuits()):
            self.close_circuit(circuit)

    def attach(self, stream: str, circuit: str) -> None:
        """Have tor send a stream over a circuit; where it does not, the stream is closed."""
        try:
            self.controller.attach_stream(stream, circuit)
        except stem.ControllerError as error:
            self.complain(f"a stream was not attached to its circuit: {error}")
            self.close_stream(stream)

    def close_stream(self, stream: str) -> None:
        """End a stream, if it has not ended before."""
        with suppress(stem.ControllerError):
            self.controller.close_stream(stream)

    def close_circuit(self, circuit: str) -> None:
        """End a circuit, if it has not ended before."""
        with suppress(stem.ControllerError):
            self.controller.close_circuit(circuit)


def take_streams(
    dialogue: Dialogue,
    kind: type[OrderT],
    make: Callable[
        [OrderT, TorNetwork, Controller, Callable[[str], None]],
        StreamTaker,
    ],
) -> None:
    """Serve one load: what `make` makes of its order has the streams until the input ends.

    LookupError of `make` is told as the reason for a failure.
    """
    files = files_from()
    line = Line(dialogue)
    order = line.hear_first(kind)
    if order is None:
        return
    try:
        network = read_network(files)
        controller = connect(files)
    except ControlError as error:
        line.say(Failed(str(error)))
        return
    with controller:
        try:
            taker = make(order, network, controller, lambda why: line.say(Failed(why)))
        except LookupError as error:
            line.say(Failed(str(error)))
            return
        taker.begin()
        line.say(StreamsRouted())
        try:
            line.wait_for_end()
        finally:
            taker.end()
