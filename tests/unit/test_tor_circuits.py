"""What contradicts "this call went over exactly that circuit"."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

import pytest

from lab.errors import LabError
from lab.tor.circuits import CallCircuit
from lab.wire.circuits import CircuitState, CircuitStream, PinCircuit, ReadCircuit
from lab.wire.messages import Event, Order

EventT = TypeVar("EventT", bound=Event)

PATH = ("guard", "middle", "exit")
TARGET = "10.77.1.9:1194"
STREAM = CircuitStream(TARGET, on_circuit=True, succeeded=True, ended=None)
GOOD = CircuitState(path=PATH, built=True, ended=None, build_ms=150.5, streams=(STREAM,), others=())


class Client:
    """A channel that remembers the order and gives one answer."""

    def __init__(self, answer: CircuitState | LabError) -> None:
        self.answer = answer
        self.order: Order | None = None

    def ask(self, order: Order, kind: type[EventT], timeout_s: float) -> EventT:
        self.order = order
        if isinstance(self.answer, LabError):
            raise self.answer
        assert isinstance(self.answer, kind)
        return self.answer


def test_a_circuit_is_asked_for_and_reported_by_the_names_of_its_relays() -> None:
    client = Client(GOOD)
    assert CallCircuit(client).pin(PATH, [TARGET]) == GOOD
    assert client.order == PinCircuit(PATH, (TARGET,))


def test_the_circuit_is_read_back() -> None:
    client = Client(GOOD)
    assert CallCircuit(client).read() == GOOD
    assert client.order == ReadCircuit()


def test_a_call_over_the_circuit_that_was_asked_for_has_no_fault() -> None:
    assert GOOD.faults(PATH) == ()


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"ended": "DESTROYED", "path": (), "built": False}, "the circuit ended: DESTROYED"),
        ({"path": ("middle", "guard", "exit")}, "middle-guard-exit, not guard-middle-exit"),
        ({"path": ("guard", "D" * 40)}, f"the circuit was guard-{'D' * 40}"),
        ({"others": (("guard",),)}, "1 other circuits were open"),
        ({"streams": ()}, "no stream was carried"),
        ({"streams": (replace(STREAM, succeeded=False),)}, "no stream was carried"),
        (
            {"streams": (STREAM, replace(STREAM, on_circuit=False))},
            f"streams went another way: {TARGET}",
        ),
    ],
)
def test_every_contradiction_is_a_fault(change: dict[str, Any], fault: str) -> None:
    (found,) = replace(GOOD, **change).faults(PATH)
    assert fault in found


def test_the_error_names_the_path() -> None:
    circuit = CallCircuit(Client(LabError("the circuit was not built: TIMEOUT")))
    with pytest.raises(LabError, match="circuit guard-middle-exit: the circuit was not built"):
        circuit.pin(PATH)
