"""A call over several circuits in its record: paths, what came by each, and one that ended."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from call_directory import call_notes, make_directory, measured
from test_tor_circuits import GOOD

from lab.ends import CALLER
from lab.measure.call.notes import CallNotes, CallPlan, ForwardedNotes, read_notes, write_notes
from lab.measure.call.tor_notes import CircuitNotes
from lab.measure.call.watches import FaultWatch
from lab.wire.circuits import CircuitState
from lab.wire.paths import PathsTold, PathTold

ONE, TWO = ("a", "b", "c"), ("d", "e", "f")
BEGAN = 1_000.0
GONE = "the connection was closed"
DELAYS = {"p50": 80.0, "p95": 90.0, "p99": 120.0, "max": 130.0}


def told(received: int, first: int, ended: str | None = None, nodelay: bool = True) -> PathTold:
    ended_at_s = None if ended is None else BEGAN + 3
    return PathTold(700, 200_000, 2, received, first, DELAYS, nodelay, ended, ended_at_s)


def side(*paths: PathTold) -> PathsTold:
    return PathsTold(paths, 700, 700, 650, 4, 0, 0, {"cpu_s": 1.5, "memory_mb": 20.0})


def circuit(number: int, wanted: tuple[str, ...], ended: str | None = None) -> CircuitNotes:
    built = replace(GOOD, path=wanted, number=str(number))
    after = CircuitState((), False, ended, 150.5, GOOD.streams, ()) if ended else built
    return CircuitNotes(CALLER, wanted, {}, built, after, path=number)


def notes_of(**changes: object) -> CallNotes:
    notes = call_notes()
    plan = CallPlan("v-tor", "PCMU", seed=3, paths=2, policy="alternate", disjoint=True)
    assert notes.path
    path = replace(notes.path, circuit=ONE, paths=(ONE, TWO))
    both = side(told(700, 650), told(690, 50))
    made = call_notes(
        plan=plan,
        path=path,
        voice_began_at=BEGAN,
        circuits=[circuit(1, ONE), circuit(2, TWO)],
        forwarded=ForwardedNotes(True, 900.0, caller=both, server=both),
    )
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def test_a_record_tells_what_each_path_carried(tmp_path: Path) -> None:
    record = measured(make_directory(tmp_path, notes_of()))
    assert (record.valid, record.invalid_reasons) == (True, [])
    assert (record.paths, record.policy, record.disjoint) == (2, "alternate", True)
    assert record.path_circuits == {"1": "a b c", "2": "d e f"}
    assert (record.circuit, record.guard) == ("a b c", "a")
    assert record.path_lost == {"caller 1": 0, "caller 2": 10, "callee 1": 0, "callee 2": 10}
    assert record.path_refused["callee 2"] == 2
    assert round(record.path_first_pct["caller 1"], 1) == 92.9
    assert record.path_delay_ms_p99["callee 2"] == 120.0
    assert (record.caller_duplicate_packets, record.callee_repaired_packets) == (650, 4)
    assert record.forwarder_cpu_s == {"caller": 1.5, "server": 1.5}
    assert (record.path_ended, record.vpn_nodelay) == ({}, True)
    assert record.caller_in_time_pct == record.callee_in_time_pct == 100.0
    assert record.caller_owd_ms_p50 == record.caller_owd_ms_p99 == 5.0


def lost_one(**changes: object) -> CallNotes:
    notes = notes_of(**changes)
    after = side(told(700, 650), told(100, 50, GONE))
    notes.circuits[1] = circuit(2, TWO, "DESTROYED")
    notes.forwarded = ForwardedNotes(True, 900.0, caller=after, server=after)
    return notes


def test_a_call_that_lost_a_path_goes_on_and_says_when(tmp_path: Path) -> None:
    record = measured(make_directory(tmp_path, lost_one()))
    assert (record.status, record.valid) == ("ok", False)
    assert "the path-2 circuit ended: DESTROYED" in record.invalid_reasons
    assert record.path_ended == {"2": f"{GONE}, 3.0 s after the voice began"}
    assert record.path_circuits["2"] == "d e f"
    assert record.path_lost["caller 2"] == 600


def test_a_path_lost_to_what_was_broken_on_purpose_spoils_nothing(tmp_path: Path) -> None:
    broken = FaultWatch(
        kind="kill", past="killed", node="e", network=None, loss_pct=None, asked_at_s=3.0,
        asked_for_s=2.0, began_at=BEGAN + 3, ended_at=BEGAN + 5, lost=None, by=None,
    )  # fmt: skip
    record = measured(make_directory(tmp_path, lost_one(faults=(broken,))))
    assert not [reason for reason in record.invalid_reasons if "path-2" in reason]


def test_a_call_that_lost_every_path_has_failed(tmp_path: Path) -> None:
    notes = lost_one()
    notes.circuits[0] = circuit(1, ONE, "TIMEOUT")
    record = measured(make_directory(tmp_path, notes))
    assert record.status == "failed"
    assert record.reason == (
        "during the call the path-1 circuit ended: TIMEOUT, the path-2 circuit ended: DESTROYED"
    )


def test_nodelay_that_nobody_asked_for_is_a_reason(tmp_path: Path) -> None:
    wrong = side(told(700, 650), told(690, 50, nodelay=False))
    notes = notes_of()
    notes.forwarded = ForwardedNotes(True, 900.0, caller=wrong, server=None)
    record = measured(make_directory(tmp_path, notes))
    assert (
        "the forwarder at the caller did not set TCP_NODELAY on path 2, which was asked for"
        in record.invalid_reasons
    )
    assert "the forwarder at the server told nothing of what it carried" in record.invalid_reasons
    assert record.vpn_nodelay is None


def test_notes_come_back_as_they_were_written(tmp_path: Path) -> None:
    notes = notes_of()
    write_notes(tmp_path, notes)
    assert read_notes(tmp_path).forwarded == notes.forwarded


def test_a_call_over_one_circuit_says_so(tmp_path: Path) -> None:
    notes = call_notes()
    assert notes.path
    notes.path = replace(notes.path, circuit=ONE)
    notes.circuits = [replace(circuit(1, ONE), path=None)]
    record = measured(make_directory(tmp_path, notes))
    assert (record.paths, record.policy, record.disjoint) == (1, "single", None)
