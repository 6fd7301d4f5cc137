"""Every competing stream gets a circuit of its own over the named relays."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import stem
from stem import CircStatus, StreamStatus
from stem.control import EventType

from lab.agents.tor.stream_circuits import StreamCircuits

PATH = ["A" * 40, "B" * 40, "C" * 40]


class Tor:
    """What the agent asks of tor's controller, written down."""

    def __init__(self) -> None:
        self.listeners: dict[Any, Any] = {}
        self.configuration: dict[str, str] = {}
        self.circuits: dict[str, list[str]] = {}
        self.attached: dict[str, str] = {}
        self.closed_streams: list[str] = []
        self.complaints: list[str] = []
        self.refusal: stem.ControllerError | None = None

    def add_event_listener(self, listener: Any, event: Any) -> None:
        self.listeners[event] = listener

    def remove_event_listener(self, listener: Any) -> None:
        self.listeners = {
            event: known for event, known in self.listeners.items() if known != listener
        }

    def set_conf(self, key: str, value: str) -> None:
        self.configuration[key] = value

    def reset_conf(self, key: str) -> None:
        del self.configuration[key]

    def extend_circuit(self, circuit: str, path: list[str]) -> str:
        assert circuit == "0"
        if self.refusal:
            raise self.refusal
        number = str(len(self.circuits) + 1)
        self.circuits[number] = path
        return number

    def attach_stream(self, stream: str, circuit: str) -> None:
        if self.refusal:
            raise self.refusal
        self.attached[stream] = circuit

    def close_stream(self, stream: str) -> None:
        self.closed_streams.append(stream)

    def close_circuit(self, circuit: str) -> None:
        if circuit not in self.circuits:
            raise stem.InvalidArguments("552", "no such circuit")
        del self.circuits[circuit]

    def stream(self, number: str, status: str, purpose: str = "USER") -> None:
        event = SimpleNamespace(id=number, status=status, purpose=purpose, target="10.0.0.9:80")
        self.listeners[EventType.STREAM](event)

    def circuit(self, number: str, status: str) -> None:
        self.listeners[EventType.CIRC](SimpleNamespace(id=number, status=status))


def begun() -> tuple[Tor, StreamCircuits]:
    tor = Tor()
    circuits = StreamCircuits(tor, PATH, tor.complaints.append)
    circuits.begin()
    assert tor.configuration == {"__LeaveStreamsUnattached": "1"}
    return tor, circuits


def test_each_stream_is_attached_when_its_own_circuit_is_built() -> None:
    tor, _ = begun()
    tor.stream("10", StreamStatus.NEW)
    tor.stream("11", StreamStatus.NEW)
    assert tor.circuits == {"1": PATH, "2": PATH}
    assert tor.attached == {}
    tor.circuit("2", CircStatus.BUILT)
    tor.circuit("1", CircStatus.BUILT)
    assert tor.attached == {"10": "1", "11": "2"}


def test_tors_own_streams_and_circuits_are_left_alone() -> None:
    tor, _ = begun()
    tor.stream("10", StreamStatus.NEW, purpose="DIR_FETCH")
    tor.circuit("7", CircStatus.BUILT)
    assert (tor.circuits, tor.attached) == ({}, {})


def test_a_circuit_ends_with_its_stream_and_a_stream_with_its_circuit() -> None:
    tor, _ = begun()
    for number in ("10", "11"):
        tor.stream(number, StreamStatus.NEW)
    tor.stream("10", StreamStatus.CLOSED)
    assert list(tor.circuits) == ["2"]
    tor.circuit("2", CircStatus.FAILED)
    assert tor.closed_streams == ["11"]


def test_the_end_gives_streams_back_to_tor() -> None:
    tor, circuits = begun()
    tor.stream("10", StreamStatus.NEW)
    circuits.end()
    assert (tor.circuits, tor.configuration, tor.listeners) == ({}, {}, {})


def test_a_stream_that_gets_no_circuit_is_closed_and_told_of() -> None:
    tor, _ = begun()
    tor.refusal = stem.InvalidRequest("552", "no such router")
    tor.stream("10", StreamStatus.NEW)
    assert tor.complaints == ["no circuit for the stream to 10.0.0.9:80: no such router"]
    assert tor.closed_streams == ["10"]


def test_a_stream_that_is_not_attached_is_closed_and_told_of() -> None:
    tor, _ = begun()
    tor.stream("10", StreamStatus.NEW)
    tor.refusal = stem.OperationFailed("551", "circuit is not open")
    tor.circuit("1", CircStatus.BUILT)
    assert tor.complaints == ["a stream was not attached to its circuit: circuit is not open"]
    assert tor.closed_streams == ["10"]


def test_what_nobody_foresaw_is_told_of() -> None:
    """stem itself drops what a listener raises."""
    tor, _ = begun()
    tor.listeners[EventType.STREAM](SimpleNamespace(id="10", status=StreamStatus.NEW))
    (complaint,) = tor.complaints
    assert complaint.startswith("AttributeError at an event of tor")
