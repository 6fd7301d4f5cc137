"""Direct WebRTC: one TCP connection straight to the TURN server; Tor hosts only forward packets."""

from __future__ import annotations

from dataclasses import replace

from lab.calls.paths.base import Way
from lab.calls.paths.direct import open_path, straight_to
from lab.errors import LabError
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.path import Hop, VoicePath
from lab.render.turn import turn_address
from lab.wire.ports import TURN_PORT


def plan_path(lab: ReadyLab, _seed: int) -> VoicePath:
    """From the caller's own address to the TURN server."""
    return replace(
        straight_to(lab, turn_hop(lab)),
        server_port=TURN_PORT,
        client_connects=True,
        no_udp=True,
        pinged=False,
    )


WAY = Way(plan_path, open_path)


def turn_hop(lab: ReadyLab) -> Hop:
    """The TURN server, at the address by which every phone knows it; LabError where none is."""
    address = turn_address(lab.topology)
    if address is None:
        raise LabError(
            f"topology {lab.topology.name} has no TURN server",
            "Give it a node with `role: turn`, such as the one of topologies/paper.yaml.",
        )
    (node,) = lab.topology.with_role("turn")
    return Hop(node.name, address)
