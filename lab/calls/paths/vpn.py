"""SIP via VPN: the same call inside an OpenVPN TCP tunnel, without Tor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lab.calls.paths.base import VoicePath, last_router
from lab.calls.paths.tunnel import open_tunnel
from lab.calls.workspace import Workspace
from lab.lifecycle.ready import ReadyLab
from lab.measure.record import CallRecord


@contextmanager
def open_path(lab: ReadyLab, record: CallRecord, workspace: Workspace) -> Iterator[VoicePath]:
    """Open the tunnel straight to the server."""
    with open_tunnel(lab, record, workspace, socks_port=None) as address:
        server = lab.vpn_server.links[0].address
        yield VoicePath(
            caller_address=address,
            tunnelled=True,
            next_hop=server,
            server_address=server,
            exit_machine=last_router(lab, server),
            server_port=lab.topology.vpn.port,
        )
