"""Gives one node its place in the lab: routes, congestion control, tunnel device, link caps.

Runs in a short-lived container that shares the node's network namespace and holds nothing
but CAP_NET_ADMIN: `python3 -m lab.agents.net.network ORDER`. The last thing that it sets is the
unreachable default route: it is the sign for the node's own process that it may start
(`lab.agents.net.routes_ready`).
"""

from __future__ import annotations

import errno
import sys
from socket import IPPROTO_UDP
from typing import Any

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from lab.agents.net import shaping
from lab.agents.net.reading import MAIN_TABLE, UNICAST, device_of, network_in_force
from lab.agents.net.tun_devices import TunError, add_tun
from lab.wire.line import Line
from lab.wire.network import (
    NETWORK,
    MachineNetwork,
    SetUpNetwork,
    TunnelDevice,
)
from lab.wire.shape import Shape, ShapingError

EVERYWHERE = "0.0.0.0/0"

TUNNEL_TABLE = 100
"""Routing table for what a phone sends from its tunnel address, or its media ports there."""


def set_up(network: MachineNetwork) -> None:
    """Bring this namespace into the state that is described, whatever it is in."""
    metrics = {"cc_algo": network.congestion_control}
    with IPRoute() as ipr:
        for route in ipr.get_routes(family=2, dst_len=0, table=MAIN_TABLE):
            if route["type"] == UNICAST:
                ipr.route("del", dst=EVERYWHERE, gateway=route.get_attr("RTA_GATEWAY"))
        for link in network.links:
            index = device_of(link.address)
            ipr.route(
                "replace",
                dst=str(link.subnet),
                oif=index,
                prefsrc=str(link.address),
                scope="link",
                proto="kernel",
                metrics=metrics,
            )
            ipr.route("replace", dst=f"{link.bridge}/32", type="unreachable")
            shaping.set_link(ipr, index, link.sends or Shape(), link.receives or Shape())
        for route in network.routes:
            destination, gateway = str(route.destination), str(route.via)
            ipr.route("replace", dst=destination, gateway=gateway, metrics=metrics)
        if network.tunnel:
            _make_tunnel(ipr, network.tunnel, metrics)
        ipr.route("replace", dst=EVERYWHERE, type="unreachable")


def _make_tunnel(ipr: IPRoute, tunnel: TunnelDevice, metrics: dict[str, Any]) -> None:
    """Make the persistent tun device that an OpenVPN without capabilities may open."""
    index = add_tun(ipr, tunnel.device, tunnel.uid, tunnel.gid)
    source = str(tunnel.address)
    try:
        ipr.addr("add", index=index, address=source, prefixlen=tunnel.prefix_length)
    except NetlinkError as error:
        if error.code != errno.EEXIST:
            raise
    ipr.route("replace", dst=EVERYWHERE, oif=index, table=TUNNEL_TABLE, metrics=metrics)
    rules = ipr.get_rules(family=2)
    if not any(rule.get_attr("FRA_SRC") == source for rule in rules):
        ipr.rule("add", src=source, src_len=32, table=TUNNEL_TABLE, priority=1000)
    if tunnel.media_ports and not any(rule.get_attr("FRA_SPORT_RANGE") for rule in rules):
        udp = {"ip_proto": IPPROTO_UDP, "sport_range": "{}:{}".format(*tunnel.media_ports)}
        ipr.rule("add", **udp, table=TUNNEL_TABLE, priority=1001)


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
