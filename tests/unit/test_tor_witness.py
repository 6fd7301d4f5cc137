"""What relays themselves saw of a circuit, and what it contradicts."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from lab.agents.tor.witness import CellCounts
from lab.measure.call.circuits import note_circuits, seen_by_relays
from lab.measure.call.nodelay import nodelay_faults, note_nodelay, place_of
from lab.measure.call.tor_notes import CircuitNotes, TorWitness
from lab.measure.record import CallRecord
from lab.wire.circuits import LINKED, CircuitState, CircuitStream, Leg
from lab.wire.nodelay import NodelaySeen, Reach
from lab.wire.tor_witness import CircuitsSeen, SeenCircuit

PATH = ("paris", "tokyo", "london")
CELLS = {
    "caller": SeenCircuit("7", None, 11, 40, 0),
    "paris": SeenCircuit(None, 11, 12, 40, 50),
    "tokyo": SeenCircuit(None, 12, 13, 39, 51),
    "london": SeenCircuit(None, 13, None, 0, 52),
}
OTHER = SeenCircuit(None, 91, 92, 9000, 9000)
STREAM = CircuitStream("10.0.0.1:1194", on_circuit=True, succeeded=True, ended=None)
STATE = CircuitState(PATH, True, None, 100.0, (STREAM,), (), number="7")


def nodelay(reach: Reach | None, refused: int = 0) -> NodelaySeen:
    return NodelaySeen(reach is not None, reach, set=3, left=0, refused=refused)


def circuit(
    cells: dict[str, SeenCircuit] | None = None,
    client: Reach | None = None,
    relays: Reach | None = None,
    **witnesses: TorWitness,
) -> CircuitNotes:
    """A circuit of the caller's, of which every Tor told what is asked of it here."""
    told: dict[str, TorWitness] = {}
    for node, cell in (CELLS if cells is None else cells).items():
        reach = client if node == "caller" else relays
        told[node] = TorWitness(reach, CircuitsSeen((OTHER, cell), nodelay(reach)))
    return CircuitNotes(
        "caller", PATH, dict.fromkeys(PATH, "F"), STATE, STATE, witnesses={**told, **witnesses}
    )


def noted(made: CircuitNotes) -> CallRecord:
    record = CallRecord("c", "t", "v-tor", "PCMU", "lab", "world", "kamailio", 1)
    note_circuits(record, None, [made])
    return record


def test_the_circuit_is_followed_from_relay_to_relay_by_their_own_accounts() -> None:
    record = noted(circuit())
    assert record.circuit_seen == record.circuit == "paris tokyo london"
    assert (record.hops, record.circuit_cells, record.circuit_cells_back) == (3, 40, 50)
    assert record.invalid_reasons == []


@pytest.mark.parametrize(
    ("cells", "seen"),
    [
        ({**CELLS, "tokyo": SeenCircuit(None, 99, 13, 1, 1)}, "paris and further"),
        ({**CELLS, "london": SeenCircuit(None, 13, 14, 1, 1)}, "paris-tokyo-london and further"),
        ({**CELLS, "caller": SeenCircuit("8", None, 11, 1, 0)}, "no relay"),
        ({**CELLS, "tokyo": SeenCircuit(None, 12, None, 0, 1)}, "paris-tokyo"),
    ],
)
def test_another_way_than_the_one_asked_for_is_a_fault(
    cells: dict[str, SeenCircuit], seen: str
) -> None:
    [fault] = noted(circuit(cells)).invalid_reasons
    assert fault == (
        f"the circuit of the caller was seen to go over {seen}, not paris-tokyo-london"
    )


def test_of_a_call_of_which_no_relay_was_asked_nothing_is_said() -> None:
    record = noted(CircuitNotes("caller", PATH, {}, STATE, STATE))
    assert (record.circuit_seen, record.circuit_cells, record.nodelay) == (None, None, None)
    assert record.invalid_reasons == []


def test_a_tor_that_does_not_answer_is_a_fault_once(tmp_path: Any) -> None:
    made = circuit(tokyo=TorWitness(None, None))
    assert noted(made).invalid_reasons == []
    notes: Any = SimpleNamespace(
        circuits=[made], tunnel_nodelay={}, lab=SimpleNamespace(vpn_nodelay=True)
    )
    assert nodelay_faults(notes) == ["Tor at tokyo did not tell what it saw of the circuit"]
    assert len(seen_by_relays(made)) == 1


@pytest.mark.parametrize(
    ("client", "relays", "place"),
    [
        (None, None, "none"),
        (Reach.ALL, None, "client"),
        (None, Reach.EXITS, "exit"),
        (None, Reach.ALL, "relays"),
        (Reach.ALL, Reach.ALL, "all"),
        (Reach.ALL, Reach.EXITS, "mixed"),
    ],
)
def test_the_place_of_the_switch_is_what_was_found(
    client: Reach | None, relays: Reach | None, place: str
) -> None:
    assert place_of([circuit(client=client, relays=relays)]) == place


