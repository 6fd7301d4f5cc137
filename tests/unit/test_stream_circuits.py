"""Competing streams on their circuits: one each over the named relays, or those of their users."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import stem
from stem import CircStatus, StreamStatus
from stem.control import Controller, EventType

from lab.agents.tor.stream_circuits import StreamCircuits
from lab.agents.tor.taking import StreamTaker
from lab.agents.tor.user_circuits import UserCircuits

PATH = ["A" * 40, "B" * 40, "C" * 40]
OTHER = ["D" * 40, "E" * 40, "F" * 40]
THIRD = ["G" * 40, "H" * 40, "I" * 40]


class Tor:
    """What the agent asks of tor's controller, written down."""

    def __init__(self) -> None:
        self.listeners: dict[Any, Any] = {}
        self.configuration: dict[str, str] = {}
        self.circuits: dict[str, list[str]] = {}
        self.built: dict[str, list[str]] = {}
        """Also those that have ended."""
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
        number = str(len(self.built) + 1)
        self.circuits[number] = self.built[number] = path
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

    def stream(
        self, number: str, status: str, purpose: str = "USER", source: str | None = None
    ) -> None:
        event = SimpleNamespace(
            id=number, status=status, purpose=purpose, target="10.0.0.9:80", source_address=source
        )
        self.listeners[EventType.STREAM](event)

    def circuit(self, number: str, status: str, path: list[str] | None = None) -> None:
        crossed = [(relay, "name") for relay in path or self.built.get(number, [])]
        event = SimpleNamespace(id=number, status=status, path=crossed)
        self.listeners[EventType.CIRC](event)


def begun(users: dict[str, list[list[str]]] | None = None) -> tuple[Tor, StreamTaker]:
    """With `users`, each has two streams per circuit."""
    tor = Tor()
    circuits: StreamTaker
    if users:
        circuits = UserCircuits(cast(Controller, tor), users, 2, tor.complaints.append)
    else:
        circuits = StreamCircuits(cast(Controller, tor), PATH, tor.complaints.append)
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


ONE, TWO = "127.0.1.1", "127.0.1.2"


def test_each_users_streams_go_over_the_users_own_circuit() -> None:
    tor, _ = begun({ONE: [PATH], TWO: [OTHER]})
    tor.stream("10", StreamStatus.NEW, source=ONE)
    tor.stream("11", StreamStatus.NEW, source=TWO)
    assert tor.circuits == {"1": PATH, "2": OTHER}
    assert tor.attached == {}, "they wait until it is built"
    tor.circuit("2", CircStatus.BUILT)
    tor.circuit("1", CircStatus.BUILT)
    tor.stream("10", StreamStatus.CLOSED)
    tor.stream("12", StreamStatus.NEW, source=ONE)
    assert tor.attached == {"10": "1", "11": "2", "12": "1"}
    assert tor.complaints == []


def test_a_user_takes_the_next_circuit_after_so_many_streams_and_begins_anew_at_the_end() -> None:
    tor, _ = begun({ONE: [PATH, OTHER, THIRD]})
    crossed = []
    for stream in range(10, 18):
        tor.stream(str(stream), StreamStatus.NEW, source=ONE)
        (circuit,) = tor.circuits
        tor.circuit(circuit, CircStatus.BUILT)
        crossed.append(tor.built[tor.attached[str(stream)]])
        tor.stream(str(stream), StreamStatus.CLOSED)
    assert crossed == [PATH, PATH, OTHER, OTHER, THIRD, THIRD, PATH, PATH]


def test_where_a_users_circuit_fails_the_next_stream_has_another() -> None:
    tor, _ = begun({ONE: [PATH, OTHER]})
    tor.stream("10", StreamStatus.NEW, source=ONE)
    tor.circuit("1", CircStatus.FAILED)
    assert tor.closed_streams == ["10"]
    tor.stream("11", StreamStatus.NEW, source=ONE)
    tor.circuit("2", CircStatus.BUILT)
    assert tor.built["2"] == OTHER
    tor.stream("11", StreamStatus.DETACHED)
    assert tor.closed_streams == ["10", "11"]
    tor.stream("12", StreamStatus.NEW, source=ONE)
    tor.circuit("3", CircStatus.BUILT)
    assert tor.attached == {"11": "2", "12": "3"}
    assert list(tor.circuits) == ["3"]
    assert tor.complaints == [], "it is made again"


def test_a_stream_that_ends_while_it_waits_is_not_attached() -> None:
    tor, _ = begun({ONE: [PATH, OTHER]})
    tor.stream("10", StreamStatus.NEW, source=ONE)
    tor.stream("10", StreamStatus.CLOSED)
    tor.stream("11", StreamStatus.NEW, source=ONE)
    tor.circuit("1", CircStatus.BUILT)
    assert tor.attached == {"11": "1"}
    assert (tor.closed_streams, tor.complaints) == ([], [])


def test_a_users_circuit_over_other_relays_carries_nothing_and_is_told_of() -> None:
    tor, _ = begun({ONE: [PATH]})
    tor.stream("10", StreamStatus.NEW, source=ONE)
    tor.circuit("1", CircStatus.BUILT, OTHER)
    assert tor.attached == {}
    assert tor.closed_streams == ["10"]
    (complaint,) = tor.complaints
    assert complaint.startswith("a circuit crosses DDD")


def test_of_users_others_streams_and_circuits_are_not() -> None:
    tor, circuits = begun({ONE: [PATH]})
    tor.stream("9", StreamStatus.NEW, purpose="DIR_FETCH")
    tor.circuit("7", CircStatus.BUILT)
    assert (tor.circuits, tor.closed_streams) == ({}, [])
    tor.stream("10", StreamStatus.NEW, source=TWO)
    assert tor.closed_streams == ["10"]
    (complaint,) = tor.complaints
    assert complaint.startswith("a stream to 10.0.0.9:80 comes from nobody known")
    tor.stream("11", StreamStatus.NEW, source=ONE)
    circuits.end()
    assert (tor.circuits, tor.configuration, tor.listeners) == ({}, {}, {})


def test_a_user_who_gets_no_circuit_is_told_of_and_may_try_again() -> None:
    tor, _ = begun({ONE: [PATH, OTHER]})
    tor.refusal = stem.InvalidRequest("552", "no such router")
    tor.stream("10", StreamStatus.NEW, source=ONE)
    assert tor.complaints == ["no circuit for the stream to 10.0.0.9:80: no such router"]
    assert tor.closed_streams == ["10"]
    tor.refusal = None
    tor.stream("11", StreamStatus.NEW, source=ONE)
    assert tor.circuits == {"1": OTHER}
