"""Where the shared link sits: placements in the shipped topologies, and in others."""

from __future__ import annotations

from ipaddress import IPv4Network
from types import SimpleNamespace
from typing import cast

import pytest

from lab.errors import LabError, UsageError
from lab.lifecycle.ready import ReadyLab
from lab.shaping.cap import Cap, LinkPoint, find_link
from lab.shaping.live import points_of
from lab.shaping.placement import PLACEMENTS, locate, place
from lab.topology.load import find_topology, load_topology, parse_topology
from lab.topology.model import PbxKind, Topology
from lab.topology.resolve import resolve
from lab.topology.routes import link_towards
from lab.wire.shape import Direction, Queue, Shape, Way

BLOCK = IPv4Network("10.77.16.0/20")
OUT, IN = Direction.OUT, Direction.IN


def shipped(name: str) -> Topology:
    return resolve(load_topology(find_topology(name)), "default", BLOCK, PbxKind.KAMAILIO)


@pytest.mark.parametrize(
    ("placement", "to_caller", "to_callee"),
    [
        ("server", ("server", "hosting", OUT), ("server", "hosting", IN)),
        ("router", ("relay2", "hosting", IN), ("relay2", "hosting", OUT)),
        ("access", ("gateway", "home", OUT), ("gateway", "home", IN)),
        ("relay", ("relay1", "transit-2", OUT), ("authority", "transit-2", OUT)),
        ("exit", ("relay2", "transit-3", OUT), ("relay1", "transit-3", OUT)),
    ],
)
def test_placements_of_the_paper(
    placement: str, to_caller: tuple[str, str, Direction], to_callee: tuple[str, str, Direction]
) -> None:
    topology = shipped("paper")
    assert locate(topology, placement, towards_caller=True) == LinkPoint(*to_caller)
    assert locate(topology, placement, towards_caller=False) == LinkPoint(*to_callee)


def test_every_placement_is_tested_here() -> None:
    assert set(PLACEMENTS) == {"server", "router", "access", "relay", "exit"}


def test_the_relay_link_is_that_of_the_calls_own_circuit() -> None:
    """Relay 3 reaches relay 1 through relay 2: its link towards it is the one that is shared."""
    small = shipped("small")
    circuit = ("relay1", "relay3", "relay2")
    assert locate(small, "relay", towards_caller=True, circuit=circuit) == LinkPoint(
        "relay3", "inner-2"
    )
    assert locate(small, "relay", towards_caller=False, circuit=circuit) == LinkPoint(
        "relay1", "inner-1"
    )


def test_a_placement_becomes_a_cap() -> None:
    queue = Queue(limit=50)
    caps = place(shipped("paper"), "server", 10_000, queue, towards_caller=True)
    assert caps == (Cap(LinkPoint("server", "hosting", OUT), 10_000, queue),)
    assert caps[0].on(Shape()) == Shape(10_000, queue)
    assert str(caps[0]) == "server/hosting/out: 10mbit, htb pfifo 50 packets"


def test_a_cap_leaves_the_way_behind_it_as_long_as_it_was() -> None:
    way = Way(IPv4Network("10.128.0.0/24"), 40.0)
    far = Shape(100_000, delay_ms=20.0, loss_pct=0.5, ways=(way,))
    capped = Cap(LinkPoint("server", "hosting", OUT), 10_000, Queue(limit=300)).on(far)
    assert capped == Shape(10_000, Queue(limit=300), delay_ms=20.0, loss_pct=0.5, ways=(way,))


def test_what_cannot_be_placed_says_why() -> None:
    with pytest.raises(UsageError, match="there is no placement 'roof'") as caught:
        locate(shipped("paper"), "roof", towards_caller=True)
    assert "access" in caught.value.hint
    with pytest.raises(LabError, match="needs a circuit, and topology small fixes none"):
        locate(shipped("small"), "relay", towards_caller=True)


def test_a_server_beside_the_caller_has_no_router_in_front() -> None:
    text = find_topology("paper").read_text()
    text = text.replace(
        "      hosting: {rate: 100mbit}\n      office",
        "      home: {}\n      hosting: {}\n      office",
    )
    topology = resolve(parse_topology(text), "default", BLOCK, PbxKind.KAMAILIO)
    assert locate(topology, "server", towards_caller=True) == LinkPoint("server", "home")
    for placement in ("router", "access"):
        with pytest.raises(LabError, match="stands between caller and server"):
            locate(topology, placement, towards_caller=True)


def test_links_are_found_by_node_and_network() -> None:
    paper = shipped("paper")
    assert find_link(paper, "pbx", "office") is paper.node("server").links[1]
    with pytest.raises(UsageError, match="caller has no link to 'office'") as caught:
        find_link(paper, "caller", "office")
    assert caught.value.hint == "Its networks: home."
    with pytest.raises(UsageError, match="there is no node 'calller'; did you mean 'caller'"):
        find_link(paper, "calller", "home")
    with pytest.raises(UsageError, match="there is no node 'calller'"):
        points_of(cast(ReadyLab, SimpleNamespace(topology=paper)), "calller")


@pytest.mark.parametrize(
    ("exit_relay", "network"), [("relay1", "inner-1"), ("relay2", "inner-2"), ("relay3", "hosting")]
)
def test_an_exit_without_a_link_to_the_server_is_watched_where_it_sends(
    exit_relay: str, network: str
) -> None:
    topology = shipped("small")
    server = topology.node("server").address_on("hosting")
    assert link_towards(topology, topology.node(exit_relay), server).network == network
