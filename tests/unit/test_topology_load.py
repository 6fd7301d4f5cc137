"""Reading topology files: what is accepted, and how every mistake is reported."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path
from typing import get_args

import pytest

from lab.errors import LabError, UsageError
from lab.topology.load import (
    Source,
    find_topology,
    load_topology,
    parse_topology,
    read_topology,
)
from lab.topology.mistakes import TopologyError
from lab.topology.model import Node, PbxKind
from lab.topology.resolve import resolve
from lab.topology.values import Codec
from lab.wire.codecs import CODECS

FIXTURES = Path(__file__).parent / "topologies"
PAPER = find_topology("paper").read_text()


def mistakes_of(text: str | bytes) -> list[tuple[int | None, str, str]]:
    """Line, place and message of every mistake in a topology."""
    with pytest.raises(TopologyError) as caught:
        parse_topology(text)
    return [(mistake.line, mistake.place, mistake.message) for mistake in caught.value.mistakes]


def edited(*changes: tuple[str, str]) -> str:
    """The paper's topology with each old text replaced, which must occur exactly once."""
    text = PAPER
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize(
    "name", ["paper", "small", "world", "world-busy", "world-colocated", "onion", "world-onion"]
)
def test_shipped_topologies_are_found_by_name_and_are_right(name: str) -> None:
    assert load_topology(find_topology(name)).name == name


def test_defaults_are_those_of_the_programs() -> None:
    raw = load_topology(find_topology("paper"))
    assert (raw.pbx, raw.congestion_control) == ("auto", "cubic")
    assert (raw.vpn.cipher, raw.vpn.digest, raw.vpn.port) == ("AES-256-GCM", "SHA1", 1194)
    assert raw.tor.voting_interval_s == 30


