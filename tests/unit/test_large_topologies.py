"""A topology of many nodes and networks is resolved and rendered like a small one, and as fast."""

from __future__ import annotations

import time
from collections import Counter
from ipaddress import IPv4Network
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest
import yaml

import lab
from lab.lifecycle.pbx_choice import PbxChoice
from lab.lifecycle.plan import block_for, plan_lab, render_plan
from lab.topology.load import find_topology, parse_topology, read_topology
from lab.topology.mistakes import TopologyError
from lab.topology.model import PbxKind, Topology
from lab.topology.raw import RawTopology
from lab.topology.resolve import resolve
from lab.wire.shape import MAX_DELAYED_SIDES, Direction

SITES = 19
RELAYS = 60
RESOLVE_S = 2.0
"""It takes 0.2 s on two cores that have nothing else to do."""


def world(sites: int = SITES, relays: int = RELAYS, endpoints: int = 36) -> str:
    """YAML of a ring of sites: behind the router of each a network of phones and relays."""
    networks = [*(f"wan-{n}" for n in range(sites)), *(f"site-{n}" for n in range(sites))]
    nodes: dict[str, object] = {}
    for n in range(sites):
        links = [f"wan-{n}", f"wan-{(n + 1) % sites}", f"site-{n}"]
        nodes[f"router-{n}"] = {"role": "router", "links": dict.fromkeys(links)}
    for n in range(relays):
        nodes[f"relay-{n}"] = {"role": "relay", "links": {f"site-{n % sites}": {}}}
    nodes["relay-0"] = {"role": "relay", "authority": True, "links": {"site-0": {}}}
    for n in range(endpoints):
        nodes[f"phone-{n}"] = {
            "role": "endpoint",
            "links": {f"site-{(n + 7) % sites}": {"rate": "10mbit"}},
            "extension": 1000 + n,
            "tor": n % 2 == 0,
            "vpn": True,
        }
    nodes["server"] = {"role": "vpn-server", "links": {"hosting": {}, "office": {}}}
    nodes["border"] = {"role": "router", "links": {"wan-3": {}, "hosting": {}}}
    for guest in ("pbx", "web"):
        nodes[guest] = {"role": guest, "on": "server"}
    nodes["callee"] = {"role": "endpoint", "links": {"office": {}}, "extension": 999}
    networks += ["hosting", "office"]
    topology = {"name": "world", "networks": dict.fromkeys(networks), "nodes": nodes}
    return yaml.safe_dump(topology, sort_keys=False)


@pytest.fixture(scope="module")
def raw() -> RawTopology:
    return parse_topology(world())


@pytest.fixture(scope="module")
def topology(raw: RawTopology) -> Topology:
    return resolve(raw, "world", block_for(raw, []), PbxKind.KAMAILIO)


def test_it_is_as_large_as_it_should_be(raw: RawTopology) -> None:
    assert (len(raw.nodes), len(raw.networks)) == (120, 40)


def test_its_block_has_a_subnet_for_every_network(raw: RawTopology, topology: Topology) -> None:
    assert topology.block == IPv4Network("10.128.0.0/18")
    subnets = [*(network.subnet for network in topology.networks), topology.vpn.subnet]
    assert all(subnet.subnet_of(topology.block) for subnet in subnets)
    assert len(set(subnets)) == 41
    addresses = Counter(link.address for node in topology.nodes for link in node.links)
    assert addresses.most_common(1)[0][1] == 1
    beside = block_for(raw, [topology.block, IPv4Network("10.128.64.0/20")])
    assert beside == IPv4Network("10.128.128.0/18")


def test_every_machine_has_a_route_to_every_network(topology: Topology) -> None:
    for node in topology.nodes:
        if node.links:
            assert len(node.links) + len(node.routes) == len(topology.networks), node.name


def test_resolving_takes_no_time_that_a_user_would_notice(raw: RawTopology) -> None:
    began = time.process_time()
    resolve(raw, "world", block_for(raw, []), PbxKind.KAMAILIO)
    assert time.process_time() - began < RESOLVE_S


