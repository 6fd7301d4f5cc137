"""What a topology must have to carry a method or a load, and what to say where it has not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.ends import CALLEE, CALLER

if TYPE_CHECKING:
    from lab.topology.model import Node, Topology


@dataclass(frozen=True, slots=True)
class Need:
    """Something without which a method or a load cannot be carried."""

    met: Callable[[Topology], bool]
    lack: str
    """As the end of `topology x cannot carry sip: …`."""
    remedy: str
    """What to write into the topology, as a sentence."""


def endpoint(topology: Topology, name: str) -> Node | None:
    """The endpoint of that name; None where there is none."""
    return next((n for n in topology.nodes if n.name == name and n.role == "endpoint"), None)


def _has_both_ends(topology: Topology) -> bool:
    return all(endpoint(topology, name) for name in (CALLER, CALLEE))


def _have_extensions(topology: Topology) -> bool:
    ends = [endpoint(topology, name) for name in (CALLER, CALLEE)]
    return all(end is not None and end.extension is not None for end in ends)


def has_role(role: str) -> Callable[[Topology], bool]:
    """Whether a topology has a node of that role."""
    return lambda topology: any(node.role == role for node in topology.nodes)


def _has_tor(name: str) -> Callable[[Topology], bool]:
    def has(topology: Topology) -> bool:
        end = endpoint(topology, name)
        return end is not None and end.tor

    return has


def _has_vpn(name: str) -> Callable[[Topology], bool]:
    def has(topology: Topology) -> bool:
        end = endpoint(topology, name)
        return end is not None and end.tunnel is not None

    return has


ENDS = Need(
    _has_both_ends,
    f"it lacks an endpoint called {CALLER} or one called {CALLEE}",
    f"Calls go from the node {CALLER} to the node {CALLEE}, both with `role: endpoint`.",
)
EXTENSIONS = Need(
    _have_extensions,
    f"{CALLER} or {CALLEE} has no extension",
    "Give each an `extension`, such as 1001.",
)
VPN_SERVER = Need(
    has_role("vpn-server"), "it has no VPN server", "Give it a node with `role: vpn-server`."
)
VPN_CLIENT = Need(_has_vpn(CALLER), f"{CALLER} has no VPN client", "Give it `vpn: true`.")
TOR_CLIENT = Need(_has_tor(CALLER), f"{CALLER} has no Tor client", "Give it `tor: true`.")
CALLEE_VPN_CLIENT = Need(
    _has_vpn(CALLEE),
    f"{CALLEE}, who is to be anonymous as well, has no VPN client",
    "Give it `vpn: true`, and `links` of its own.",
)
CALLEE_TOR_CLIENT = Need(
    _has_tor(CALLEE),
    f"{CALLEE}, who is to be anonymous as well, has no Tor client",
    "Give it `tor: true`, and `links` of its own.",
)


def _is_onion(role: str) -> Callable[[Topology], bool]:
    """Whether the server of that role is an onion service as well."""

    def met(topology: Topology) -> bool:
        servers = {node.name for node in topology.nodes if node.role == role}
        return any(node.serves in servers for node in topology.nodes)

    return met


VPN_ONION = Need(
    _is_onion("vpn-server"),
    "its VPN server is no onion service",
    "Write `onion: true` at it, as topologies/onion.yaml does.",
)
MURMUR_ONION = Need(
    _is_onion("mumble-server"),
    "its Murmur is no onion service",
    "Write `onion: true` at it, as topologies/onion.yaml does.",
)
TURN = Need(has_role("turn"), "it has no TURN server", "Give it a node with `role: turn`.")
MURMUR = Need(
    has_role("mumble-server"), "it has no Murmur", "Give it a node with `role: mumble-server`."
)
