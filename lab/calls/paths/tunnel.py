"""The caller's OpenVPN tunnel for the length of one call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address

from lab.calls.workspace import Workspace
from lab.engine.execution import start_agent
from lab.errors import LabError
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.notes import CallNotes
from lab.wire.openvpn import OPENVPN, OpenTunnel, OpenVpnUp

UP_DEADLINE_S = 40.0


def tunnel_address(lab: ReadyLab) -> IPv4Address:
    """The caller's address inside the tunnel; LabError where it has no VPN client."""
    address = lab.caller.tunnel
    if address is None:
        raise LabError(
            f"{lab.caller.name} has no VPN client in topology {lab.topology.name}",
            "Give it `vpn: true`.",
        )
    return address


@contextmanager
def open_tunnel(
    lab: ReadyLab, notes: CallNotes, workspace: Workspace, socks_port: int | None
) -> Iterator[None]:
    """Open the tunnel, through Tor where `socks_port` is given.

    LabError where it does not come up.
    """
    agent = start_agent(lab.running, lab.caller.name, OPENVPN)
    try:
        up = agent.ask(OpenTunnel(socks_port), OpenVpnUp, UP_DEADLINE_S)
        notes.tunnel_setup_ms = up.after_ms
        yield
    finally:
        agent.close()
        workspace.write_log("openvpn-client", agent.log_text)
