"""No input whatsoever ends in anything but a topology or a list of its mistakes."""

from __future__ import annotations

import copy
import json
from ipaddress import IPv4Network
from typing import Any

import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lab.topology.document import read_document
from lab.topology.load import find_topology, parse_topology
from lab.topology.mistakes import TopologyError
from lab.topology.model import PbxKind
from lab.topology.raw import RawLink, RawNode, RawTopology, RawTor, RawVpn
from lab.topology.resolve import resolve

PAPER = find_topology("paper").read_text()
TREE = read_document(PAPER).value
WORDS = sorted(
    {key for model in (RawTopology, RawNode, RawLink, RawVpn, RawTor) for key in model.model_fields}
    | {"rate", "voting_interval", "subnet", "endpoint", "relay", "router", "vpn-server", "pbx"}
    | {"authority", "relay1", "server", "home", "office", "pbx-media", "caller", "", "<<", "on"}
    | {"10.0.0.0/24", "10.77.16.0/20", "10.0.0.5", "100mbit", "10s", "1800s", "0h", "PCMU", "1001"}
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(WORDS)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=8,
)
QUICK = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def topology_or_mistakes(content: bytes | str) -> None:
    """The property itself; what is accepted must also resolve."""
    try:
        raw = parse_topology(content)
        topology = resolve(raw, "lab", IPv4Network("10.77.16.0/20"), PbxKind.KAMAILIO)
    except TopologyError as error:
        assert error.mistakes
        str(error).encode()
        return
    addresses = [link.address for node in topology.nodes for link in node.links]
    assert len(set(addresses)) == len(addresses)
    for node in topology.nodes:
        assert len(node.routes) == (len(topology.networks) - len(node.links) if node.links else 0)


@given(st.binary(max_size=200))
@QUICK
def test_arbitrary_bytes(content: bytes) -> None:
    topology_or_mistakes(content)


@given(st.text("abc:{}[]&*!|>%@`'\"#,-? \n\t\\0123.~<=_x\x00\ufeff\ud800", max_size=60))
@example("? {a: b}\n: c")
@example("%YAML " + "9" * 5000 + "\n--- a")
@example('"\\ud800": 1')
@example("!!binary x: 1")
@example("a: !!int x")
@example("a: !!set {b}")
@example("&a a: *a")
@example("&a [*a]: b")
@example("<<: *a")
@example("vpn: {port: " + "9" * 5000 + "}")
@example("{" * 2000)
@example("- " * 2000)
@example("? " * 2000)
@example("a: !<" + "x" * 2000)
@QUICK
def test_arbitrary_yaml_syntax(text: str) -> None:
    topology_or_mistakes(text)


@given(VALUES)
@QUICK
def test_arbitrary_trees(tree: Any) -> None:
    topology_or_mistakes(json.dumps(tree))


@given(st.data())
@QUICK
def test_a_right_topology_with_some_of_it_replaced(data: st.DataObject) -> None:
    tree: Any = copy.deepcopy(TREE)
    for _ in range(data.draw(st.integers(1, 3))):
        place = tree
        for _ in range(data.draw(st.integers(0, 4))):
            inner = [value for value in place.values() if isinstance(value, dict) and value]
            if not inner:
                break
            place = data.draw(st.sampled_from(inner))
        key = data.draw(st.sampled_from(sorted(place)) | st.sampled_from(WORDS))
        if data.draw(st.booleans()):
            place.pop(key, None)
        else:
            place[key] = data.draw(VALUES)
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    topology_or_mistakes(yaml.dump(tree, Dumper=dumper, allow_unicode=True, sort_keys=False))


@given(st.data())
@QUICK
def test_a_right_topology_with_some_characters_changed(data: st.DataObject) -> None:
    text = PAPER
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 30)))
        text = text[:start] + data.draw(st.text(max_size=5) | st.sampled_from(WORDS)) + text[end:]
    topology_or_mistakes(text)
