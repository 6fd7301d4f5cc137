"""What the net helper is told about one machine: the input of `lab.agents.net.network`."""

from __future__ import annotations

from typing import Any

from lab.render.owner import Owner
from lab.topology.model import Node, Role, Topology
from lab.wire.ports import TUNNEL_PORTS
from lab.wire.shape import Direction

TUNNEL_DEVICE = "tun0"


def network_spec(topology: Topology, machine: Node, owner: Owner) -> dict[str, Any]:
    """The links, routes and tunnel of `machine`, a node with a network namespace of its own."""
    return {
        "node": machine.name,
        "congestion_control": topology.congestion_control,
        "links": [
            {
                "network": link.network,
                "address": str(link.address),
                "subnet": str(topology.network(link.network).subnet),
                "bridge": str(topology.network(link.network).bridge),
                "sends": link.shape(Direction.OUT).to_spec(),
                "receives": link.shape(Direction.IN).to_spec(),
            }
            for link in machine.links
        ],
        "routes": [
            {"destination": str(route.destination), "via": str(route.via)}
            for route in machine.routes
        ],
        "tunnel": _tunnel(topology, machine, owner),
    }


def _tunnel(topology: Topology, machine: Node, owner: Owner) -> dict[str, Any] | None:
    address = topology.vpn.server if machine.role is Role.VPN_SERVER else machine.tunnel
    if address is None:
        return None
    return {
        "device": TUNNEL_DEVICE,
        "address": str(address),
        "prefix_length": topology.vpn.subnet.prefixlen,
        "uid": owner.uid,
        "gid": owner.gid,
        "media_ports": "{}:{}".format(*TUNNEL_PORTS) if machine.role is Role.ENDPOINT else None,
    }
