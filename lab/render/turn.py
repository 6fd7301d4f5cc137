"""The configuration of a lab's TURN server, and what a phone must know to be relayed by it."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address

from lab.render.secrets import LabSecrets
from lab.render.templates import rendered
from lab.topology.model import Node, Topology
from lab.wire import places
from lab.wire.ports import RELAY_PORTS, TURN_PORT

REALM = "lab"
PURPOSE = "turn"
"""What an endpoint's password for it is kept as."""


def turn_address(topology: Topology) -> IPv4Address | None:
    """The one address of the TURN server; None where the lab has none.

    It is the first of its machine, like Murmur's: the side of the exit relay.
    """
    servers = topology.with_role("turn")
    return topology.machine(servers[0].name).links[0].address if servers else None


def turn_files(topology: Topology, _node: Node, secrets: LabSecrets) -> dict[str, bytes]:
    """The files of the TURN server, relative to its node's directory in the project."""
    text = render_turn(topology, secrets.passwords.get(PURPOSE, {}))
    return {places.in_project(places.TURN_SERVER): text.encode()}


def turn_client_files(_topology: Topology, node: Node, secrets: LabSecrets) -> dict[str, bytes]:
    """The password by which the server knows an endpoint; none without a server."""
    own = secrets.password(PURPOSE, node.name)
    return {} if own is None else {places.in_project(places.TURN_PASSWORD): own.encode()}


def render_turn(topology: Topology, passwords: Mapping[str, str]) -> str:
    """The `turnserver.conf`; `passwords` are those of all endpoints, by their nodes' names."""
    return rendered(
        "turnserver.conf.j2",
        topology=topology,
        address=turn_address(topology),
        port=TURN_PORT,
        relay_ports=RELAY_PORTS,
        realm=REALM,
        passwords=passwords,
        places=places,
    )
