"""How voice gets from the caller to the PBX or to Murmur: what every method has to provide."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from ipaddress import IPv4Address

from lab.calls.workspace import Workspace
from lab.errors import LabError
from lab.lifecycle.ready import ReadyLab
from lab.measure.record import CallRecord
from lab.topology.model import Node


@dataclass(frozen=True, slots=True)
class VoicePath:
    """A way to the server that is open now."""

    caller_address: IPv4Address
    """The address the caller's voice leaves from."""
    tunnelled: bool
    """Whether voice leaves the phone through the tunnel device."""
    next_hop: IPv4Address
    """Whom the caller's host talks to: PBX, Murmur, VPN server or guard."""
    server_address: IPv4Address
    """Whom the exit talks to for the call: PBX, Murmur or VPN server."""
    exit_machine: str
    """The last host before the server: exit relay, or the router in its place."""
    server_port: int | None = None
    """The TCP port of the call's connection to the server; None for phones without a tunnel."""
    client_connects: bool = False
    """Whether the caller's client opens its connection itself, while captures run: by that it is
    told from competing ones to the same port."""
    socks_port: int | None = None
    """Mumble through Tor: the SOCKS port on the caller's machine."""
    pinged: bool = True
    """Whether the round trip is measured by ping; Tor carries none outside a tunnel."""


PathOpener = Callable[[ReadyLab, CallRecord, Workspace], AbstractContextManager[VoicePath]]
"""Opens the path, notes in the record what it did, and closes the path at the end."""


def last_router(lab: ReadyLab, server: IPv4Address) -> str:
    """The forwarding host on the network of `server` through which the caller reaches it.

    LabError where none stands between them.
    """
    topology = lab.topology
    home = topology.network(lab.caller.links[0].network).subnet
    machine = _machine_at(lab, server)
    for route in machine.routes:
        if route.destination == home:
            return _machine_at(lab, route.via).name
    raise LabError(f"no host of topology {topology.name} stands between caller and {machine.name}")


def _machine_at(lab: ReadyLab, address: IPv4Address) -> Node:
    for node in lab.topology.nodes:
        if any(link.address == address for link in node.links):
            return node
    raise LabError(f"no node of topology {lab.topology.name} has the address {address}")