def test_every_mistake_is_reported_at_once_with_file_line_and_path() -> None:
    """The file holds a mistake of nearly every kind; the expected text lists them all."""
    path = FIXTURES / "mistakes.yaml"
    with pytest.raises(TopologyError) as caught:
        load_topology(path)
    told = str(caught.value).replace(str(path), "mistakes.yaml")
    assert told == (FIXTURES / "mistakes.txt").read_text().rstrip("\n")


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        ("name: paper", "§name: Paper", "name", "'Paper' cannot be a name"),
        ("name: paper", "§title: paper", "name", "is missing"),
        ("name: paper", "name: paper\n§name: other", "", "has the key 'name' twice"),
        ("name: paper", "name: paper\n§5: five", "", "has a key that is not text: 5"),
        ("name: paper", "§name: !!python/name:os.system paper", "", "has the tag"),
        ("name: paper", '§name: "pa\\0per"', "name", "has a control character"),
        ("name: paper", "name: paper\n§codecs: []", "codecs", "must not be empty"),
        ("name: paper", "name: paper\n§codecs: [pcmu]", "codecs[0]", "did you mean 'PCMU'"),
        ("name: paper", "name: paper\n§pbx: asterisk", "pbx", "'asterisk' is not one of"),
        ("name: paper", "name: paper\n§vpn: {port: 0}", "vpn.port", "at least 1, not 0"),
        ("ing_interval: 30s", "ing_interval: 7s§", "tor.voting_interval", "must be 10s to 30m"),
        ("voting_interval: 30s", "voting§: 10s", "tor.voting", "did you mean 'voting_interval'"),
        ("[authority, relay1, relay2]", "[relay1§]", "tor.circuit", "must name 2 to 8 relays"),
        ("[authority, relay1, relay2]", "[relay1, relay1§]", "tor.circuit[1]", "here twice"),
        ("[authority, relay1, relay2]", '[relay1, ""§]', "tor.circuit[1]", "is empty"),
        ("[authority, relay1, relay2]", "[relay1, pbx§]", "tor.circuit[1]", "has the role pbx"),
        ("[authority, relay1, relay2]", "§relay1", "tor.circuit", "must be a list"),
        ("home: {}", "home: {subnet: 8.8.8.0/24§}", "networks.home.subnet", "not a private"),
        ("home: {}", "home: {subnet: 10.0.0.1/24§}", "networks.home.subnet", "not an IPv4"),
        ("home: {}", "home: {subnet: 10.0.0.0/8§}", "networks.home.subnet", "a /16 to /29"),
        ("home: {}", "home: {subnet: 10.9.0.0/30§}", "networks.home", "has room for 1"),
        ("home: {}", "home: {}\n§  attic: {}", "networks.attic", "has no node"),
        ("extension: 1008", "extension: 1001§", "nodes.callee.extension", "of 'caller' already"),
        ("extension: 1008", "extension: ten§", "nodes.callee.extension", "not an extension"),
        (
            "role: web\n    on: server",
            "role: web\n    place§: Oslo\n    on: server",
            "nodes.web.place",
            "is the one of its machine, 'server'",
        ),
        ("extension: 1008", "authority: true§", "nodes.callee.authority", "only for nodes"),
        ("pbx\n    on: server", "pbx\n    on: sever§", "nodes.pbx.on", "did you mean 'server'"),
        ("pbx\n    on: server", "pbx\n    on: pbx§", "nodes.pbx.on", "in a circle: pbx on pbx"),
        ("pbx\n    on: server", "pbx\n    on: callee§", "nodes.pbx.on", "must be server"),
        (
            "  pbx:\n    role: pbx\n    on: server",
            "§  pbx: {role: pbx}",
            "nodes.pbx",
            "either `on`",
        ),
        ("role: vpn-server", "role: router", "nodes.caller.vpn", "needs a node with `role: vpn-s"),
        (
            "role: pbx\n    on: ",
            "role: router\n    on§: ",
            "nodes.pbx.on",
            "is only for endpoint, pbx, ",
        ),
        (
            "    links:\n      office: {rate: 100mbit}\n    ext",
            "    on§: pbx\n    ext",
            "nodes.callee.on",
            "must be 'server', the PBX's machine",
        ),
        (
            "    links:\n      office: {rate: 100mbit}\n    ext",
            "    on: server\n    vpn§: true\n    ext",
            "nodes.callee.vpn",
            "needs `links`, in place of `on`",
        ),
        (
            "    links:\n      home: {rate: 100mbit}\n    extension: 1002",
            "    on§: server\n    extension: 1002",
            "nodes.client.on",
            "is for the endpoint callee alone",
        ),
        ("  pbx:\n", "§  gatekeeper-of-the-laboratory:\n", "", "is too long to name its media"),
    ],
)
def test_one_mistake_is_reported_where_it_is(old: str, new: str, place: str, message: str) -> None:
    """§ marks the line that the report must name."""
    text = edited((old, new))
    line = text.count("\n", 0, text.find("§")) + 1 if "§" in text else None
    found = mistakes_of(text.replace("§", ""))
    assert any(
        line in (at, None) and place in (where, "") and message in what for at, where, what in found
    ), found


@pytest.mark.parametrize(
    ("shape", "place", "message"),
    [
        ("queue: {packets: 20}", "queue", "needs a `rate`"),
        ("rate: 1mbit, queue: {packets: 0}", "queue.packets", "at least 1"),
        ("rate: 1mbit, queue: {bytes: 1500}", "queue.bytes", "at least 1514"),
        ("rate: 1mbit, queue: {kind: cake}", "queue.kind", "'cake' is not one of htb, tbf"),
        ("rate: 1mbit, queue: {packets: 9, bytes: 9999}", "queue", "give one of them"),
        ("rate: 1mbit, queue: {fifo: bfifo, packets: 9}", "queue.fifo", "needs `bytes`"),
        ("rate: 1mbit, queue: {fifo: pfifo, bytes: 9999}", "queue.fifo", "needs `packets`"),
        ("in: {rate: 1mbit, queue: {fifo: bfifo}}", "in.queue.fifo", "needs `bytes`"),
        ("in: {qeue: {}}", "in.qeue", "did you mean 'queue'"),
        ("delay: 20", "delay", "is not a delay"),
        ("loss: 101%", "loss", "must be at most 100%"),
    ],
)
def test_mistakes_in_what_a_link_does(shape: str, place: str, message: str) -> None:
    text = edited(("transit-1: {rate: 100mbit}\n\n", f"transit-1: {{{shape}}}\n\n"))
    found = mistakes_of(text)
    assert [where for _, where, _ in found] == [f"nodes.gateway.links.transit-1.{place}"]
    assert message in found[0][2]


