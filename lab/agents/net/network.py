"""Gives one node its place in the lab: routes, congestion control, tunnel device, link caps.

Runs in a short-lived container that shares the node's network namespace and holds nothing
but CAP_NET_ADMIN: `python3 -m lab.agents.net.network ORDER`. The last thing that it sets is the
unreachable default route: it is the sign for the node's own process that it may start
(`lab.agents.net.routes_ready`).
"""

from __future__ import annotations

import errno
import sys
from ipaddress import IPv4Network

from lab.agents.net import routes, shaping
from lab.agents.net.reading import device_of, network_in_force
from lab.agents.net.rtnetlink import NetlinkError
from lab.agents.net.tun_devices import TunError, add_tun
from lab.wire.line import Line
from lab.wire.network import (
    NETWORK,
    MachineNetwork,
    SetUpNetwork,
    TunnelDevice,
)
from lab.wire.shape import Shape, ShapingError

TUNNEL_TABLE = 100
"""Routing table for what a phone sends from its tunnel address, or its media ports there."""
_SOURCE_PRIORITY, _PORTS_PRIORITY = 1000, 1001


def set_up(network: MachineNetwork) -> None:
    """Bring this namespace into the state that is described, whatever it is in."""
    for gateway in routes.default_gateways():
        routes.delete_default(gateway)
    for link in network.links:
        index = device_of(link.address)
        routes.to_link(link.subnet, index, link.address, network.congestion_control)
        routes.close(IPv4Network(link.bridge))
        shaping.set_link(index, link.sends or Shape(), link.receives or Shape())
    for route in network.routes:
        routes.through_gateway(route.destination, route.via, network.congestion_control)
    if network.tunnel:
        _make_tunnel(network.tunnel, network.congestion_control)
    routes.close(routes.EVERYWHERE)


def _make_tunnel(tunnel: TunnelDevice, congestion_control: str) -> None:
    """Make the persistent tun device that an OpenVPN without capabilities may open."""
    index = add_tun(tunnel.device, tunnel.uid, tunnel.gid)
    try:
        routes.add_address(index, tunnel.address, tunnel.prefix_length)
    except NetlinkError as error:
        if error.errno != errno.EEXIST:
            raise
    routes.through_device(
        routes.EVERYWHERE, index, table=TUNNEL_TABLE, congestion_control=congestion_control
    )
    routes.have_rule_for_source(tunnel.address, TUNNEL_TABLE, _SOURCE_PRIORITY)
    if tunnel.media_ports:
        routes.have_rule_for_ports(tunnel.media_ports, TUNNEL_TABLE, _PORTS_PRIORITY)


def main() -> None:
    """Obey the order on the command line, then tell what is in force."""
    line = Line(NETWORK)
    order = NETWORK.read_order(sys.argv[1])
    assert isinstance(order, SetUpNetwork)
    try:
        set_up(order.network)
        line.say(network_in_force(order.network))
    except (ShapingError, TunError) as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
