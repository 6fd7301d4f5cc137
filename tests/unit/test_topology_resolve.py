"""Resolving: addresses, tunnel and routes, exactly as documented."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

import pytest
import yaml

from lab.errors import LabError
from lab.topology.load import find_topology, load_topology, parse_topology
from lab.topology.mistakes import TopologyError
from lab.topology.model import Link, Network, Node, PbxKind, PbxProfile, Topology
from lab.topology.resolve import resolve
from lab.topology.routes import shortest_routes
from lab.wire.plain import from_plain, to_plain
from lab.wire.shape import Direction, FifoKind, Queue, Shape, ShaperKind

BLOCK = IPv4Network("10.77.16.0/20")


def shipped(name: str, pbx: PbxKind = PbxKind.FREESWITCH) -> Topology:
    return resolve(load_topology(find_topology(name)), "default", BLOCK, pbx)


def changed(*changes: tuple[str, str]) -> Topology:
    """The paper's topology with each old text replaced once, resolved."""
    text = find_topology("paper").read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return resolve(parse_topology(text), "default", BLOCK, PbxKind.FREESWITCH)


def path_between(topology: Topology, source: str, network: str) -> list[str]:
    """The nodes a packet crosses from `source` until one stands on `network`."""
    owners = {link.address: node for node in topology.nodes for link in node.links}
    destination = topology.network(network).subnet
    node, path = topology.machine(source), []
    while all(link.network != network for link in node.links):
        [via] = [route.via for route in node.routes if route.destination == destination]
        node = owners[via]
        path.append(node.name)
        assert len(path) <= len(topology.nodes), f"a loop: {path[:10]}"
    return path


def test_the_papers_addresses() -> None:
    topology = shipped("paper")
    assert [(network.name, str(network.subnet)) for network in topology.networks] == [
        ("home", "10.77.16.0/24"),
        ("transit-1", "10.77.17.0/24"),
        ("transit-2", "10.77.18.0/24"),
        ("transit-3", "10.77.19.0/24"),
        ("hosting", "10.77.20.0/24"),
        ("office", "10.77.21.0/24"),
    ]
    assert {str(network.bridge).rsplit(".", 1)[1] for network in topology.networks} == {"1"}
    assert {
        node.name: [(link.network, str(link.address)) for link in node.links]
        for node in topology.nodes
    } == {
        "gateway": [("home", "10.77.16.2"), ("transit-1", "10.77.17.2")],
        "caller": [("home", "10.77.16.3")],
        "client": [("home", "10.77.16.4")],
        "authority": [("transit-1", "10.77.17.3"), ("transit-2", "10.77.18.2")],
        "relay1": [("transit-2", "10.77.18.3"), ("transit-3", "10.77.19.2")],
        "relay2": [("transit-3", "10.77.19.3"), ("hosting", "10.77.20.2")],
        "server": [("hosting", "10.77.20.3"), ("office", "10.77.21.2")],
        "pbx": [],
        "web": [],
        "mumble": [],
        "turn": [],
        "callee": [("office", "10.77.21.3")],
    }
    assert {link.rate_kbps for node in topology.nodes for link in node.links} == {100_000}


def test_each_direction_of_a_link_has_its_own_rate_and_queue() -> None:
    topology = changed(
        (
            "hosting: {rate: 100mbit}\n      office",
            "hosting: {rate: 10mbit, in: {rate: 5mbit, queue: {kind: tbf, bytes: 30000}}, "
            "delay: 1.5ms, loss: 0.5%}\n      office",
        )
    )
    hosting, office = topology.node("server").links
    assert hosting.sends == Shape(10_000, Queue(), delay_ms=1.5, loss_pct=0.5)
    assert hosting.receives == Shape(5_000, Queue(ShaperKind.TBF, FifoKind.BFIFO, 30_000))
    assert hosting.rate_kbps == 10_000
    assert str(hosting.shape(Direction.IN)) == "5mbit, tbf bfifo 30000 bytes"
    assert office.sends == Shape(100_000, Queue(ShaperKind.HTB, FifoKind.PFIFO, 200))
    assert office.receives is None
    assert office.shape(Direction.IN).is_open


@pytest.mark.parametrize(
    "shape",
    [
        Shape(),
        Shape(64),
        Shape(2_000, Queue(ShaperKind.TBF, FifoKind.BFIFO, 1514), delay_ms=20.0, loss_pct=0.25),
        Shape(delay_ms=20.0),
    ],
)
def test_what_a_node_is_told_of_a_shape_says_it_all(shape: Shape) -> None:
    assert from_plain(Shape, json.loads(json.dumps(to_plain(shape)))) == shape


def test_the_papers_tunnel_has_the_last_subnet_of_the_block() -> None:
    topology = shipped("paper")
    assert topology.vpn.subnet == IPv4Network("10.77.31.0/24")
    assert topology.vpn.server == IPv4Address("10.77.31.1")
    assert {node.name: str(node.tunnel) for node in topology.nodes if node.tunnel} == {
        "caller": "10.77.31.2",
        "client": "10.77.31.3",
        "callee": "10.77.31.4",
    }


