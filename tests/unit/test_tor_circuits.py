"""What contradicts "this call went over exactly that circuit"."""

from __future__ import annotations

from typing import Any

import pytest

from lab.errors import LabError
from lab.tor.circuits import CallCircuit

RELAYS = {"guard": "A" * 40, "middle": "B" * 40, "exit": "C" * 40}
PATH = tuple(RELAYS)
TARGET = "10.77.1.9:1194"
STREAM = {"target": TARGET, "circuit": "7", "succeeded": True, "ended": None}
GOOD: dict[str, Any] = {
    "circuit": "7",
    "path": list(RELAYS.values()),
    "built": True,
    "ended": None,
    "build_ms": 150.5,
    "streams": [STREAM],
    "others": [],
}


class Client:
    """A channel that remembers the order and gives one answer."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self.answer = answer
        self.order: dict[str, Any] = {}

    def ask(self, order: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        self.order = order
        if "error" in self.answer:
            raise LabError(self.answer["error"])
        return self.answer


def test_a_circuit_is_asked_for_by_fingerprint_and_reported_by_name() -> None:
    client = Client(GOOD)
    state = CallCircuit(client, RELAYS).pin(PATH, [TARGET])
    assert client.order["path"] == list(RELAYS.values())
    assert client.order["targets"] == [TARGET]
    assert state.path == PATH
    assert state.build_ms == 150.5


def test_a_call_over_the_circuit_that_was_asked_for_has_no_fault() -> None:
    assert CallCircuit(Client(GOOD), RELAYS).read().faults(PATH) == ()


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"ended": "DESTROYED", "path": [], "built": False}, "the circuit ended: DESTROYED"),
        ({"path": ["B" * 40, "A" * 40, "C" * 40]}, "middle-guard-exit, not guard-middle-exit"),
        ({"path": ["A" * 40, "D" * 40]}, f"the circuit was guard-{'D' * 40}"),
        ({"others": [{"path": ["A" * 40]}]}, "1 other circuits were open"),
        ({"streams": []}, "no stream was carried"),
        ({"streams": [STREAM | {"succeeded": False}]}, "no stream was carried"),
        ({"streams": [STREAM, STREAM | {"circuit": "9"}]}, f"streams went another way: {TARGET}"),
    ],
)
def test_every_contradiction_is_a_fault(change: dict[str, Any], fault: str) -> None:
    (found,) = CallCircuit(Client(GOOD | change), RELAYS).read().faults(PATH)
    assert fault in found


def test_the_error_names_the_path() -> None:
    circuit = CallCircuit(Client({"error": "the circuit was not built: TIMEOUT"}), RELAYS)
    with pytest.raises(LabError, match="circuit guard-middle-exit: the circuit was not built"):
        circuit.pin(PATH)
