"""What a TURN server and its phones are given: TCP alone, closed to strangers, own passwords."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network

import pytest

from lab.render.project import node_files
from lab.render.secrets import generate_secrets
from lab.render.turn import render_turn, turn_address
from lab.topology.load import find_topology, load_topology
from lab.topology.model import PbxKind, Topology
from lab.topology.resolve import resolve


@pytest.fixture(scope="module")
def paper() -> Topology:
    raw = load_topology(find_topology("paper"))
    return resolve(raw, "test", IPv4Network("10.99.0.0/16"), PbxKind.KAMAILIO)


def lines(topology: Topology) -> set[str]:
    text = render_turn(topology, {"caller": "secret"})
    return {line for line in text.splitlines() if line and not line.startswith("#")}


def test_it_listens_and_relays_at_the_side_of_the_exit_relay(paper: Topology) -> None:
    address = paper.node("server").address_on("hosting")
    assert turn_address(paper) == address
    assert {f"listening-ip={address}", f"relay-ip={address}"} <= lines(paper)


def test_phones_reach_it_over_tcp_alone(paper: Topology) -> None:
    assert {"no-udp", "no-dtls", "no-tls", "no-tcp-relay", "listening-port=3478"} <= lines(paper)


def test_it_relays_to_its_own_relayed_addresses_and_to_nobody_else(paper: Topology) -> None:
    peers = {line for line in lines(paper) if "peer" in line}
    assert peers == {
        f"allowed-peer-ip={turn_address(paper)}",
        "denied-peer-ip=0.0.0.0-255.255.255.255",
        "denied-peer-ip=::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "no-multicast-peers",
    }


def test_nobody_without_a_password_and_no_administrator_comes_in(paper: Topology) -> None:
    assert {"lt-cred-mech", "no-cli", "user=caller:secret"} <= lines(paper)


def test_every_phone_has_a_password_of_its_own_which_the_server_alone_knows_too(
    paper: Topology,
) -> None:
    known = generate_secrets(paper)
    files = {node.name: node_files(paper, node, known) for node in paper.nodes}
    own = {name: each["turn/password"] for name, each in files.items() if "turn/password" in each}
    assert set(own) == {"caller", "client", "callee"}
    assert len(set(own.values())) == 3
    [server] = [name for name, each in files.items() if "turn/turnserver.conf" in each]
    text = files[server]["turn/turnserver.conf"].decode()
    assert all(f"user={name}:{password.decode()}\n" in text for name, password in own.items())
    assert generate_secrets(paper).passwords["turn"] != known.passwords["turn"]


def test_a_lab_without_a_turn_server_has_neither_address_nor_secrets(paper: Topology) -> None:
    bare = replace(paper, nodes=tuple(node for node in paper.nodes if node.role != "turn"))
    assert turn_address(bare) is None
    assert "turn" not in generate_secrets(bare).passwords