def test_a_relay_that_does_otherwise_spoils_the_call() -> None:
    seen = CircuitsSeen((CELLS["tokyo"],), nodelay(None))
    made = circuit(relays=Reach.ALL, tokyo=TorWitness(Reach.ALL, seen))
    refused = CircuitsSeen((CELLS["paris"],), nodelay(Reach.ALL, refused=2))
    made.witnesses = {**made.witnesses, "paris": TorWitness(Reach.ALL, refused)}
    record = noted(made)
    notes: Any = SimpleNamespace(
        circuits=[made],
        tunnel_nodelay={"caller": True, "server": False},
        forwarded=None,
        lab=SimpleNamespace(vpn_nodelay=True),
    )
    note_nodelay(record, notes)
    assert (record.nodelay, record.vpn_nodelay) == ("mixed", None)
    assert record.invalid_reasons == [
        "TCP_NODELAY could not be set on 2 connections of Tor at paris",
        "Tor at tokyo sets TCP_NODELAY on no connection, and was to on every connection",
        "OpenVPN at server did not set TCP_NODELAY, which was asked for",
    ]


@pytest.mark.parametrize(("told", "found"), [(True, True), (False, False)])
def test_both_ends_of_a_tunnel_are_asked(told: bool, found: bool) -> None:
    record = CallRecord("c", "t", "vpn", "PCMU", "lab", "world", "kamailio", 1)
    notes: Any = SimpleNamespace(
        circuits=[],
        tunnel_nodelay={"caller": told, "server": told},
        forwarded=None,
        lab=SimpleNamespace(vpn_nodelay=told),
    )
    note_nodelay(record, notes)
    assert (record.vpn_nodelay, record.nodelay, record.invalid_reasons) == (found, None, [])


def event(**values: Any) -> Any:
    usual = dict.fromkeys(
        ("id", "inbound_queue", "outbound_queue", "inbound_removed", "outbound_removed")
    )
    return SimpleNamespace(**{**usual, **values})


def test_cells_are_added_up_while_the_circuit_grows() -> None:
    counts = CellCounts()
    counts.note(event(inbound_queue="11", inbound_removed={"created2": 1}, outbound_queue="0"))
    counts.note(
        event(inbound_queue="11", outbound_queue="12", outbound_removed={"create2": 1, "relay": 4})
    )
    counts.note(event(id="7", outbound_queue="11", outbound_removed={"relay": 2}))
    assert counts.told() == (
        SeenCircuit(None, 11, 12, cells_out=5, cells_back=1),
        SeenCircuit("7", None, 11, cells_out=2, cells_back=0),
    )


SET = ("paris", "oslo", "tokyo", "rome", "london")
LEGS = (
    Leg(("paris", "tokyo", "london"), LINKED, "A1", 100, 200, "7"),
    Leg(("oslo", "rome", "london"), LINKED, "A1", 10, 20, "8"),
)
OF_SET = {
    "caller": (SeenCircuit("7", None, 11, 40, 0), SeenCircuit("8", None, 21, 4, 0)),
    "paris": (SeenCircuit(None, 11, 12, 40, 50),),
    "tokyo": (SeenCircuit(None, 12, 13, 39, 51),),
    "oslo": (SeenCircuit(None, 21, 22, 4, 5),),
    "rome": (SeenCircuit(None, 22, 23, 4, 5),),
    "london": (SeenCircuit(None, 13, None, 0, 52), SeenCircuit(None, 23, None, 0, 6)),
}


def linked_set(seen: dict[str, tuple[SeenCircuit, ...]]) -> CircuitNotes:
    state = CircuitState(LEGS[0].path, True, None, 1.0, (STREAM,), (), legs=LEGS)
    told = {
        node: TorWitness(None, CircuitsSeen(circuits, nodelay(None)))
        for node, circuits in seen.items()
    }
    return CircuitNotes("caller", SET, dict.fromkeys(SET, "F"), state, state, witnesses=told)


def test_each_circuit_of_a_conflux_set_is_followed_by_itself() -> None:
    record = noted(linked_set(OF_SET))
    assert record.invalid_reasons == []
    assert record.circuit_legs == {
        "paris tokyo london": "sent 100 bytes, received 200 bytes; "
        "paris passed on 40 cells out and 50 back",
        "oslo rome london": "sent 10 bytes, received 20 bytes; "
        "oslo passed on 4 cells out and 5 back",
    }


def test_a_circuit_of_a_set_that_went_another_way_is_a_fault() -> None:
    other = {**OF_SET, "rome": (SeenCircuit(None, 22, None, 4, 5),)}
    assert noted(linked_set(other)).invalid_reasons == [
        "the circuit of the caller was seen to go over oslo-rome, not oslo-rome-london"
    ]


def test_of_a_circuit_of_a_set_that_carried_nothing_nobody_tells() -> None:
    idle = {**OF_SET, "caller": OF_SET["caller"][:1]}
    assert noted(linked_set(idle)).invalid_reasons == []
