"""The way of a call through a topology, and where on it packets can be captured."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from lab.calls.method import Method
from lab.calls.methods import METHODS
from lab.calls.observe.delays import machines_of
from lab.calls.paths.base import LOOPBACK
from lab.engine.discovery import RunningLab
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.notes import PointNotes
from lab.measure.call.path import VoicePath
from lab.render.owner import Owner
from lab.topology.load import find_topology, load_topology
from lab.topology.model import PbxKind
from lab.topology.resolve import resolve
from lab.wire import places

DIRECT, THROUGH_TOR = ("sip", "vpn", "mumble", "webrtc"), ("v-tor", "m-tor", "w-tor")
TO_ADDRESSES = [METHODS.named(name) for name in (*DIRECT, *THROUGH_TOR)]


def lab_of(topology: str) -> ReadyLab:
    """A lab of a shipped topology, as a call finds it."""
    block = IPv4Network("10.77.16.0/20")
    raw = load_topology(find_topology(topology))
    running = RunningLab("demo", topology, "", block, ())
    return ReadyLab(
        running, resolve(raw, "demo", block, PbxKind.KAMAILIO), Path(), {}, Owner(1, 1), {}
    )


def planned(method: Method, lab: ReadyLab) -> VoicePath:
    return method.way.load().plan(lab, 7)


def captured(method: Method, lab: ReadyLab) -> dict[str, PointNotes]:
    """Measuring point → where it is on the way of a call."""
    path = planned(method, lab)
    placed = (point.placing.load()(point, lab, path) for point in method.points)
    return {point.name: point for point in placed if point is not None}


@pytest.mark.parametrize("name", DIRECT)
def test_on_one_network_no_host_stands_before_the_server(name: str) -> None:
    method, lab = METHODS.named(name), lab_of("world")
    assert planned(method, lab).exit_machine is None
    points = captured(method, lab)
    assert list(points) == [point.name for point in method.points if point.name != "exit"]
    server = lab.topology.node("server").address_on("world")
    counted = points["access"].counted
    assert counted and (counted.near, counted.far) == (lab.caller.links[0].address, server)


@pytest.mark.parametrize("name", THROUGH_TOR)
def test_on_one_network_an_exit_relay_still_stands_before_the_server(name: str) -> None:
    method, lab = METHODS.named(name), lab_of("world")
    path = planned(method, lab)
    assert path.exit_machine == path.circuit[-1]
    point = captured(method, lab)["exit"]
    relay = lab.topology.node(path.circuit[-1])
    assert (point.machine, point.address) == (relay.name, relay.address_on("world"))


@pytest.mark.parametrize("method", TO_ADDRESSES, ids=lambda method: method.name)
def test_a_callee_on_the_servers_machine_is_heard_on_loopback(method: Method) -> None:
    lab = lab_of("world-colocated")
    method.check_topology(lab.topology)
    callee = planned(method, lab).callee
    assert (callee.home, callee.address) == (LOOPBACK, LOOPBACK)
    point = captured(method, lab)["callee"]
    assert (point.address, point.packet_filter) == (LOOPBACK, "host 127.0.0.1")


@pytest.mark.parametrize("method", TO_ADDRESSES, ids=lambda method: method.name)
def test_in_the_papers_set_up_calls_pass_the_last_relay(method: Method) -> None:
    lab = lab_of("paper")
    assert planned(method, lab).exit_machine == "relay2"
    assert captured(method, lab)["exit"].machine == "relay2"


@pytest.mark.parametrize("name", ["webrtc", "w-tor"])
def test_no_end_of_a_webrtc_call_may_exchange_udp_with_anybody(name: str) -> None:
    assert planned(METHODS.named(name), lab_of("paper")).no_udp


def test_a_call_by_w_tor_has_no_way_past_tor_to_the_server_or_to_the_callee() -> None:
    lab = lab_of("paper")
    closed = planned(METHODS.named("w-tor"), lab).closed
    server, callee = lab.topology.machine("turn"), lab.topology.machine("callee")
    assert set(closed) == {link.address for node in (server, callee) for link in node.links}
    assert len(closed) == len(set(closed))


ADDRESS = f"{'a' * 56}.onion"


@pytest.fixture
def onion_lab(tmp_path: Path) -> ReadyLab:
    """A lab whose project says what its onion services are called."""
    for service in ("server-onion", "mumble-onion"):
        file = tmp_path / "nodes" / service / places.in_project(places.ONION / "hostname")
        file.parent.mkdir(parents=True)
        file.write_text(f"{ADDRESS}\n")
    return replace(lab_of("onion"), directory=tmp_path)


@pytest.mark.parametrize(
    ("name", "service"), [("v-onion", "server-onion"), ("m-onion", "mumble-onion")]
)
def test_a_call_to_an_onion_service_plans_no_relay_and_closes_every_other_way(
    onion_lab: ReadyLab, name: str, service: str
) -> None:
    method, lab = METHODS.named(name), onion_lab
    path = planned(method, lab)
    server = lab.topology.node("server").address_on("internet")
    assert (path.circuit, path.exit_machine, path.closed) == ((), None, (server,))
    assert path.onion
    assert (path.onion.address, path.onion.service) == (ADDRESS, service)
    assert len(path.onion.relays) == 8
    points = captured(method, lab)
    assert list(points) == [point.name for point in method.points]
    access, served = points["access"].counted, points["service"].counted
    assert access and (access.near, access.far) == (lab.caller.links[0].address, None)
    assert served and (served.near, served.far, served.near_is_caller) == (server, None, False)
    assert points["service"].machine == "server"
    assert points["service"].packet_filter == f"host {server} and tcp port 9001"
    assert set(path.onion.relays) < set(machines_of(lab, path))
