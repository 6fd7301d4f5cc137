"""What contradicts "this call went over exactly that circuit"."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

import pytest

from lab.errors import LabError
from lab.tor.circuits import CallCircuit
from lab.wire.circuits import (
    LINKED,
    CircuitState,
    CircuitStream,
    Leg,
    LinkCircuits,
    PinCircuit,
    ReadCircuit,
)
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


SET = ("guard", "other-guard", "middle", "other-middle", "exit")
LEGS = (
    Leg(("guard", "other-middle", "exit"), LINKED, "A1"),
    Leg(("other-guard", "middle", "exit"), LINKED, "A1"),
)
LINKED_SET = replace(GOOD, path=LEGS[0].path, legs=LEGS)


def test_a_conflux_set_is_asked_for_by_what_its_relays_may_be() -> None:
    client = Client(LINKED_SET)
    assert CallCircuit(client).link(SET, [TARGET]) == LINKED_SET
    assert client.order == LinkCircuits(SET[:2], SET[2:4], "exit", (TARGET,))


def test_two_linked_circuits_over_the_relays_of_the_set_have_no_fault() -> None:
    assert LINKED_SET.faults(SET) == ()


@pytest.mark.parametrize(
    ("legs", "fault"),
    [
        (LEGS[:1], "the Conflux set was not 2 linked circuits: guard-other-middle-exit"),
        ((LEGS[0], replace(LEGS[1], purpose="CONFLUX_UNLINKED")), "(CONFLUX_UNLINKED)"),
        ((LEGS[0], replace(LEGS[1], conflux_id="B2")), "of different Conflux sets"),
        (
            (LEGS[0], replace(LEGS[1], path=("other-guard", "foreign", "exit"))),
            "a circuit was other-guard-foreign-exit, not over guard other-guard",
        ),
        (
            (LEGS[0], replace(LEGS[1], path=("other-guard", "other-middle", "exit"))),
            "share more than their exit",
        ),
    ],
)
def test_every_contradiction_of_a_set_is_a_fault(legs: tuple[Leg, ...], fault: str) -> None:
    (found,) = replace(LINKED_SET, legs=legs).faults(SET)
    assert fault in found


def test_a_set_that_lost_a_circuit_has_ended() -> None:
    lost = replace(LINKED_SET, legs=LEGS[:1], ended="1 circuits of the Conflux set ended")
    assert lost.faults(SET) == ("the circuit ended: 1 circuits of the Conflux set ended",)
