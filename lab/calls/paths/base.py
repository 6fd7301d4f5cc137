"""How voice gets from the caller to the server where it meets the callee's: what a way provides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from ipaddress import IPv4Address

from lab.calls.measuring_points import ACCESS, CALLEE_ACCESS, CALLEE_LINK, CALLEE_TUNNEL, TUNNEL
from lab.calls.paths.circuit import PinnedCircuit
from lab.calls.workspace import Workspace
from lab.errors import LabError
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.notes import CallNotes
from lab.measure.call.path import EndNotes, Hop, VoicePath
from lab.render.torrc import node_address
from lab.topology.model import Node
from lab.wire.proxy import SocksProxy

LOOPBACK = IPv4Address("127.0.0.1")


@dataclass(frozen=True, slots=True)
class Way:
    """How the path of a method is planned and opened."""

    plan: Callable[[ReadyLab, int], VoicePath]
    """The path of a call with that seed, before anything is built; LabError where the topology
    has none."""
    open: Callable[
        [ReadyLab, VoicePath, CallNotes, Workspace], AbstractContextManager[Sequence[PinnedCircuit]]
    ]
    """Builds the path as planned, notes what was built, and closes it at the end; gives the
    circuits that were pinned for it, the caller's first."""


def tor_client(socks_port: int | None, call_id: str) -> SocksProxy | None:
    """The Tor client on an end's own machine; None for a call that does not go through it.

    All that goes through it for one call has the same user and password: Tor gives others a
    circuit of their own.
    """
    return None if socks_port is None else SocksProxy(LOOPBACK, socks_port, call_id, call_id)


def caller_end(lab: ReadyLab, in_tunnel: IPv4Address | None = None) -> EndNotes:
    """The caller, whose voice leaves from its home or, where given, from inside the tunnel."""
    home = lab.caller.links[0].address
    if in_tunnel is None:
        return EndNotes(lab.caller.name, home, home, ACCESS.name)
    return EndNotes(lab.caller.name, home, in_tunnel, TUNNEL.name)


def callee_end(lab: ReadyLab) -> EndNotes:
    """The callee, at its own link; on the PBX's machine, which has loopback for it, there."""
    links = lab.callee.links
    home = links[0].address if links else LOOPBACK
    return EndNotes(lab.callee.name, home, home, CALLEE_LINK.name)


def hidden_callee_end(lab: ReadyLab, in_tunnel: IPv4Address | None = None) -> EndNotes:
    """The callee that Tor hides, whose voice leaves from its home or from inside its tunnel."""
    home = lab.callee.links[0].address
    if in_tunnel is None:
        return EndNotes(lab.callee.name, home, home, CALLEE_ACCESS.name)
    return EndNotes(lab.callee.name, home, in_tunnel, CALLEE_TUNNEL.name)


def relay_hops(lab: ReadyLab, relays: Sequence[str]) -> tuple[Hop, ...]:
    """The relays of a circuit, at the addresses by which tor knows them."""
    topology = lab.topology
    return tuple(Hop(name, node_address(topology, topology.node(name))) for name in relays)


def pbx_hop(lab: ReadyLab) -> Hop:
    """The PBX, at the address by which every phone knows it."""
    (pbx,) = lab.topology.with_role("pbx")
    return Hop(pbx.name, lab.pbx_address)


def vpn_hop(lab: ReadyLab) -> Hop:
    """The VPN server, at the address by which clients know it."""
    return Hop(lab.vpn_server.name, lab.vpn_server.links[0].address)


def last_router(lab: ReadyLab, server: IPv4Address) -> str | None:
    """The forwarding host on the network of `server` through which the caller reaches it.

    None where they share a network, and no host stands between them.
    """
    topology = lab.topology
    home = topology.network(lab.caller.links[0].network).subnet
    machine = _machine_at(lab, server)
    for route in machine.routes:
        if route.destination == home:
            return _machine_at(lab, route.via).name
    return None


def _machine_at(lab: ReadyLab, address: IPv4Address) -> Node:
    for node in lab.topology.nodes:
        if any(link.address == address for link in node.links):
            return node
    raise LabError(f"no node of topology {lab.topology.name} has the address {address}")
