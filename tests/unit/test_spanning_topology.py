"""A lab that spans hosts is planned once, and each host has its part of that."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network

import pytest

from lab.lifecycle.hosts import Crossing, crossings
from lab.render.spans import joints, mtu_of, parts, spanning
from lab.topology.load import find_topology, load_topology, parse_topology
from lab.topology.mistakes import TopologyError
from lab.topology.model import HERE, PbxKind, Topology
from lab.topology.resolve import resolve

BLOCK = IPv4Network("10.77.16.0/20")
TEXT = find_topology("two-hosts").read_text()
RELAY1 = "  relay1:\n    role: relay\n    links:\n"
ENGINE = "ssh://you@192.0.2.2"
US = "here: {underlay: 192.0.2.1}"
THIRD = "  third: {engine: ssh://you@c, underlay: 192.0.2.3}"


def resolved(text: str = TEXT) -> Topology:
    return resolve(parse_topology(text), "lab", BLOCK, PbxKind.KAMAILIO)


def changed(*changes: tuple[str, str]) -> str:
    text = TEXT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return text


def test_every_node_is_on_one_host_with_its_guests_and_helpers() -> None:
    here, other = parts(resolved())
    assert (here.host, here.engine, here.file) == (HERE, "", "compose.yaml")
    assert (other.engine, other.file) == ("ssh://you@192.0.2.2", "compose.other.yaml")
    assert [node.name for node in other.nodes] == ["relay2", "callee"]
    assert set(other.services) == {"relay2", "relay2_net", "callee", "callee_net"}
    assert {"server", "pbx", "pbx-media", "caller_net"} <= set(here.services)
    every = [name for part in (here, other) for name in part.services]
    assert len(every) == len(set(every))


def test_hosts_change_no_address() -> None:
    without = re.sub(r"hosts:\n(  .*\n)+", "", TEXT).replace("    host: other\n", "")
    assert "other:" not in without
    one, two = resolved(without), resolved()
    assert [node.links for node in one.nodes] == [node.links for node in two.nodes]
    [whole] = parts(one)
    assert (whole.nodes, whole.networks, mtu_of(one)) == (one.nodes, one.networks, None)
    assert spanning(one) == ()


def test_a_network_of_two_hosts_goes_on_at_the_other_ones_address() -> None:
    topology = resolved()
    for name, near, far in (
        (HERE, "192.0.2.1", "192.0.2.2"),
        ("other", "192.0.2.2", "192.0.2.1"),
    ):
        [joint] = joints(topology, topology.host(name), {"lan": "br-1"})
        assert (joint.near, joint.far) == (IPv4Address(near), (IPv4Address(far),))
        assert (joint.identifier, joint.mtu, joint.bridge) == (0x0A4D10, 1450, "br-1")
        assert joint.device == "vtlab-0a4d10"


def test_a_network_of_one_host_is_not_joined() -> None:
    local = changed(
        ("networks:\n", "networks:\n  own: {}\n"),
        (RELAY1, f"{RELAY1}      own: {{}}\n"),
    )
    topology = resolved(local)
    assert [network.name for network in spanning(topology)] == ["lan"]
    here, other = parts(topology)
    assert [network.name for network in here.networks] == ["own", "lan"]
    assert [network.name for network in other.networks] == ["lan"]


@pytest.mark.parametrize(
    ("mtus", "largest"), [((1500, 1500), 1450), ((1400, 1500), 1350), ((9000, 9000), 1500)]
)
def test_packets_leave_room_for_vxlan(mtus: tuple[int, int], largest: int) -> None:
    topology = resolved(
        changed(
            ("underlay: 192.0.2.1", f"underlay: 192.0.2.1, mtu: {mtus[0]}"),
            ("underlay: 192.0.2.2", f"underlay: 192.0.2.2, mtu: {mtus[1]}"),
        )
    )
    assert mtu_of(topology) == largest


def test_every_host_is_reached_once_over_every_network() -> None:
    topology = resolved()
    assert list(crossings(topology)) == [
        Crossing("lan", topology.node("caller"), topology.node("relay2"))
    ]


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        (
            "host: other",
            "host: othre",
            "nodes.relay2.host",
            "'othre'; did you mean 'other'?",
        ),
        (ENGINE, "tcp://192.0.2.2:2375", "hosts.other.engine", "an engine by TCP"),
        (
            ENGINE,
            "ssh://-oProxyCommand=x",
            "hosts.other.engine",
            "not the address of",
        ),
        ('engine: "ssh://you@192.0.2.2", ', "", "hosts.other", "lacks its `engine`"),
        ("here: {", "here: {engine: ssh://a, ", "hosts.here.engine", "is not for 'here'"),
        ("here: {underlay: 192.0.2.1}", "", "hosts", "lacks 'here'"),
        ("underlay: 192.0.2.1", "underlay: 192.0.2.2", "hosts.other.underlay", "of host 'here'"),
        (
            "here: {underlay: 192.0.2.1}",
            f"{US}\n{THIRD}",
            "hosts.third",
            "has no node; put one on it",
        ),
        (
            "    on: server",
            "    on: server\n    host: other",
            "nodes.pbx.host",
            "one of its machine",
        ),
    ],
)
def test_one_mistake_is_reported_where_it_is(old: str, new: str, place: str, message: str) -> None:
    with pytest.raises(TopologyError) as caught:
        parse_topology(changed((old, new)))
    [mistake] = caught.value.mistakes
    assert (mistake.place, message in mistake.message) == (place, True), mistake


def test_two_hosts_have_two_engines() -> None:
    third = THIRD.replace("ssh://you@c", ENGINE)
    text = changed((US, f"{US}\n{third}"), ("host: other", "host: third"))
    with pytest.raises(TopologyError, match="engine: is that of host 'third' already") as caught:
        parse_topology(text)
    assert len(caught.value.mistakes) == 1


def test_a_host_without_hosts_is_a_mistake() -> None:
    text = find_topology("paper").read_text()
    with pytest.raises(TopologyError, match="the topology has no `hosts`"):
        parse_topology(text.replace("  caller:\n", "  caller:\n    host: other\n", 1))


def test_a_node_must_stay_here() -> None:
    away = re.sub(r"(    role: (?!pbx).*\n)(?!    host)", r"\1    host: other\n", TEXT)
    with pytest.raises(TopologyError, match="leave one on this host"):
        parse_topology(away)


def test_subnets_are_told_apart_by_their_first_three_bytes() -> None:
    text = changed(
        ("  lan: {}", "  lan: {subnet: 10.9.0.0/25}\n  own: {subnet: 10.9.0.128/25}"),
        ("    links:\n      lan: {}", "    links:\n      own: {}\n      lan: {}"),
    )
    with pytest.raises(TopologyError, match="lies in one /24 with that of network 'lan'"):
        parse_topology(text)


def test_the_shipped_one_is_right() -> None:
    assert [*load_topology(find_topology("two-hosts")).hosts] == ["here", "other"]