def test_a_lab_needs_an_authority_a_pbx_and_three_relays() -> None:
    text = edited(
        ("    authority: true\n", ""),
        ("  relay2:\n    role: relay", "  relay2:\n    role: router"),
        ("  circuit: [authority, relay1, relay2]", "  circuit: []"),
        ("  pbx:\n    role: pbx\n    on: server\n", ""),
    )
    assert [message.split(";")[0] for _, _, message in mistakes_of(text)] == [
        "has no directory authority",
        "needs at least 3 relays, and has 2",
        "has no pbx",
    ]


def test_networks_must_be_joined_by_nodes_that_forward() -> None:
    [(_, first, message), *others] = mistakes_of(
        edited(
            ("  relay1:\n    role: relay\n", "  relay1:\n    role: relay\n    forwards: false\n")
        )
    )
    assert (first, len(others)) == ("networks.transit-3", 2)
    assert message.startswith("cannot be reached from 'home'")


def test_a_mistake_does_not_bring_others_with_it() -> None:
    """A node whose role is misspelt still exists for those who refer to it."""
    text = edited(("  server:\n    role: vpn-server", "  server:\n    role: vpn-sever"))
    [(_, place, message)] = mistakes_of(text)
    assert place == "nodes.server.role"
    assert message.endswith("did you mean 'vpn-server'?")


def test_more_nodes_than_addresses() -> None:
    crowd = "".join(
        f"  phone-{index}: {{role: endpoint, links: {{office: {{}}}}}}\n" for index in range(199)
    )
    [(_, place, message)] = mistakes_of(PAPER + crowd)
    assert (place, message) == (
        "networks.office",
        "has 201 nodes, and a network of the lab has room for 200",
    )


def test_fixed_addresses_are_checked_against_their_subnet() -> None:
    text = edited(
        ("  office: {}\n\n", "  office: {subnet: 10.20.0.0/24}\n\n"),
        ("      office: {rate: 100mbit}\n\n", "      office: {address: 10.20.0.1}\n\n"),
        (
            "      office: {rate: 100mbit}\n    extension: 1008",
            "      office: {address: 10.20.1.9}\n      home: {address: 10.1.1.1}",
        ),
    )
    assert [(place, message) for _, place, message in mistakes_of(text)] == [
        (
            "nodes.server.links.office.address",
            "10.20.0.1 is not for nodes; they begin at 10.20.0.2",
        ),
        ("nodes.callee.links.office.address", "10.20.1.9 is not in 10.20.0.0/24"),
        ("nodes.callee.links.home.address", "needs a fixed `subnet` in network 'home'"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("# nothing\n", "is empty"),
        ("just text", "must be a mapping, not 'just text'"),
        ("- a\n- b\n", "must be a mapping, not a list"),
        ("a: [1, 2", "is not YAML"),
        ("a: *nowhere", "has the alias 'nowhere', which is not defined"),
        ("a: &loop [*loop]", "has the alias 'loop', which refers to itself"),
        ("a: b\n---\nc: d\n", "has a second document"),
        ("[" * 5000, "is nested deeper than 20 levels"),
        ("a: " + "{b: " * 5000, "is nested deeper than 20 levels"),
        ("x" * 300_000, "is longer than 256 KiB"),
        ('a: "\\UFFFFFFFF"', "is not YAML"),
        ("a: \x00", "has a character that YAML does not allow"),
        (b"name: caf\xe9", "is not UTF-8 text"),
    ],
)
def test_what_is_no_topology_at_all(text: str | bytes, message: str) -> None:
    assert message in mistakes_of(text)[0][2]


