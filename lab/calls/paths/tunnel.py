"""The caller's OpenVPN tunnel for the length of one call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address

from lab.calls.workspace import Workspace
from lab.engine.execution import start_agent
from lab.errors import LabError
from lab.lifecycle.ready import ReadyLab
from lab.measure.record import CallRecord
from lab.wire.openvpn import OPENVPN, OpenTunnel, OpenVpnUp

UP_DEADLINE_S = 40.0


@contextmanager
def open_tunnel(
    lab: ReadyLab, record: CallRecord, workspace: Workspace, socks_port: int | None
) -> Iterator[IPv4Address]:
    """Open the tunnel, through Tor where `socks_port` is given; yields the caller's address in it.

    LabError where it does not come up.
    """
    address = lab.caller.tunnel
    if address is None:
        raise LabError(
            f"{lab.caller.name} has no VPN client in topology {lab.topology.name}",
            "Give it `vpn: true`.",
        )
    agent = start_agent(lab.running, lab.caller.name, OPENVPN)
    try:
        up = agent.ask(OpenTunnel(socks_port), OpenVpnUp, UP_DEADLINE_S)
        record.tunnel_setup_ms = up.after_ms
        yield address
    finally:
        agent.close()
        workspace.write_log("openvpn-client", agent.log_text)
