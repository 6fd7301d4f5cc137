"""Calls in which Tor hides both ends: two circuits to one server, each checked by itself."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from call_directory import call_notes, make_directory, measured
from test_call_paths import lab_of

from lab.calls.methods import METHODS
from lab.ends import BOTH, CALLEE, CALLER
from lab.errors import LabError, UsageError
from lab.measure.call.notes import CallNotes, PointNotes
from lab.measure.call.path import CalleeLeg, Hop, VoicePath
from lab.measure.call.tor_notes import CircuitNotes
from lab.sweep.dimensions.anonymous import DIMENSION
from lab.sweep.point import Point
from lab.topology.model import Topology
from lab.tor.paths import path_of_callee
from lab.wire.circuits import CircuitState, CircuitStream
from lab.wire.probe import RoundTrips

HIDING = [method.name for method in METHODS if method.both_hidden]
SERVER = "10.77.20.3:1194"
CARRIED = CircuitStream(SERVER, on_circuit=True, succeeded=True, ended=None)


def points_of(topology: str, name: str, seed: int) -> tuple[VoicePath, dict[str, PointNotes]]:
    method, lab = METHODS.named(name).hiding(BOTH), lab_of(topology)
    method.check_topology(lab.topology)
    path = method.way.load().plan(lab, seed)
    placed = (point.placing.load()(point, lab, path) for point in method.points)
    return path, {point.name: point for point in placed if point is not None}


def test_calls_through_tor_can_hide_both_ends_and_others_cannot() -> None:
    assert set(HIDING) >= {"v-tor", "m-tor"}
    assert METHODS.named("v-tor").hiding(CALLER) is METHODS.named("v-tor")
    with pytest.raises(UsageError, match="sip cannot hide both ends of a call"):
        DIMENSION.check(Point("sip", anonymous=BOTH))
    assert Point("sip", anonymous=BOTH).normalised() == Point("sip").normalised()
    assert "both-ends" in Point("m-tor", anonymous=BOTH).normalised().point_id


@pytest.mark.parametrize("name", HIDING)
@pytest.mark.parametrize("seed", range(5))
def test_each_end_has_a_circuit_and_an_exit_of_its_own(name: str, seed: int) -> None:
    path, points = points_of("world", name, seed)
    leg = path.callee_leg
    assert leg
    assert len(set(path.circuit) | set(leg.circuit)) == 6, "nine relays are enough for two of three"
    assert leg.hops[-1] == path.server
    for point, relay in (("exit", path.exit_machine), ("callee_exit", leg.exit_machine)):
        notes = points[point]
        assert notes.machine == relay
        assert notes.counted and notes.counted.far == notes.address
        assert f"host {notes.address}" in notes.packet_filter
    own = points["callee_access"].counted
    assert own and (own.near, own.far) == (path.callee.home, leg.hops[0].address)
    assert not own.near_is_caller
    assert path.callee.point in points or name == "m-tor"


@pytest.mark.parametrize("seed", range(20))
def test_where_relays_are_few_the_exits_differ_all_the_same(seed: int) -> None:
    for topology in ("paper", "small"):
        path, _ = points_of(topology, "v-tor", seed)
        assert path.callee_leg
        assert path.callee_leg.exit_machine != path.exit_machine
        assert len(set(path.callee_leg.circuit)) == len(path.circuit)


def test_the_topologys_own_circuit_of_the_callee_wins() -> None:
    topology = lab_of("world").topology
    named = replace(topology, tor=replace(topology.tor, callee_circuit=("paris", "tokyo")))
    assert path_of_callee(named, ("paris", "montreal"), 3) == ("paris", "tokyo")


def test_nothing_is_counted_at_an_exit_that_both_circuits_leave_from() -> None:
    method, lab = METHODS.named("v-tor").hiding(BOTH), lab_of("world")
    shared: Topology = replace(
        lab.topology,
        tor=replace(
            lab.topology.tor,
            circuit=("paris", "tokyo", "montreal"),
            callee_circuit=("frankfurt", "singapore", "montreal"),
        ),
    )
    lab = replace(lab, topology=shared)
    path = method.way.load().plan(lab, 1)
    assert path.one_exit
    found = [point.placing.load()(point, lab, path) for point in method.points]
    names = {point.name for point in found if point}
    assert names >= {"tunnel", "access", "callee_access", "callee_tunnel"}
    assert not names & {"exit", "callee_exit"}


def test_a_call_that_said_good_bye_without_a_circuit_has_failed(tmp_path: Path) -> None:
    gone = replace(CALLEE_CIRCUIT, path=(), built=False, ended="DESTROYED")
    record = measured(make_directory(tmp_path, two_way_notes(gone)))
    assert (record.status, record.callee_pesq_mos) == ("failed", None)
    assert record.reason == "during the call the callee's circuit ended: DESTROYED"


@pytest.mark.parametrize("name", HIDING)
def test_a_callee_without_tor_cannot_be_hidden(name: str) -> None:
    method, lab = METHODS.named(name), lab_of("world-colocated")
    method.check_topology(lab.topology)
    said = "cannot carry .*: callee, who is to be anonymous as well, has no"
    with pytest.raises(LabError, match=said) as caught:
        method.hiding(BOTH).check_topology(lab.topology)
    assert "`links` of its own" in (caught.value.hint or "")


def two_way_notes(callee_after: CircuitState | None, failure: str | None = None) -> CallNotes:
    notes = call_notes(failure=failure)
    assert notes.path
    leg = CalleeLeg(
        (Hop("r4", IPv4Address("10.77.18.4")), notes.path.server), "r5", ("r4", "r1", "r5")
    )
    notes.path = replace(notes.path, circuit=("r1", "r2", "r3"), callee_leg=leg)
    built = CircuitState(("r1", "r2", "r3"), True, None, 80.0, (), ())
    callee_built = replace(built, path=("r4", "r1", "r5"), build_ms=95.0)
    known = {"r1": "AAA", "r2": "BBB", "r3": "CCC", "r4": "DDD", "r5": "EEE"}
    notes.circuits = [
        CircuitNotes(CALLER, built.path, known, built, replace(built, streams=(CARRIED,))),
        CircuitNotes(CALLEE, callee_built.path, known, callee_built, callee_after),
    ]
    notes.callee_tunnel_setup_ms = 400.0
    notes.callee_ping = RoundTrips(3, 3, (20.0, 21.0, 40.0))
    return notes


CALLEE_CIRCUIT = CircuitState(("r4", "r1", "r5"), True, None, 95.0, (CARRIED,), ())


def test_both_circuits_are_in_the_record(tmp_path: Path) -> None:
    record = measured(make_directory(tmp_path, two_way_notes(CALLEE_CIRCUIT)))
    assert (record.status, record.valid) == ("ok", True), record.invalid_reasons
    assert record.anonymous == BOTH
    assert (record.circuit, record.caller_circuit) == ("r1 r2 r3", "AAA BBB CCC")
    assert (record.callee_relays, record.callee_circuit) == ("r4 r1 r5", "DDD AAA EEE")
    assert (record.callee_guard, record.callee_middle, record.callee_exit) == ("r4", "r1", "r5")
    assert (record.circuit_build_ms, record.callee_circuit_build_ms) == (80.0, 95.0)
    assert (record.callee_tunnel_setup_ms, record.relays_in_both) == (400.0, 1)
    assert (record.callee_rtt_ms, record.rtt_ms) == (21.0, 11.0 + 21.0)


def test_a_call_whose_callee_left_its_circuit_is_not_valid(tmp_path: Path) -> None:
    other = replace(CALLEE_CIRCUIT, path=("r4", "r2", "r5"), streams=())
    record = measured(make_directory(tmp_path, two_way_notes(other)))
    assert not record.valid
    assert record.invalid_reasons == [
        "the callee's circuit was r4-r2-r5, not r4-r1-r5",
        "no stream was carried by the callee's circuit",
    ]


def test_a_call_whose_callees_circuit_closed_names_it(tmp_path: Path) -> None:
    gone = replace(CALLEE_CIRCUIT, path=(), built=False, ended="DESTROYED")
    notes = two_way_notes(gone, failure="caller: no 'ended' within 40 s")
    record = measured(make_directory(tmp_path, notes))
    assert (record.status, record.valid) == ("failed", False)
    assert record.reason == (
        "caller: no 'ended' within 40 s (during the call the callee's circuit ended: DESTROYED)"
    )
    assert "the callee's circuit ended: DESTROYED" in record.invalid_reasons
    assert record.callee_relays == "r4 r1 r5", "as it was built"
