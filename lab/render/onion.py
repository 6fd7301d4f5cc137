"""What the tor of an onion service is configured with, and by which address it is known."""

from __future__ import annotations

from pathlib import Path

from lab.errors import LabError
from lab.render.onion_keys import HOSTNAME
from lab.render.secrets import LabSecrets
from lab.render.torrc import node_address, render_network, render_torrc
from lab.roles import program_of
from lab.topology.model import Node, Topology
from lab.wire import places


def onion_service_files(topology: Topology, node: Node, secrets: LabSecrets) -> dict[str, bytes]:
    """The files of an onion service's tor, relative to its node's directory in the project."""
    keys = secrets.onions[node.name]
    server = server_of(topology, node)
    torrc = render_torrc(
        topology,
        node,
        secrets.tor,
        template="torrc.onion.j2",
        server=server.name,
        port=service_port(topology, node),
        server_address=node_address(topology, server),
        onion_directory=places.TOR_DATA / places.ONION.name,
    )
    files = {
        places.TORRC: torrc.encode(),
        places.TOR_NETWORK: render_network(topology, node, secrets.tor).encode(),
        **{places.ONION / name: content for name, content in keys.files.items()},
    }
    return {places.in_project(place): content for place, content in files.items()}


def server_of(topology: Topology, service: Node) -> Node:
    """The node that `service` makes reachable."""
    assert service.serves
    return topology.node(service.serves)


def service_of(topology: Topology, role: str) -> Node | None:
    """The onion service of the lab's server of that role; None where it has none."""
    for service in topology.with_role("onion-service"):
        if server_of(topology, service).role == role:
            return service
    return None


def service_port(topology: Topology, service: Node) -> int:
    """The TCP port of the service, which is its server's own."""
    socket = program_of(topology, server_of(topology, service)).socket
    assert socket
    return socket(topology).port


def read_address(directory: Path, service: str) -> str:
    """The address of an onion service, from the project; LabError where it cannot be read."""
    file = directory / "nodes" / service / places.in_project(places.ONION / HOSTNAME)
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise LabError(f"the address of {service} cannot be read: {file}: {error}") from error