def test_the_papers_routes() -> None:
    """By the number of the network: home is 16, office is 21."""
    by_node = {
        node.name: {str(route.destination).split(".")[2]: str(route.via) for route in node.routes}
        for node in shipped("paper").nodes
    }
    right = {"gateway": "10.77.17.3", "authority": "10.77.18.3", "relay1": "10.77.19.3"}
    left = {"authority": "10.77.17.2", "relay1": "10.77.18.2", "relay2": "10.77.19.2"}
    assert by_node == {
        "gateway": dict.fromkeys(("18", "19", "20", "21"), right["gateway"]),
        "caller": dict.fromkeys(("17", "18", "19", "20", "21"), "10.77.16.2"),
        "client": dict.fromkeys(("17", "18", "19", "20", "21"), "10.77.16.2"),
        "authority": {"16": left["authority"]}
        | dict.fromkeys(("19", "20", "21"), right["authority"]),
        "relay1": dict.fromkeys(("16", "17"), left["relay1"])
        | dict.fromkeys(("20", "21"), right["relay1"]),
        "relay2": dict.fromkeys(("16", "17", "18"), left["relay2"]) | {"21": "10.77.20.3"},
        "server": dict.fromkeys(("16", "17", "18", "19"), "10.77.20.2"),
        "pbx": {},
        "web": {},
        "mumble": {},
        "turn": {},
        "callee": dict.fromkeys(("16", "17", "18", "19", "20"), "10.77.21.2"),
    }


def test_a_direct_call_crosses_the_hosts_of_the_circuit() -> None:
    topology = shipped("paper")
    there = path_between(topology, "caller", "office")
    assert there == ["gateway", "authority", "relay1", "relay2", "server"]
    assert path_between(topology, "callee", "home") == there[::-1]
    assert topology.tor.circuit == ("authority", "relay1", "relay2")


def test_roles_of_the_paper() -> None:
    topology = shipped("paper")
    assert topology.authority.name == "authority"
    assert [node.name for node in topology.with_role("relay")] == [
        "authority",
        "relay1",
        "relay2",
    ]
    assert topology.machine("pbx").name == "server"
    assert [node.name for node in topology.nodes if node.forwards] == [
        "gateway",
        "authority",
        "relay1",
        "relay2",
        "server",
    ]


def test_the_small_topologys_authority_carries_no_voice() -> None:
    topology = shipped("small")
    assert topology.tor.circuit == ()
    assert [relay.name for relay in topology.circuit_relays] == ["relay1", "relay2", "relay3"]
    assert "authority" not in path_between(topology, "caller", "office")


def test_with_three_relays_in_all_each_is_eligible() -> None:
    assert len(shipped("paper").circuit_relays) == 3


def test_the_stock_profile_is_freeswitchs_alone() -> None:
    text = f"{find_topology('small').read_text()}\npbx_profile: stock\n"
    assert parse_topology(text).wanted_pbx == "freeswitch"
    with pytest.raises(TopologyError, match="stock is FreeSWITCH's own profile"):
        parse_topology(f"{text}pbx: kamailio\n")


def test_kamailio_gets_a_media_proxy_beside_it() -> None:
    topology = shipped("paper", PbxKind.KAMAILIO)
    proxy = topology.node("pbx-media")
    assert (proxy.role, proxy.on, proxy.links) == ("media-proxy", "server", ())
    others = tuple(node for node in topology.nodes if node != proxy)
    other = replace(topology, pbx=PbxKind.FREESWITCH, pbx_profile=PbxProfile.STEADY)
    assert replace(other, nodes=others) == shipped("paper")


def test_fixed_subnets_and_addresses_are_kept() -> None:
    topology = changed(
        ("  transit-1: {}", "  transit-1: {subnet: 192.168.7.0/28}"),
        ("  office: {}", "  office: {subnet: 10.77.17.0/25}"),
        ("      transit-1: {rate: 100mbit}", "      transit-1: {address: 192.168.7.3}"),
    )
    assert [str(network.subnet) for network in topology.networks] == [
        "10.77.16.0/24",
        "192.168.7.0/28",
        "10.77.18.0/24",
        "10.77.19.0/24",
        "10.77.20.0/24",
        "10.77.17.0/25",
    ]
    assert str(topology.node("gateway").address_on("transit-1")) == "192.168.7.3"
    assert str(topology.node("authority").address_on("transit-1")) == "192.168.7.2"


def test_a_full_network_is_filled_to_its_last_address() -> None:
    topology = changed(("  home: {}", "  home: {subnet: 10.9.0.0/29}"))
    taken = [link.address for n in topology.nodes for link in n.links if link.network == "home"]
    assert len(set(taken)) == 3
    assert all(address in topology.network("home").subnet for address in taken)


def test_a_block_that_is_too_small() -> None:
    raw = load_topology(find_topology("paper"))
    with pytest.raises(TopologyError, match=r"needs 7 subnets of /24, but .* has 4 free"):
        resolve(raw, "default", IPv4Network("10.0.0.0/22"), PbxKind.FREESWITCH)