def test_aliases_may_not_multiply_without_end() -> None:
    """The "billion laughs": nine lines that stand for 10⁹ values."""
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert mistakes_of("\n".join(lines))[0][2] == "has more than 20000 values"


def test_aliases_may_be_used() -> None:
    head = "    role: endpoint\n    links:"
    fast = edited(
        (f"  caller:\n{head}", f"  caller:\n{head} &access"),
        (f"  client:\n{head}\n      home: {{rate: 100mbit}}", f"  client:\n{head} *access"),
    )
    assert parse_topology(fast) == parse_topology(PAPER)


def test_yaml_words_are_those_of_version_1_2() -> None:
    """`on` is a key and `no` a word: YAML 1.1 would make truth values of both."""
    raw = parse_topology(edited(("name: paper", "name: no")))
    assert (raw.name, raw.nodes["pbx"].on) == ("no", "server")


def test_an_extension_keeps_its_leading_zero() -> None:
    raw = parse_topology(edited(("extension: 1008", "extension: 0108")))
    assert raw.nodes["callee"].extension == "0108"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(TopologyError, match="cannot be read: Is a directory"):
        load_topology(tmp_path)
    with pytest.raises(TopologyError, match="cannot be read: No such file"):
        load_topology(tmp_path / "absent.yaml")
    with pytest.raises(TopologyError, match="cannot be read: embedded null byte"):
        load_topology(Path("nul\0.yaml"))
    with pytest.raises(TopologyError, match="longer than 256 KiB"):
        load_topology(Path("/dev/zero"))


def test_find_topology_knows_names_from_paths(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text(PAPER)
    assert find_topology(str(mine)) == mine
    with pytest.raises(LabError, match=re.escape("no topology 'papr'; did you mean 'paper'?")):
        find_topology("papr")
    for absent in (f"{tmp_path}{os.sep}other.yaml", "other.yaml", "nul\0/x", "x/" * 5000):
        with pytest.raises(LabError, match="there is no topology file"):
            find_topology(absent)


def test_codecs_are_those_the_phones_have() -> None:
    assert set(get_args(Codec)) == set(CODECS)


def test_keys_of_a_file_can_be_changed_and_its_text_says_so() -> None:
    world = find_topology("world")
    source = read_topology(world, {"nodes.caller.place": "são paulo"})
    assert source.raw.nodes["caller"].place == "Sao Paulo"
    assert source.raw.nodes["callee"] == load_topology(world).nodes["callee"]
    assert parse_topology(source.text) == source.raw
    assert read_topology(world).text == world.read_text()


@pytest.mark.parametrize(
    ("key", "place", "message"),
    [
        ("nodes.caler.place", "Tokyo", "there is no 'caler' among the nodes; did you mean"),
        ("nodes.caller.place", "Tokio", "is no place of the table, did you mean Tokyo?"),
    ],
)
def test_a_change_that_cannot_be_is_told_in_a_sentence(key: str, place: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_topology(find_topology("world"), {key: place})
    assert f"{key}: " in caught.value.message
    assert message in caught.value.message
    assert "\n" not in caught.value.message


def test_a_place_is_without_effect_where_no_network_has_distances() -> None:
    def resolved(source: Source) -> tuple[Node, ...]:
        return resolve(source.raw, "paper", IPv4Network("10.128.0.0/20"), PbxKind.KAMAILIO).nodes

    paper = find_topology("paper")
    moved = resolved(read_topology(paper, {"nodes.caller.place": "Tokyo"}))
    assert {node.name: node.place for node in moved}["caller"] == "Tokyo"
    assert tuple(replace(node, place=None) for node in moved) == resolved(read_topology(paper))
