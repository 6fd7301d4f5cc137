"""Labs as a live capture finds them, and the call that is under way in them."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

from lab.capturing.running_call import RunningCall
from lab.ends import CALLER
from lab.engine.discovery import RunningLab, RunningNode
from lab.lifecycle.ready import ReadyLab
from lab.render.owner import Owner
from lab.topology.load import find_topology, load_topology
from lab.topology.model import PbxKind
from lab.topology.resolve import resolve

BLOCK = IPv4Network("10.77.16.0/20")
CALL_ID = "20260101T000000-3fa9c1"


def lab_of(topology: str, *nodes: RunningNode) -> ReadyLab:
    """A lab called demo of a shipped topology, of which these nodes are found."""
    running = RunningLab("demo", topology, "", BLOCK, nodes)
    resolved = resolve(load_topology(find_topology(topology)), "demo", BLOCK, PbxKind.KAMAILIO)
    return ReadyLab(running, resolved, Path(), {"net": "net"}, Owner(1, 1), {})


def call(method: str, *relays: str) -> RunningCall:
    """A call over a circuit of these relays, or before it has one."""
    return RunningCall(CALL_ID, method, {CALLER: relays} if relays else {})