@pytest.mark.parametrize("name", ["", "Mine", "a/b", "-x", "x" * 31, "a\nb"])
def test_names_that_no_lab_can_have(name: str) -> None:
    with pytest.raises(LabError, match="cannot be the name of a lab"):
        resolve(load_topology(find_topology("paper")), name, BLOCK, PbxKind.FREESWITCH)


def test_ties_are_decided_for_the_nodes_of_the_circuit() -> None:
    """Four gateways side by side: the one of the circuit is taken, else the first."""

    def through(preferred: tuple[str, ...]) -> IPv4Address:
        names = ("a", "b", "c", "d")
        networks = tuple(
            Network(name, IPv4Network(f"10.0.{n}.0/24"), IPv4Address(f"10.0.{n}.1"))
            for n, name in enumerate(("left", "right"))
        )
        nodes = [
            Node(
                name=name,
                role="router",
                links=tuple(
                    Link(network.name, network.subnet[2 + n], None) for network in networks
                ),
                on=None,
                routes=(),
                forwards=True,
            )
            for n, name in enumerate(names)
        ]
        phone = Node(
            "phone", "endpoint", (Link("left", networks[0].subnet[9], None),), None, (), False
        )
        [route] = shortest_routes([*nodes, phone], networks, preferred)["phone"]
        return route.via

    assert through(()) == IPv4Address("10.0.0.2")
    assert through(("c",)) == IPv4Address("10.0.0.4")


def tiered(relays: int) -> str:
    """YAML of an authority and `relays` - 1 more relays in tiers of guards, middles, exits."""
    tiers = [
        ("guard", "guards", "middles"),
        ("middle", "middles", "exits"),
        ("exit", "exits", "hosting"),
    ]
    nodes: dict[str, object] = {
        "gateway": {"role": "router", "links": {"home": {}, "guards": {}}},
        "caller": {
            "role": "endpoint",
            "links": {"home": {"rate": "10mbit"}},
            "extension": 1001,
            "tor": True,
            "vpn": True,
        },
        "authority": {"role": "relay", "authority": True, "links": {"guards": {}}},
    }
    for index in range(relays - 1):
        tier, near, far = tiers[index % 3]
        nodes[f"{tier}-{index // 3 + 1}"] = {"role": "relay", "links": {near: {}, far: {}}}
    nodes |= {
        "server": {"role": "vpn-server", "links": {"hosting": {}, "office": {}}},
        "pbx": {"role": "pbx", "on": "server"},
        "callee": {"role": "endpoint", "links": {"office": {}}, "extension": 1008},
    }
    networks = ["home", "guards", "middles", "exits", "hosting", "office"]
    topology = {"name": f"tiers-{relays}", "networks": dict.fromkeys(networks), "nodes": nodes}
    return yaml.safe_dump(topology, sort_keys=False)


def test_fifty_relays_in_three_tiers() -> None:
    raw = parse_topology(tiered(relays=50))
    topology = resolve(raw, "big", BLOCK, PbxKind.KAMAILIO)
    assert len(topology.with_role("relay")) == 50
    assert path_between(topology, "caller", "office") == [
        "gateway",
        "guard-1",
        "middle-1",
        "exit-1",
        "server",
    ]
    for node in topology.nodes:
        if node.links:
            assert len(node.routes) == len(topology.networks) - len(node.links)


@pytest.mark.parametrize("seed", range(20))
def test_answers_come_back_the_way_the_question_went(seed: int) -> None:
    """On random meshes of routers: no loops, and the same path in both directions."""
    chosen = random.Random(seed)
    networks = tuple(
        Network(f"n{n}", IPv4Network(f"10.0.{n}.0/24"), IPv4Address(f"10.0.{n}.1"))
        for n in range(8)
    )
    nodes = []
    for number in range(20):
        joined = chosen.sample(networks, 2)
        if number < 7:
            joined = [networks[number], networks[number + 1]]
        links = tuple(Link(network.name, network.subnet[number + 2], None) for network in joined)
        nodes.append(Node(f"r{number}", "router", links, None, (), True))
    for number, network in enumerate(networks):
        links = (Link(network.name, network.subnet[100], None),)
        nodes.append(Node(f"h{number}", "endpoint", links, None, (), False))
    preferred = chosen.sample([node.name for node in nodes[:20]], 3)
    routes = shortest_routes(nodes, networks, preferred)
    template = shipped("paper")
    mesh = replace(
        template,
        networks=networks,
        nodes=tuple(replace(node, routes=routes[node.name]) for node in nodes),
    )
    for one in range(8):
        for other in range(one):
            there = path_between(mesh, f"h{one}", f"n{other}")
            assert there == path_between(mesh, f"h{other}", f"n{one}")[::-1]


def test_a_guest_stands_where_its_machine_does() -> None:
    places = shipped("world").places
    assert (places["caller"], places["callee"]) == ("Bangalore", "New York")
    assert places["pbx"] == places["mumble"] == places["server"] == "London"
    assert shipped("paper").places == {}
