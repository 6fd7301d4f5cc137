"""A lab that is up and lacks what a call needs says so in one sentence."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from lab.engine.discovery import RunningLab
from lab.errors import LabError
from lab.lifecycle.ready import ReadyLab
from lab.render.owner import Owner
from lab.topology.load import find_topology, load_topology
from lab.topology.model import PbxKind
from lab.topology.resolve import resolve

PAPER = resolve(
    load_topology(find_topology("paper")),
    "demo",
    IPv4Network("10.77.16.0/20"),
    PbxKind.FREESWITCH,
)


def without(directory: Path, *names: str) -> ReadyLab:
    """The paper's lab without these nodes, and with nothing in its directory."""
    nodes = tuple(node for node in PAPER.nodes if node.name not in names)
    running = RunningLab("demo", "paper", "", PAPER.block, ())
    topology = replace(PAPER, nodes=nodes)
    return ReadyLab(running, topology, directory, {}, Owner(1, 1), {})


def test_a_topology_without_a_caller_or_a_callee(tmp_path: Path) -> None:
    lab = without(tmp_path, "caller", "callee")
    with pytest.raises(LabError, match="topology paper has no endpoint called caller"):
        _ = lab.caller
    with pytest.raises(LabError, match="topology paper has no endpoint called callee"):
        _ = lab.callee


def test_a_topology_without_a_vpn_server(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="topology paper has no VPN server"):
        _ = without(tmp_path, "server").vpn_server


def test_a_caller_without_a_tor_client(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="caller has no Tor client"):
        _ = without(tmp_path).relays
