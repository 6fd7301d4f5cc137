"""Direct Mumble: one TCP connection straight to Murmur; the Tor hosts only forward packets."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

from lab.calls.paths.base import Way
from lab.calls.paths.direct import open_path, straight_to
from lab.errors import LabError
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.path import Hop, VoicePath
from lab.render.mumble import mumble_address
from lab.wire.ports import MUMBLE_PORT


def plan_path(lab: ReadyLab, _seed: int) -> VoicePath:
    """From the caller's own address to Murmur."""
    path = straight_to(lab, murmur_hop(lab))
    return replace(path, server_port=MUMBLE_PORT, client_connects=True, pinged=False)


WAY = Way(plan_path, open_path)


def murmur_hop(lab: ReadyLab) -> Hop:
    """Murmur, at the address by which every client knows it; LabError where the lab has none."""
    address = murmur_of(lab)
    (node,) = lab.topology.with_role("mumble-server")
    return Hop(node.name, address)


def murmur_of(lab: ReadyLab) -> IPv4Address:
    """Murmur's address; LabError where the lab has none."""
    address = mumble_address(lab.topology)
    if address is None:
        raise LabError(
            f"topology {lab.topology.name} has no Murmur",
            "Give it a node with `role: mumble-server`, such as the one of topologies/paper.yaml.",
        )
    return address
