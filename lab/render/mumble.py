"""The configuration of a lab's Murmur, and what a client must know of it."""

from __future__ import annotations

from ipaddress import IPv4Address

from lab.render.secrets import LabSecrets
from lab.render.templates import rendered
from lab.topology.model import Node, Topology
from lab.wire import places
from lab.wire.mumble import MAX_USERS
from lab.wire.ports import MUMBLE_PORT

MAX_BANDWIDTH_BPS = 558_000
"""What Murmur 1.4 allows a speaker by default: no rate of Opus is throttled."""


def mumble_address(topology: Topology) -> IPv4Address | None:
    """The one address of Murmur, direct and through Tor; None where the lab has no Murmur.

    It is the first of its machine, like that of the VPN server: the side of the exit relay.
    """
    servers = topology.with_role("mumble-server")
    return topology.machine(servers[0].name).links[0].address if servers else None


def murmur_files(topology: Topology, node: Node, secrets: LabSecrets) -> dict[str, bytes]:
    """The files of Murmur, relative to its node's directory in the project."""
    superuser = secrets.passwords["superuser"][node.name]
    return {
        **mumble_client_files(topology, node, secrets),
        places.in_project(places.MURMUR): render_murmur(topology).encode(),
        places.in_project(places.MURMUR_SUPERUSER): superuser.encode(),
    }


def mumble_client_files(_topology: Topology, node: Node, secrets: LabSecrets) -> dict[str, bytes]:
    """Key and certificate by which a node is known to the other end; none without a Murmur."""
    own = secrets.credential("mumble", node.name)
    if own is None:
        return {}
    return {
        places.in_project(places.MUMBLE_CERTIFICATE): own.certificate_pem.encode(),
        places.in_project(places.MUMBLE_KEY): own.key_pem.encode(),
    }


def render_murmur(topology: Topology) -> str:
    """The `murmur.ini`; it holds no secret."""
    return rendered(
        "mumble-server.ini.j2",
        topology=topology,
        host=mumble_address(topology),
        port=MUMBLE_PORT,
        places=places,
        users=MAX_USERS,
        bandwidth_bps=MAX_BANDWIDTH_BPS,
    )
