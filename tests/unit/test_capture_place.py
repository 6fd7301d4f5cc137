"""Where `lab capture` captures: at points of calls, as the one under way has them, or anywhere."""

from __future__ import annotations

import os
import time
from dataclasses import replace

import pytest
from capturable_lab import CALL_ID, call, lab_of

from lab.capturing.overview import overview
from lab.capturing.place import Place, find_place
from lab.capturing.running_call import RunningCall, latest_call
from lab.capturing.words import address_names
from lab.ends import CALLEE, CALLER
from lab.errors import LabError
from lab.events import Began, CallBegan, CircuitOpened, Happening
from lab.events.told import Told
from lab.lifecycle.ready import ReadyLab

PAPER = lab_of("paper")


def where(lab: ReadyLab, asked: str, under_way: RunningCall | None = None) -> str:
    place = find_place(lab, asked, under_way)
    return f"{place.machine}:{place.network}"


@pytest.mark.parametrize(
    ("point", "found"),
    [
        ("access", "caller:home"),
        ("tunnel", "caller:tun0"),
        ("callee", "callee:office"),
        ("callee_access", "callee:office"),
        ("callee_tunnel", "callee:tun0"),
    ],
)
@pytest.mark.parametrize("under_way", [None, call("sip"), call("m-tor", "relay1", "relay2")])
def test_what_every_call_has_in_one_place_is_there_without_one(
    point: str, found: str, under_way: RunningCall | None
) -> None:
    assert where(PAPER, point, under_way) == found


@pytest.mark.parametrize("point", ["exit", "pbx-caller", "pbx-callee", "callee_exit", "service"])
def test_what_follows_the_call_is_nowhere_without_one(point: str) -> None:
    with pytest.raises(LabError) as raised:
        find_place(PAPER, point, None)
    assert raised.value.message == (
        f"where {point} is depends on the call, and none is under way in lab demo"
    )
    assert raised.value.hint == "Make one, or name a node and a network, such as relay2:hosting."


@pytest.mark.parametrize(
    ("topology", "under_way", "found"),
    [
        ("paper", call("v-tor", "authority", "relay1", "relay2"), "relay2:hosting"),
        ("paper", call("m-tor", "relay2", "relay1", "authority"), "authority:transit-2"),
        ("paper", call("vpn"), "relay2:hosting"),
        ("paper", call("sip"), "relay2:hosting"),
        ("world", call("v-tor", "paris", "montreal", "tokyo"), "tokyo:world"),
    ],
)
def test_the_exit_is_that_of_the_call_under_way(
    topology: str, under_way: RunningCall, found: str
) -> None:
    assert where(lab_of(topology), "exit", under_way) == found


def test_where_both_ends_are_hidden_each_has_an_exit() -> None:
    one_hidden = call("v-tor", "paris", "montreal", "tokyo")
    hidden = replace(
        one_hidden,
        circuits={**one_hidden.circuits, CALLEE: ("frankfurt", "singapore", "stockholm")},
    )
    world = lab_of("world")
    assert where(world, "exit", hidden) == "tokyo:world"
    assert where(world, "callee_exit", hidden) == "stockholm:world"
    with pytest.raises(LabError, match=rf"call {CALL_ID} has no point callee_exit, on the last"):
        find_place(world, "callee_exit", one_hidden)


def test_the_exchange_is_captured_where_this_call_comes_to_it() -> None:
    assert where(PAPER, "pbx-caller", call("sip")) == "server:hosting"
    assert where(PAPER, "pbx-caller", call("vpn")) == "server:tun0"
    assert where(PAPER, "pbx-callee", call("vpn")) == "server:office"


@pytest.mark.parametrize("point", ["exit", "callee_exit"])
def test_a_circuit_that_is_not_open_yet_is_not_guessed(point: str) -> None:
    with pytest.raises(LabError, match=f"call {CALL_ID} has not opened its circuit yet"):
        find_place(PAPER, point, call("v-tor"))


def test_a_point_that_the_call_has_not_is_said() -> None:
    on_one_network = lab_of("world")
    for lab, asked, under_way in (
        (on_one_network, "exit", call("sip")),
        (PAPER, "pbx-caller", call("mumble")),
    ):
        with pytest.raises(LabError, match=f"call {CALL_ID} has no point {asked}, "):
            find_place(lab, asked, under_way)


