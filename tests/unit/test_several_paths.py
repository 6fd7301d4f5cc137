"""The circuits of a call over several: which, how tor takes them, where they are captured."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from stem import StreamStatus
from stem.control import Controller
from test_call_paths import lab_of
from test_tor_circuits import GOOD, PATH, TARGET, Client
from test_tor_paths import planned

from lab.agents.tor.streams import StreamsOnCircuits
from lab.calls.methods import METHODS
from lab.calls.paths.several import way_of
from lab.cli.dimension_options import Chosen, point_of
from lab.errors import LabError, UsageError
from lab.measure.call.notes import CallPlan, PointNotes
from lab.sweep.asked import call_plan
from lab.sweep.dimensions import DIMENSIONS
from lab.sweep.point import Point
from lab.tor.circuits import CallPaths
from lab.tor.paths import path_of_call
from lab.tor.several import paths_of_call
from lab.wire.circuits import CircuitState, PathsState, PinPaths, ReadPaths

V_TOR = METHODS.named("v-tor")
WORLD = planned("world")


def test_the_first_path_is_the_one_that_a_call_over_one_circuit_has() -> None:
    for seed in range(20):
        first, *others = paths_of_call(WORLD, seed, 3, disjoint=False)
        assert first == path_of_call(WORLD, seed)
        assert len({first, *others}) == 3
        assert all(len(set(path)) == len(path) == 3 for path in others)


def test_disjoint_paths_cross_every_relay_at_most_once_and_never_the_authority() -> None:
    for seed in range(20):
        relays = [relay for path in paths_of_call(WORLD, seed, 3, disjoint=True) for relay in path]
        assert len(relays) == len(set(relays)) == 9
        assert WORLD.authority.name not in relays


def test_more_disjoint_paths_than_there_are_relays_for_are_refused_by_name() -> None:
    with pytest.raises(LabError, match="topology world has room for 3 circuits of 3 hops") as found:
        paths_of_call(WORLD, 1, 4, disjoint=True)
    assert "at most 3 paths" in found.value.hint
    assert len(paths_of_call(WORLD, 1, 8, disjoint=False)) == 8


def test_more_different_paths_than_there_are_are_refused_too() -> None:
    small = planned("small")
    assert len(set(paths_of_call(small, 1, 4, disjoint=False))) == 4
    with pytest.raises(LabError, match="has no 7 different circuits of 3 hops"):
        paths_of_call(small, 1, 8, disjoint=False)


def test_conflux_has_circuits_of_tors_own() -> None:
    split = replace(WORLD, tor=replace(WORLD.tor, conflux="latency"))
    with pytest.raises(LabError, match="topology world has Conflux"):
        paths_of_call(split, 1, 2, disjoint=False)


def test_circuits_are_asked_for_together_and_read_back() -> None:
    told = PathsState((GOOD, GOOD))

    class Tor(Client):
        def ask(self, order: Any, kind: Any, timeout_s: float) -> Any:
            self.order = order
            return told

    pinning, reading = Tor(GOOD), Tor(GOOD)
    assert CallPaths(pinning).pin([PATH, PATH[::-1]], [TARGET]) == told
    assert pinning.order == PinPaths((PATH, PATH[::-1]), (TARGET,))
    assert CallPaths(reading).read() == told
    assert reading.order == ReadPaths()


def test_streams_go_over_the_circuits_in_turn_and_are_told_of_with_their_own() -> None:
    attached: dict[str, str] = {}
    tor = SimpleNamespace(attach_stream=attached.__setitem__, close_stream=lambda number: None)
    streams = StreamsOnCircuits(cast(Controller, tor), [TARGET], in_turn=True)
    streams.attach_to(["7", "8"])

    def event(number: str, status: str, circuit: str | None = None, target: str = TARGET) -> None:
        streams.on_stream(
            cast(
                Any,
                SimpleNamespace(
                    id=number, status=status, purpose="USER", target=target, circ_id=circuit,
                    reason=None, remote_reason=None,
                ),
            )
        )  # fmt: skip

    event("1", StreamStatus.NEW)
    event("2", StreamStatus.NEW, target="10.0.0.1:80")
    event("3", StreamStatus.NEW)
    event("1", StreamStatus.SUCCEEDED, "7")
    event("3", StreamStatus.SUCCEEDED, "8")
    assert attached == {"1": "7", "3": "8"}
    first, second = streams.seen_on("7"), streams.seen_on("8")
    assert [(each.target, each.on_circuit) for each in first] == [
        (TARGET, True),
        ("10.0.0.1:80", False),
    ]
    assert [(each.target, each.succeeded) for each in second] == [(TARGET, True)]


def several(paths: int, *, disjoint: bool = True) -> CallPlan:
    return CallPlan("v-tor", paths=paths, policy="duplicate", disjoint=disjoint)


def test_a_call_over_several_is_captured_at_every_guard_and_where_all_exits_come_by() -> None:
    lab = lab_of("world")
    path = V_TOR.way_of(several(3)).plan(lab, 7)
    single = V_TOR.way.load().plan(lab, 7)
    assert path.paths[0] == path.circuit == single.circuit
    assert (path.server, path.caller) == (single.server, single.caller)
    assert path.server_port == 1 + lab.topology.vpn.port + 1
    assert [hop.node for hop in path.hops[:9]] == [name for each in path.paths for name in each]
    points: dict[str, PointNotes] = {
        point.name: placed
        for point in V_TOR.points
        if (placed := point.placing.load()(point, lab, path)) is not None
    }
    access, exits = points["access"].counted, points["exit"]
    guards = {lab.topology.node(each[0]).address_on("world") for each in path.paths}
    assert access
    assert {access.far, *access.also_far} == guards
    server = lab.topology.node("server").address_on("world")
    assert (exits.machine, exits.address) == ("server", server)
    assert f"tcp port {path.server_port}" in exits.packet_filter
    assert points["pbx-caller"].interface == "paths"
    assert points["tunnel"].interface == "tun0"


def test_a_caller_behind_a_bridge_is_told_so() -> None:
    lab = lab_of("world-bridges")
    caller = replace(lab.caller, bridges=("harbour",))
    nodes = tuple(caller if node.name == "caller" else node for node in lab.topology.nodes)
    behind = replace(lab, topology=replace(lab.topology, nodes=nodes))
    with pytest.raises(LabError, match="caller enters Tor by bridges"):
        way_of(several(2)).plan(behind, 1)


def options(method: str, **written: object) -> Point:
    chosen = [
        Chosen(dimension, dimension.assignments(written[dimension.name])[0])
        for dimension in DIMENSIONS
        if dimension.name in written
    ]
    return point_of(method, chosen)


def test_what_is_asked_on_the_command_line_is_planned() -> None:
    plan = call_plan(options("v-tor", paths=4, policy="alternate", disjoint="on"))
    assert (plan.paths, plan.policy, plan.disjoint) == (4, "alternate", True)
    assert V_TOR.way_of(CallPlan("v-tor")) is V_TOR.way.load()
    alone = call_plan(options("v-tor", policy="duplicate", disjoint="on"))
    assert (alone.paths, alone.policy, alone.disjoint) == (1, "duplicate", False)


@pytest.mark.parametrize(
    ("method", "written", "complaint"),
    [
        ("v-tor", {"paths": 4}, "4 paths needs a policy"),
        ("sip", {"policy": "duplicate"}, "sip goes over one way"),
        ("v-tor", {"policy": "alternate", "anonymous": "both"}, "cannot hide both ends"),
        ("v-tor", {"policy": "alternate", "available": "on"}, "over several circuits"),
    ],
)
def test_what_cannot_be_is_refused(method: str, written: dict[str, object], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        options(method, **written)


def test_what_the_topology_has_not_is_refused_before_anything_is_called() -> None:
    asked = options("v-tor", paths=4, policy="duplicate", disjoint="on")
    with pytest.raises(UsageError, match="room for 3 circuits of 3 hops"):
        asked.check_suits(WORLD)
    asked.but(hops=2).check_suits(WORLD)
    asked.but(disjoint="off").check_suits(WORLD)
    Point("v-tor").check_suits(WORLD)


def test_points_that_mean_the_same_are_the_same() -> None:
    single = Point("v-tor").normalised()
    assert Point("v-tor", paths=4).normalised() == single
    assert Point("sip", paths=4, policy="duplicate").normalised() == Point("sip").normalised()
    split = Point("v-tor", policy="duplicate", paths=2, **{"topology.tor.conflux": '"latency"'})
    assert split.normalised() == Point("v-tor", policy="duplicate", paths=2).normalised()
    assert split.normalised().point_id == "v-tor.PCMU.duplicate.2paths.to-callee"


def test_a_state_without_the_circuit_has_ended() -> None:
    gone = CircuitState((), False, "DESTROYED", 100.0, (), ())
    assert gone.faults(PATH, "path-2 ")[0] == "the path-2 circuit ended: DESTROYED"
