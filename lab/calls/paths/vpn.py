"""SIP via VPN: the same call inside an OpenVPN TCP tunnel, without Tor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from lab.calls.paths.base import Way, callee_end, caller_end, last_router, pbx_hop, vpn_hop
from lab.calls.paths.circuit import PinnedCircuit
from lab.calls.paths.tunnel import open_tunnel, tunnel_address
from lab.calls.workspace import Workspace
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.notes import CallNotes
from lab.measure.call.path import VoicePath


def plan_path(lab: ReadyLab, _seed: int) -> VoicePath:
    """Through the tunnel straight to the server, and there to the PBX."""
    server = vpn_hop(lab)
    return VoicePath(
        caller=caller_end(lab, tunnel_address(lab)),
        callee=callee_end(lab),
        hops=(server, pbx_hop(lab)),
        server=server,
        exit_machine=last_router(lab, server.address),
        server_port=lab.topology.vpn.port,
    )


@contextmanager
def open_path(
    lab: ReadyLab, _path: VoicePath, notes: CallNotes, workspace: Workspace
) -> Iterator[Sequence[PinnedCircuit]]:
    """Open the tunnel; LabError where it does not come up."""
    with open_tunnel(lab, notes, workspace, socks_port=None):
        yield ()


WAY = Way(plan_path, open_path)