def test_a_callee_on_the_servers_machine_is_on_its_loopback() -> None:
    colocated = lab_of("world-colocated")
    place = find_place(colocated, "callee", None)
    assert (place.machine, place.network, place.interface) == ("server", "lo", "lo")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("caller", "caller:home"),
        ("caller:home", "caller:home"),
        ("caller:tun0", "caller:tun0"),
        ("relay1:transit-3", "relay1:transit-3"),
        ("server:office", "server:office"),
        ("mumble:hosting", "server:hosting"),
        ("pbx:lo", "server:lo"),
    ],
)
def test_any_interface_of_any_node(asked: str, found: str) -> None:
    assert where(PAPER, asked) == found


def test_a_link_is_found_by_its_address_and_a_device_by_its_name() -> None:
    office = find_place(PAPER, "server:office", None)
    assert office.address == PAPER.topology.node("server").address_on("office")
    assert office.interface is None
    tunnel = find_place(PAPER, "server:tun0", None)
    assert (tunnel.address, tunnel.interface) == (None, "tun0")
    assert str(office) == "server:office"
    assert str(find_place(PAPER, "callee", None)) == "callee (callee:office)"


@pytest.mark.parametrize(
    ("asked", "message", "hint"),
    [
        ("relay9", "lab demo has neither a point nor a node called relay9", "Its nodes: authority"),
        ("relay1", "relay1 has several interfaces", "relay1:transit-2, relay1:transit-3"),
        ("caller:office", "caller is not on a network called office", "caller:home, caller:tun0"),
        ("gateway:tun0", "gateway is not on a network called tun0", "gateway:home"),
    ],
)
def test_wrong_names_name_the_right_ones(asked: str, message: str, hint: str) -> None:
    with pytest.raises(LabError) as raised:
        find_place(PAPER, asked, None)
    assert raised.value.message == message
    assert hint in raised.value.hint


def test_a_topology_without_a_tunnel_has_no_such_point() -> None:
    nodes = tuple(replace(node, tunnel=None) for node in PAPER.topology.nodes)
    lab = replace(PAPER, topology=replace(PAPER.topology, nodes=nodes))
    with pytest.raises(LabError, match="lab demo has no point tunnel, inside the tunnel"):
        find_place(lab, "tunnel", None)
    assert where(lab, "access") == "caller:home"


def test_the_list_has_every_point_and_every_interface() -> None:
    listed = {one.point: one for one in overview(PAPER, call("v-tor", "authority", "relay2"))}
    assert listed["exit"].plain() == {
        "point": "exit",
        "about": "on the last hop to the server",
        "node": "relay2",
        "network": "hosting",
        "address": str(PAPER.topology.node("relay2").address_on("hosting")),
        "lacking": None,
    }
    assert listed["service"].place is None
    assert listed["service"].lacking == (
        f"call {CALL_ID} has no point service, on the link of the onion service, to its first relay"
    )
    assert {"gateway:transit-1", "server:lo", "callee:tun0"} <= set(listed)
    assert "mumble:hosting" not in listed
    assert listed["server:office"].place == Place(
        "server:office", "server", "office", PAPER.topology.node("server").address_on("office")
    )


def test_addresses_are_called_by_node_and_network() -> None:
    names = address_names(PAPER.topology)
    caller, server = PAPER.topology.node("caller"), PAPER.topology.node("server")
    assert names[caller.address_on("home")] == "caller/home"
    assert names[server.address_on("office")] == "server/office"
    assert caller.tunnel
    assert names[caller.tunnel] == "caller/tun0"
    assert names[PAPER.topology.vpn.server] == "server/tun0"


def told(what: Happening, pid: int = 7) -> Told:
    return Told(time.time(), "demo", "call", pid, what)


def test_the_call_under_way_is_what_its_command_has_told() -> None:
    began = told(CallBegan(CALL_ID, "v-tor", "PCMU"))
    first, other = CircuitOpened(("relay1", "relay2", "relay3")), CircuitOpened(("relay4",), CALLEE)
    assert latest_call([]) is None
    assert latest_call([told(Began("waiting"))]) is None
    assert latest_call([began, told(Began("opening the path"))]) == call("v-tor")
    whole = [began, told(first), told(other), told(Began("calling"))]
    both = {CALLER: first.relays, CALLEE: other.relays}
    assert latest_call(whole) == RunningCall(CALL_ID, "v-tor", both)
    stranger = [began, told(first, pid=os.getpid())]
    assert latest_call(stranger) == call("v-tor")
