"""The OpenVPN tunnel of one end for the length of one call."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ipaddress import IPv4Address

from lab.calls.paths.tunnel_nodelay import note_tunnel_nodelay
from lab.calls.workspace import Workspace
from lab.ends import CALLEE
from lab.engine.execution import start_agent
from lab.errors import LabError
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.notes import CallNotes
from lab.topology.model import Node
from lab.wire.openvpn import OPENVPN, OpenTunnel, OpenVpnUp

UP_DEADLINE_S = 40.0
CLIENT_LOG = "openvpn-client"


def tunnel_address(lab: ReadyLab) -> IPv4Address:
    """The caller's address inside the tunnel; LabError where it has no VPN client."""
    return _address_of(lab, lab.caller)


def callee_tunnel_address(lab: ReadyLab) -> IPv4Address:
    """The callee's, as above."""
    return _address_of(lab, lab.callee)


def _address_of(lab: ReadyLab, end: Node) -> IPv4Address:
    if end.tunnel is None:
        raise LabError(
            f"{end.name} has no VPN client in topology {lab.topology.name}",
            "Give it `vpn: true`.",
        )
    return end.tunnel


@contextmanager
def open_tunnel(
    lab: ReadyLab,
    notes: CallNotes,
    workspace: Workspace,
    socks_port: int | None,
    onion: bool = False,
) -> Iterator[None]:
    """Open the caller's tunnel, through Tor where `socks_port` is given.

    To the server's address, or to its onion service. LabError where it does not come up.
    """
    began_s = time.time()
    order = OpenTunnel(socks_port, onion)
    with _opened(lab, lab.caller, workspace, CLIENT_LOG, order) as up:
        notes.tunnel_setup_ms = up.after_ms
        note_tunnel_nodelay(lab, notes, lab.caller.name, up, began_s)
        yield


@contextmanager
def open_carried_tunnel(
    lab: ReadyLab, notes: CallNotes, workspace: Workspace, files: Mapping[str, str]
) -> Iterator[None]:
    """Open the caller's by a configuration of its own, to the forwarder at its machine.

    LabError where it does not come up.
    """
    with _opened(lab, lab.caller, workspace, CLIENT_LOG, OpenTunnel(None, files=files)) as up:
        notes.tunnel_setup_ms = up.after_ms
        yield


@contextmanager
def open_callee_tunnel(
    lab: ReadyLab, notes: CallNotes, workspace: Workspace, socks_port: int | None
) -> Iterator[None]:
    """Open the callee's, as above."""
    began_s = time.time()
    order = OpenTunnel(socks_port)
    with _opened(lab, lab.callee, workspace, f"openvpn-client-{CALLEE}", order) as up:
        notes.callee_tunnel_setup_ms = up.after_ms
        note_tunnel_nodelay(lab, notes, lab.callee.name, up, began_s)
        yield


@contextmanager
def _opened(
    lab: ReadyLab, end: Node, workspace: Workspace, log: str, order: OpenTunnel
) -> Iterator[OpenVpnUp]:
    agent = start_agent(lab.running, end.name, OPENVPN)
    try:
        yield agent.ask(order, OpenVpnUp, UP_DEADLINE_S)
    finally:
        agent.close()
        workspace.write_log(log, agent.log_text)
