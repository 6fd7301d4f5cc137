"""The torrc of each kind of node, word for word, and what the agents are told."""

from __future__ import annotations

import json
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.render.secrets import LabSecrets
from lab.render.tor_keys import RelayKeys, TorKeys
from lab.render.torrc import nickname, node_address, render_torrc, tor_files
from lab.topology.model import (
    Link,
    Network,
    Node,
    PbxKind,
    Topology,
    TorSettings,
    Vpn,
)

GOLDEN = Path(__file__).parent / "golden" / "tor"


def node(name: str, role: str, *addresses: str) -> Node:
    links = tuple(Link("net", IPv4Address(address), None) for address in addresses)
    return Node(name=name, role=role, links=links, on=None, routes=(), forwards=False)


TOPOLOGY = Topology(
    lab="demo",
    name="two",
    description="",
    block=IPv4Network("10.77.0.0/20"),
    networks=(Network("net", IPv4Network("10.77.1.0/24"), IPv4Address("10.77.1.1")),),
    nodes=(
        replace(node("authority", "relay", "10.77.1.2", "10.77.2.2"), authority=True),
        node("relay-1", "relay", "10.77.2.3", "10.77.3.2"),
        replace(node("caller", "endpoint", "10.77.1.10"), tor=True),
    ),
    pbx=PbxKind.KAMAILIO,
    codecs=("PCMU",),
    vpn=Vpn(IPv4Network("10.77.15.0/24"), IPv4Address("10.77.15.1"), 1194, "AES-256-GCM", "SHA1"),
    tor=TorSettings(voting_interval_s=30, circuit=()),
    congestion_control="cubic",
)
KEYS = TorKeys(
    relays={
        "authority": RelayKeys("A" * 40, {"secret_id_key": b"one", "authority_signing_key": b"2"}),
        "relay-1": RelayKeys("B" * 40, {"secret_id_key": b"three"}),
    },
    v3ident="C" * 40,
)
SECRETS = LabSecrets({}, {}, KEYS)


@pytest.mark.parametrize("name", ["authority", "relay-1", "caller"])
def test_the_torrc_is_the_golden_one(name: str) -> None:
    assert render_torrc(TOPOLOGY, TOPOLOGY.node(name), KEYS) == (GOLDEN / name).read_text()


def test_a_relay_gets_its_own_keys_and_no_others() -> None:
    files = tor_files(TOPOLOGY, TOPOLOGY.node("relay-1"), SECRETS)
    assert {name: files[name] for name in files if "keys" in name} == {
        "tor/keys/secret_id_key": b"three"
    }


def test_a_client_gets_no_key() -> None:
    files = tor_files(TOPOLOGY, TOPOLOGY.node("caller"), SECRETS)
    assert set(files) == {"tor/torrc", "tor/network.json"}


def test_the_agents_are_told_where_the_directory_is_and_whom_to_expect() -> None:
    files = tor_files(TOPOLOGY, TOPOLOGY.node("relay-1"), SECRETS)
    assert json.loads(files["tor/network.json"]) == {
        "node": "relay-1",
        "authority": False,
        "directory": "10.77.1.2:9030",
        "voting_interval_s": 30,
        "relays": {"authority": "A" * 40, "relay-1": "B" * 40},
        "bridges": {},
        "transports": {},
        "told_options": [],
        "nodelay": None,
    }


def test_a_node_on_anothers_machine_has_that_machines_address() -> None:
    guest = replace(node("guest", "relay"), on="relay-1")
    topology = replace(TOPOLOGY, nodes=(*TOPOLOGY.nodes, guest))
    assert node_address(topology, guest) == IPv4Address("10.77.2.3")


@pytest.mark.parametrize("interval_s", [5, 7, 35, 3600])
def test_an_interval_that_tor_would_refuse_is_an_error(interval_s: int) -> None:
    topology = replace(TOPOLOGY, tor=TorSettings(interval_s, ()))
    with pytest.raises(LabError, match=f"cannot vote every {interval_s} s"):
        render_torrc(topology, topology.node("authority"), KEYS)


@pytest.mark.parametrize(
    ("name", "nick"),
    [("relay1", "relay1"), ("relay-1", "relay1"), ("r" * 30, "r" * 19), ("--", "Unnamed")],
)
def test_nicknames_are_what_tor_allows(name: str, nick: str) -> None:
    assert nickname(name) == nick
