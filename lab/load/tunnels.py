"""Tunnels for background calls: a second OpenVPN server, and a client for each call.

They are made for one load and gone with it. Inside them addresses of their own are used, which
mean nothing outside: every call has one at each end, and its route is its tunnel.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network

from lab.engine.execution import start_agent, start_network_helper
from lab.lifecycle.ready import ReadyLab
from lab.render.openvpn import Instance, client_files, server_files
from lab.render.vpn_pki import Credential, issue_credential
from lab.topology.model import Vpn
from lab.wire.openvpn import OPENVPN, OpenVpnUp, ServeTunnels
from lab.wire.tun_devices import TUN_DEVICES, DevicesMade, LendDevices, LentDevice

SUBNET = IPv4Network("100.64.0.0/22")
"""Of the range that RFC 6598 sets apart for carriers: no lab's networks lie there."""
SERVER = SUBNET[1]
CLIENTS, CALLED = SUBNET[256], SUBNET[512]
"""From here on, one address per call: where it comes from, and where it goes to."""
PORT_ABOVE_VPN = 1
"""The second server listens on the port after that of the lab's own."""
SERVER_DEVICE = "load"
SINGLE = 32
"""The prefix of one address."""
DEADLINE_S = 30.0


@dataclass(frozen=True, slots=True)
class CallTunnel:
    """The client's end of one tunnel, not opened yet."""

    device: str
    address: IPv4Address
    called: IPv4Address
    """What is called through it."""
    files: dict[str, str]
    """Its OpenVPN's files; `client.conf` is to be run in their directory."""


@contextmanager
def call_tunnels(lab: ReadyLab, client: str, count: int) -> Iterator[tuple[CallTunnel, ...]]:
    """Devices at both ends and a listening server, for `count` tunnels, while the block runs.

    LabError where the server does not come up.
    """
    server = lab.vpn_server
    vpn = replace(
        lab.topology.vpn,
        subnet=SUBNET,
        server=SERVER,
        port=lab.topology.vpn.port + PORT_ABOVE_VPN,
    )
    own = issue_credential(server.name)
    peers = {f"call-{number}": issue_credential(f"call-{number}") for number in range(count)}
    tunnels = tuple(
        _tunnel(lab, vpn, number, name, peer, own.fingerprint)
        for number, (name, peer) in enumerate(peers.items())
    )
    addresses = dict(zip(peers, (tunnel.address for tunnel in tunnels), strict=True))
    files = server_files(lab.topology, vpn, own, peers, addresses, Instance(".", SERVER_DEVICE))
    with ExitStack() as stack:
        for machine, devices in (
            (server.name, (_server_device(lab, tunnels),)),
            (client, tuple(_client_device(lab, tunnel) for tunnel in tunnels)),
        ):
            helper = start_network_helper(
                lab.running, machine, lab.net_image, TUN_DEVICES, tun=True
            )
            stack.enter_context(helper).ask(LendDevices(devices), DevicesMade, DEADLINE_S)
        agent = stack.enter_context(start_agent(lab.running, server.name, OPENVPN))
        agent.ask(ServeTunnels(files), OpenVpnUp, DEADLINE_S)
        yield tunnels


def _tunnel(
    lab: ReadyLab, vpn: Vpn, number: int, name: str, own: Credential, server_fingerprint: str
) -> CallTunnel:
    device = f"{SERVER_DEVICE}{number}"
    return CallTunnel(
        device=device,
        address=CLIENTS + number,
        called=CALLED + number,
        files=client_files(
            lab.topology,
            vpn,
            name,
            own,
            server_address=lab.vpn_server.links[0].address,
            server_fingerprint=server_fingerprint,
            instance=Instance(".", device),
        ),
    )


def _server_device(lab: ReadyLab, tunnels: tuple[CallTunnel, ...]) -> LentDevice:
    called = ((tunnel.called, SINGLE) for tunnel in tunnels)
    return LentDevice(
        SERVER_DEVICE,
        lab.owner.uid,
        lab.owner.gid,
        addresses=((SERVER, SUBNET.prefixlen), *called),
    )


def _client_device(lab: ReadyLab, tunnel: CallTunnel) -> LentDevice:
    return LentDevice(
        tunnel.device,
        lab.owner.uid,
        lab.owner.gid,
        addresses=((tunnel.address, SINGLE),),
        routes=((IPv4Network((tunnel.called, SINGLE)), tunnel.address),),
    )
