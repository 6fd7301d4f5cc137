"""The streams of this node's tor: what became of each, and on which circuits they go."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import stem
from stem import StreamStatus
from stem.control import Controller
from stem.response.events import StreamEvent

from lab.wire.circuits import CircuitStream

LEAVE_STREAMS = "__LeaveStreamsUnattached"
DIRECTORY_PURPOSES = {"DIR_FETCH", "DIR_UPLOAD"}
"""Streams of tor itself, on one-hop circuits of their own; tor attaches them."""
UNATTACHED = "0"


@dataclass(slots=True)
class Stream:
    """A stream that appeared while streams were followed."""

    target: str
    """`address:port`."""
    circuit: str | None = None
    succeeded: bool = False
    ended: str | None = None
    """tor's reason for its end, or why it was refused here."""


class Streams:
    """What tor tells of streams, those of its own apart."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._streams: dict[str, Stream] = {}

    def all(self) -> tuple[Stream, ...]:
        """Those so far."""
        with self._lock:
            return tuple(self._streams.values())

    def forget(self) -> None:
        """Begin anew."""
        with self._lock:
            self._streams.clear()

    def note(self, event: StreamEvent) -> Stream | None:
        """The stream that an event is about; None for one that was not seen to begin."""
        with self._lock:
            # tor names the purpose of a stream only when it is new.
            if is_new(event) and event.purpose not in DIRECTORY_PURPOSES:
                self._streams[event.id] = Stream(event.target)
            stream = self._streams.get(event.id)
            if stream is None:
                return None
            if event.circ_id and event.circ_id != UNATTACHED:
                stream.circuit = event.circ_id
            if event.status == StreamStatus.SUCCEEDED:
                stream.succeeded = True
            elif event.status in {StreamStatus.CLOSED, StreamStatus.FAILED}:
                reasons = [event.reason, event.remote_reason]
                stream.ended = stream.ended or ", ".join(str(r) for r in reasons if r)
            return stream


def is_new(event: StreamEvent) -> bool:
    """Whether the stream has just begun."""
    return event.status in {StreamStatus.NEW, StreamStatus.NEWRESOLVE}


class StreamsOnCircuits:
    """Every stream that comes, attached to a circuit of the call or refused."""

    def __init__(
        self, controller: Controller, targets: Sequence[str] | None, *, in_turn: bool = False
    ) -> None:
        """`targets`: the `address:port` streams may go to; None allows them all.

        `in_turn`: each stream goes over the next circuit, not all over the first.
        """
        self._controller = controller
        self._targets = targets
        self._in_turn = in_turn
        self._attached = 0
        self._circuits: tuple[str, ...] = ()
        self._streams = Streams()

    def attach_to(self, circuits: Sequence[str]) -> None:
        """Attach the streams from now on to these, all the call's: to the first, or in turn."""
        self._circuits = tuple(circuits)

    def seen(self) -> tuple[CircuitStream, ...]:
        """The streams so far."""
        return tuple(self._told(stream) for stream in self._streams.all())

    def seen_on(self, circuit: str) -> tuple[CircuitStream, ...]:
        """Those of one of the circuits; with the first one's, those of none of them."""
        first = circuit == self._circuits[0]
        return tuple(
            self._told(stream)
            for stream in self._streams.all()
            if stream.circuit == circuit or (first and stream.circuit not in self._circuits)
        )

    def _told(self, stream: Stream) -> CircuitStream:
        return CircuitStream(
            target=stream.target,
            on_circuit=stream.circuit in self._circuits,
            succeeded=stream.succeeded,
            ended=stream.ended,
        )

    def on_stream(self, event: StreamEvent) -> None:
        """Note what tor tells of a stream, and attach a new one."""
        stream = self._streams.note(event)
        if stream is None:
            return
        try:
            if is_new(event):
                self._attach(event, stream)
            elif event.status == StreamStatus.DETACHED:
                self._controller.close_stream(event.id)
        except stem.ControllerError as error:
            stream.ended = stream.ended or str(error)

    def _attach(self, event: StreamEvent, stream: Stream) -> None:
        if self._targets is not None and event.target not in self._targets:
            stream.ended = "refused: not a target of this call"
            self._controller.close_stream(event.id)
        elif not self._circuits:
            stream.ended = "refused: the circuit is not built yet"
            self._controller.close_stream(event.id)
        else:
            place = self._attached % len(self._circuits) if self._in_turn else 0
            self._attached += 1
            self._controller.attach_stream(event.id, self._circuits[place])
