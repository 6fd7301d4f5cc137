"""The tunnel of a call over several circuits: an OpenVPN and a forwarder at each end."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from ipaddress import IPv4Network

from lab.calls.paths.base import LOOPBACK
from lab.calls.paths.tunnel import open_carried_tunnel, tunnel_address
from lab.calls.workspace import Workspace
from lab.engine.agent import Agent, AgentError
from lab.engine.execution import start_agent, start_network_helper
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.notes import CallNotes, ForwardedNotes
from lab.measure.call.path import VoicePath
from lab.render.network import PATHS_DEVICE, TUNNEL_DEVICE
from lab.render.openvpn import Instance, client_files, server_files
from lab.render.vpn_pki import issue_credential
from lab.topology.model import Topology
from lab.wire.openvpn import OPENVPN, OpenVpnUp, ServeTunnels
from lab.wire.paths import (
    FORWARDER,
    Carriage,
    EnterPaths,
    LeavePaths,
    PathsAwaited,
    PathsOpen,
    PathsTold,
    Policy,
    TellPaths,
)
from lab.wire.ports import SOCKS_PORT
from lab.wire.tun_devices import TUN_DEVICES, DevicesMade, LendDevices, LentDevice

PORT_ABOVE_VPN = 2
"""The forwarder at the server listens on this port after that of the lab's own OpenVPN; the next
one is that of competing tunnels."""
DEADLINE_S = 30.0
OPEN_DEADLINE_S = 70.0
"""Longer than the forwarders themselves wait."""
KEY_BYTES = 16


def port_of(topology: Topology) -> int:
    """The TCP port of the forwarder at the server."""
    return topology.vpn.port + PORT_ABOVE_VPN


@contextmanager
def carried_tunnel(
    lab: ReadyLab, path: VoicePath, notes: CallNotes, workspace: Workspace
) -> Iterator[None]:
    """Open every path and the tunnel over them; what was carried is in the notes at the end.

    LabError where a path, or the tunnel, does not come up.
    """
    server, port, plan = lab.vpn_server.name, port_of(lab.topology), notes.plan
    nodelay = lab.topology.vpn.nodelay
    key = secrets.token_hex(KEY_BYTES)
    carriage = Carriage(plan.paths, Policy(plan.policy), nodelay, key)
    serving, calling = _configurations(lab)
    helper = start_network_helper(lab.running, server, lab.net_image, TUN_DEVICES, tun=True)
    with (
        helper,
        start_agent(lab.running, server, OPENVPN) as openvpn,
        start_agent(lab.running, server, FORWARDER) as leaving,
        start_agent(lab.running, lab.caller.name, FORWARDER) as entering,
    ):
        helper.ask(LendDevices((_device(lab),)), DevicesMade, DEADLINE_S)
        openvpn.ask(ServeTunnels(serving), OpenVpnUp, DEADLINE_S)
        address = path.server.address
        leaving.ask(LeavePaths(carriage, address, port), PathsAwaited, DEADLINE_S)
        enter = EnterPaths(carriage, address, port, SOCKS_PORT, notes.call_id)
        opened = entering.ask(enter, PathsOpen, OPEN_DEADLINE_S)
        notes.forwarded = ForwardedNotes(nodelay, opened.after_ms)
        try:
            with open_carried_tunnel(lab, notes, workspace, calling):
                yield
        finally:
            notes.forwarded.caller = _told(entering)
            notes.forwarded.server = _told(leaving)
            workspace.write_log("openvpn-server", openvpn.log_text)


def _told(forwarder: Agent) -> PathsTold | None:
    """What it carried; None where it has ended."""
    with suppress(AgentError):
        return forwarder.ask(TellPaths(), PathsTold, DEADLINE_S)
    return None


def _configurations(lab: ReadyLab) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """The files of both OpenVPNs, whose keys nobody has had before: the server's, the client's."""
    topology, name = lab.topology, lab.caller.name
    vpn = replace(topology.vpn, port=port_of(topology))
    server, client = issue_credential(lab.vpn_server.name), issue_credential(name)
    serving = server_files(
        topology,
        vpn,
        server,
        {name: client},
        {name: tunnel_address(lab)},
        Instance(".", PATHS_DEVICE, carried=True),
    )
    calling = client_files(
        topology,
        vpn,
        name,
        client,
        server_address=LOOPBACK,
        server_fingerprint=server.fingerprint,
        instance=Instance(".", TUNNEL_DEVICE, carried=True),
    )
    return serving, calling


def _device(lab: ReadyLab) -> LentDevice:
    """The server's end of the tunnel, to which the caller's address in it belongs meanwhile."""
    caller = IPv4Network((tunnel_address(lab), 32))
    routes = ((caller, lab.topology.vpn.server),)
    return LentDevice(PATHS_DEVICE, lab.owner.uid, lab.owner.gid, addresses=(), routes=routes)
