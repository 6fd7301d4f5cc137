"""Which versions carried a call: of every node, however few images are asked."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from lab.calls import versions
from lab.calls.versions import by_component, component_versions, node_versions
from lab.engine.discovery import RunningLab, RunningNode
from lab.errors import LabError
from lab.lifecycle.ready import ReadyLab
from lab.render.owner import Owner
from lab.topology.load import find_topology, load_topology
from lab.topology.model import PbxKind
from lab.topology.resolve import resolve

TOPOLOGY = resolve(
    load_topology(find_topology("paper")), "demo", IPv4Network("10.77.16.0/20"), PbxKind.KAMAILIO
)


def lab(**ids: str) -> ReadyLab:
    """The paper's lab, each role's nodes of one image but for those that `ids` names."""
    nodes = tuple(
        RunningNode(
            node.name, node.role, node.name, "running", None, "", ids.get(node.name, node.role)
        )
        for node in TOPOLOGY.nodes
    )
    running = RunningLab("demo", "paper", "", TOPOLOGY.block, nodes)
    return ReadyLab(running, TOPOLOGY, Path(), {"tor": "tor:1"}, Owner(1, 1), {})


class Nodes:
    """Answers `dpkg-query`, Python and `tor --version`; Tor is 0.4.8, 0.4.9 in nodes of `newer`."""

    def __init__(self, *newer: str) -> None:
        self.newer = newer
        self.asked: list[str] = []
        self.is_silent = False

    def run(self, _lab: RunningLab, node: str, command: Sequence[str]) -> str:
        self.asked.append(node)
        if self.is_silent:
            raise LabError(f"{command[0]} in {node} failed")
        if command[0] == "tor":
            return f"Tor version {'0.4.9' if node in self.newer else '0.4.8'}.\nThis build of Tor\n"
        if command[0] == "python3":
            return "aiortc 1.0\n"
        return "".join(f"{name} 1.0\n" for name in command[3:])


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LAB_HOME", str(tmp_path))


def answering(monkeypatch: pytest.MonkeyPatch, *newer: str) -> Nodes:
    nodes = Nodes(*newer)
    monkeypatch.setattr(versions, "run_in", nodes.run)
    return nodes


def test_one_node_of_each_image_is_asked_and_every_node_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nodes = answering(monkeypatch)
    found = node_versions(lab())
    assert sorted(nodes.asked) == [
        *("authority", "caller", "caller", "caller", "mumble", "pbx", "pbx-media", "server"),
        *("turn", "web"),
    ], "of the endpoint's image Tor, the packages and Python tell"
    assert found.keys() == {node.name for node in TOPOLOGY.nodes} - {"gateway"}
    assert found["relay2"] == {"tor": "0.4.8"}
    node_versions(lab())
    assert len(nodes.asked) == 10, "what is in an image never changes"


def test_a_relay_of_another_image_stands_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, "relay2")
    found = component_versions(lab(relay2="another"))
    assert (found["tor"], found["tor at relay2"]) == ("0.4.8", "0.4.9")
    assert [name for name in found if name.startswith("tor")] == ["tor", "tor at relay2"]
    assert (found["openvpn"], found["kamailio"], found["image tor"]) == ("1.0", "1.0", "tor:1")


def test_what_does_not_tell_is_unknown_and_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = answering(monkeypatch)
    nodes.is_silent = True
    assert node_versions(lab())["relay1"] == {"tor": "unknown (tor in authority failed)"}
    nodes.is_silent = False
    assert node_versions(lab())["relay1"] == {"tor": "0.4.8"}


def test_of_as_many_the_first_stands_for_all() -> None:
    nodes = {"one": {"tor": "a"}, "two": {"tor": "b"}, "three": {"openvpn": "c"}}
    assert by_component(nodes) == {"tor": "a", "tor at two": "b", "openvpn": "c"}
