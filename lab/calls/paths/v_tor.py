"""V-Tor: OpenVPN in TCP mode through Tor's SOCKS port, over exactly one circuit per call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lab.calls.paths.base import VoicePath
from lab.calls.paths.circuit import pinned_circuit
from lab.calls.paths.tunnel import open_tunnel
from lab.calls.workspace import Workspace
from lab.lifecycle.ready import ReadyLab
from lab.measure.record import CallRecord
from lab.render.torrc import node_address
from lab.wire.ports import SOCKS_PORT


@contextmanager
def open_path(lab: ReadyLab, record: CallRecord, workspace: Workspace) -> Iterator[VoicePath]:
    """Build the call's circuit, then the tunnel through it; read the circuit back at the end.

    LabError where either cannot be built.
    """
    topology = lab.topology
    server = lab.vpn_server.links[0].address
    target = f"{server}:{topology.vpn.port}"
    with (
        pinned_circuit(lab, record, workspace, target) as relays,
        open_tunnel(lab, record, workspace, SOCKS_PORT) as address,
    ):
        yield VoicePath(
            caller_address=address,
            tunnelled=True,
            next_hop=node_address(topology, topology.node(relays[0])),
            server_address=server,
            exit_machine=relays[-1],
            server_port=topology.vpn.port,
        )
