"""What a Murmur and its clients are given: closed to strangers, every secret in its own place."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network

import pytest

from lab.render.mumble import mumble_address, render_murmur
from lab.render.project import node_files
from lab.render.secrets import generate_secrets
from lab.topology.load import find_topology, load_topology
from lab.topology.model import PbxKind, Topology
from lab.topology.resolve import resolve


@pytest.fixture(scope="module")
def paper() -> Topology:
    raw = load_topology(find_topology("paper"))
    return resolve(raw, "test", IPv4Network("10.99.0.0/16"), PbxKind.KAMAILIO)


def settings(topology: Topology) -> dict[str, str]:
    lines = (line for line in render_murmur(topology).splitlines() if "=" in line)
    return dict(line.split("=", 1) for line in lines if not line.startswith(";"))


def test_murmur_listens_where_the_exit_relay_reaches_it(paper: Topology) -> None:
    assert mumble_address(paper) == paper.node("server").address_on("hosting")
    assert settings(paper)["host"] == str(mumble_address(paper))
    assert settings(paper)["port"] == "64738"


def test_murmur_says_nothing_to_strangers_and_registers_nowhere(paper: Topology) -> None:
    found = settings(paper)
    assert {found[key] for key in ("allowping", "bonjour", "sendversion")} == {"false"}
    assert found["textmessagelength"] == "1"
    assert not any(key.startswith("register") for key in found)


def test_no_rate_of_opus_is_throttled(paper: Topology) -> None:
    assert int(settings(paper)["bandwidth"]) > 510_000


def test_only_the_server_knows_the_password_and_each_node_its_own_key(paper: Topology) -> None:
    known = generate_secrets(paper)
    files = {node.name: node_files(paper, node, known) for node in paper.nodes}
    assert [name for name, own in files.items() if "mumble/superuser" in own] == ["mumble"]
    keys = [own["mumble/key.pem"] for own in files.values() if "mumble/key.pem" in own]
    assert len(set(keys)) == len(keys) == 4
    password = known.passwords["superuser"]["mumble"]
    assert password not in repr(known)
    assert password.encode() not in files["mumble"]["mumble/murmur.ini"]


def test_secrets_are_fresh_for_every_lab(paper: Topology) -> None:
    one, other = generate_secrets(paper), generate_secrets(paper)
    assert one.passwords["superuser"] != other.passwords["superuser"]
    keys = [known.credentials["mumble"]["mumble"].fingerprint for known in (one, other)]
    assert keys[0] != keys[1]


def test_a_lab_without_murmur_has_neither_address_nor_secrets(paper: Topology) -> None:
    others = tuple(node for node in paper.nodes if node.role != "mumble-server")
    bare = replace(paper, nodes=others)
    assert mumble_address(bare) is None
    known = generate_secrets(bare)
    assert not {"mumble", "superuser"} & {*known.passwords, *known.credentials}
