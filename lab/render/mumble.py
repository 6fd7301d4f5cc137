"""The configuration of a lab's Murmur, and what a client must know of it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from lab.render.vpn_pki import Credential, issue_credential
from lab.topology.model import Node, Role, Topology
from lab.wire import places
from lab.wire.mumble import MAX_USERS
from lab.wire.ports import MUMBLE_PORT

TEMPLATES = Path(__file__).parents[2] / "compose"
MAX_BANDWIDTH_BPS = 558_000
"""What Murmur 1.4 allows a speaker by default: no rate of Opus is throttled."""


@dataclass(frozen=True, slots=True)
class MumbleSecrets:
    """What only the server knows."""

    credential: Credential
    superuser_password: str = field(repr=False)
    clients: dict[str, Credential]
    """Endpoint → what it shows the server: Murmur wants a certificate of who opens a channel."""


def mumble_secrets(topology: Topology) -> MumbleSecrets | None:
    """Fresh certificates and a fresh password; None where the lab has no Murmur."""
    if not topology.with_role(Role.MUMBLE_SERVER):
        return None
    return MumbleSecrets(
        issue_credential("mumble"),
        secrets.token_urlsafe(18),
        {node.name: issue_credential(node.name) for node in topology.with_role(Role.ENDPOINT)},
    )


def mumble_address(topology: Topology) -> IPv4Address | None:
    """The one address of Murmur, direct and through Tor; None where the lab has no Murmur.

    It is the first of its machine, like that of the VPN server: the side of the exit relay.
    """
    servers = topology.with_role(Role.MUMBLE_SERVER)
    return topology.machine(servers[0].name).links[0].address if servers else None


def mumble_files(topology: Topology, node: Node, known: MumbleSecrets) -> dict[str, bytes]:
    """The files of `node`, Murmur's or an endpoint, relative to its directory in the project."""
    is_server = node.role is Role.MUMBLE_SERVER
    own = known.credential if is_server else known.clients[node.name]
    files = {places.MUMBLE_CERTIFICATE: own.certificate_pem, places.MUMBLE_KEY: own.key_pem}
    if is_server:
        files[places.MURMUR] = render_murmur(topology)
        files[places.MURMUR_SUPERUSER] = known.superuser_password
    return {places.in_project(place): text.encode() for place, text in files.items()}


def render_murmur(topology: Topology) -> str:
    """The `murmur.ini`; it holds no secret."""
    environment = Environment(  # noqa: S701 - no HTML
        loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, keep_trailing_newline=True
    )
    return environment.get_template("mumble-server.ini.j2").render(
        topology=topology,
        host=mumble_address(topology),
        port=MUMBLE_PORT,
        places=places,
        users=MAX_USERS,
        bandwidth_bps=MAX_BANDWIDTH_BPS,
    )