def test_its_project_has_every_node(topology: Topology, tmp_path: Path) -> None:
    file = tmp_path / "world.yaml"
    file.write_text(world())
    plan = plan_lab(read_topology(file), None, topology.block, PbxChoice(PbxKind.KAMAILIO, "test"))
    project = render_plan(plan)
    compose = yaml.safe_load(project.files["compose.yaml"])
    machines = [node for node in topology.nodes if node.on is None]
    assert len(topology.nodes) == 121, "with the media proxy beside Kamailio"
    assert len(compose["services"]) == len(topology.nodes) + len(machines)
    assert len(compose["networks"]) == 40
    torrcs = [name for name in project.files if name.endswith("tor/torrc")]
    assert len(torrcs) == RELAYS + 18


def test_a_small_lab_has_the_block_it_always_had() -> None:
    def block(networks: int) -> IPv4Network:
        names = dict.fromkeys(f"n{number}" for number in range(networks))
        return block_for(RawTopology(name="some", networks=names, nodes={}), [])

    assert [block(n).prefixlen for n in (1, 15, 16, 31, 32, 255)] == [20, 20, 19, 19, 18, 16]


def test_a_fixed_subnet_is_not_in_the_block() -> None:
    subnet = IPv4Network("10.128.3.0/24")
    raw = RawTopology.model_validate(
        {"name": "some", "networks": {"a": {"subnet": str(subnet)}}, "nodes": {}}
    )
    assert block_for(raw, []) == IPv4Network("10.128.16.0/20")


def test_more_networks_than_the_largest_block_holds_are_a_mistake() -> None:
    with pytest.raises(TopologyError, match=r"has 256 networks .* a lab has at most 255"):
        parse_topology(world(sites=127, relays=3, endpoints=1))


def test_two_hundred_delayed_links_have_a_delay_line_for_each_machine(tmp_path: Path) -> None:
    """A hundred phones, both directions of whose links take time."""
    link = {"delay": "20ms", "in": {"delay": "30ms"}}
    phones = {f"phone{n}": {"role": "endpoint", "links": {"wan": link}} for n in range(100)}
    file = tmp_path / "late.yaml"
    file.write_text(beside_paper({"wan": {}}, phones, gateway={"wan": {}}))
    plan = plan_lab(read_topology(file), None, IPv4Network("10.128.0.0/16"))
    late = [node for node in plan.topology.nodes if node.has_delays]
    sides = [link.shape(way).delay_ms for node in late for link in node.links for way in Direction]
    assert (len(late), len(sides), set(sides)) == (100, 200, {20.0, 30.0})
    compose = yaml.safe_load(render_plan(plan).files["compose.yaml"])
    assert len([name for name in compose["services"] if name.endswith("_delay")]) == 100


def test_a_machine_with_more_delayed_links_than_its_line_has_room_for_is_a_mistake() -> None:
    def hub(links: int) -> str:
        names = [f"n{number}" for number in range(links)]
        late = {name: {"delay": "20ms", "in": {"loss": "1%"}} for name in names}
        leaves = {f"leaf-{n}": {"role": "endpoint", "links": {n: {}}} for n in names}
        return beside_paper(dict.fromkeys(names), leaves, gateway=late)

    parse_topology(hub(32))
    with pytest.raises(TopologyError, match=r"gateway.*66 directions .* 64: spread the links"):
        parse_topology(hub(33))


def beside_paper(networks: dict[str, Any], nodes: dict[str, Any], gateway: dict[str, Any]) -> str:
    """YAML of `paper` with these networks and nodes, and links of its gateway, besides."""
    text = find_topology("paper").read_text(encoding="utf-8")
    for key, more in (("networks:\n", networks), ("nodes:\n", nodes)):
        text = text.replace(key, key + indent(yaml.safe_dump(more), "  "), 1)
    its_links = "  gateway:\n    role: router\n    links:\n"
    assert its_links in text
    return text.replace(its_links, its_links + indent(yaml.safe_dump(gateway), "      "), 1)


def test_the_delay_line_has_as_much_room_as_topologies_are_held_to() -> None:
    program = Path(lab.__file__).parents[1] / "images" / "delay-line" / "delay_line.c"
    assert f"#define MAX_PIPES {MAX_DELAYED_SIDES}\n" in program.read_text()
