"""What the net helper is told about one machine."""

from __future__ import annotations

from lab.render.owner import Owner
from lab.roles import ROLES
from lab.topology.model import Node, Topology
from lab.wire.network import MachineLink, MachineNetwork, TunnelDevice

TUNNEL_DEVICE = "tun0"
PATHS_DEVICE = "paths"
"""At the server, during a call over several circuits: the tunnel of its own."""


def machine_network(topology: Topology, machine: Node, owner: Owner) -> MachineNetwork:
    """The links, routes and tunnel of `machine`, a node with a network namespace of its own."""
    return MachineNetwork(
        node=machine.name,
        congestion_control=topology.congestion_control,
        links=tuple(
            MachineLink(
                network=link.network,
                address=link.address,
                subnet=topology.network(link.network).subnet,
                bridge=topology.network(link.network).bridge,
                sends=link.sends,
                receives=link.receives,
            )
            for link in machine.links
        ),
        routes=machine.routes,
        tunnel=_tunnel(topology, machine, owner),
        place=machine.place,
    )


def _tunnel(topology: Topology, machine: Node, owner: Owner) -> TunnelDevice | None:
    end = ROLES.all[machine.role].tunnel(topology, machine)
    if end is None:
        return None
    return TunnelDevice(
        device=TUNNEL_DEVICE,
        address=end.address,
        prefix_length=topology.vpn.subnet.prefixlen,
        uid=owner.uid,
        gid=owner.gid,
        media_ports=end.media_ports,
    )
