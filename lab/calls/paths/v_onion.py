"""V-Onion: OpenVPN in TCP mode through Tor's SOCKS port to the VPN server's onion service."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from lab.calls.paths.base import Way, callee_end, caller_end, pbx_hop, vpn_hop
from lab.calls.paths.circuit import PinnedCircuit
from lab.calls.paths.m_tor import no_way_past_tor
from lab.calls.paths.rendezvous import fresh_rendezvous, onion_way
from lab.calls.paths.tunnel import open_tunnel, tunnel_address
from lab.calls.workspace import Workspace
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.notes import CallNotes
from lab.measure.call.path import VoicePath
from lab.wire.ports import SOCKS_PORT


def plan_path(lab: ReadyLab, _seed: int) -> VoicePath:
    """Through the tunnel to the server's onion service, and there to the PBX.

    No seed decides its relays. One packet between the caller's own address and any of the
    server's machine makes the call invalid.
    """
    server = vpn_hop(lab)
    machine = lab.topology.machine(server.node)
    return VoicePath(
        caller=caller_end(lab, tunnel_address(lab)),
        callee=callee_end(lab),
        hops=(server, pbx_hop(lab)),
        server=server,
        exit_machine=None,
        server_port=lab.topology.vpn.port,
        closed=tuple(link.address for link in machine.links),
        onion=onion_way(lab, "vpn-server"),
    )


@contextmanager
def open_path(
    lab: ReadyLab, path: VoicePath, notes: CallNotes, workspace: Workspace
) -> Iterator[Sequence[PinnedCircuit]]:
    """Close the ways past Tor, then open the tunnel to the onion service.

    LabError where that fails.
    """
    with (
        no_way_past_tor(lab, path.closed),
        fresh_rendezvous(lab, path, notes),
        open_tunnel(lab, notes, workspace, SOCKS_PORT, onion=True),
    ):
        yield ()


WAY = Way(plan_path, open_path)
