"""Gives one node its place in the lab: routes, congestion control, tunnel device, link caps.

Runs in a short-lived container that shares the node's network namespace and holds nothing
but CAP_NET_ADMIN. `python3 -m lab.agents.net.network apply SPEC` brings the namespace into the
state that the JSON text SPEC describes, however often it is called, and prints what is then
in force; `show SPEC` only prints. The last thing `apply` sets is the unreachable default route:
it is the sign for the node's own process that it may start (`lab.agents.net.routes_ready`).
"""

from __future__ import annotations

import errno
import json
import sys
from socket import IPPROTO_UDP
from typing import Any

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from lab.agents.net import shaping
from lab.agents.net.qdiscs import ShapingError
from lab.agents.net.tun import TunError, add_tun

EVERYWHERE = "0.0.0.0/0"

TUNNEL_TABLE = 100
"""Routing table for what a phone sends from its tunnel address, or its media ports there."""


def apply(spec: dict[str, Any]) -> None:
    """Bring this namespace into the state that `spec` (see `lab.render.network`) describes."""
    congestion_control = spec["congestion_control"]
    metrics = {"attrs": [("RTAX_CC_ALGO", congestion_control)]}
    with IPRoute() as ipr:
        for route in ipr.get_routes(family=2, dst_len=0, table=254):
            if route["type"] == 1:
                ipr.route("del", dst=EVERYWHERE, gateway=route.get_attr("RTA_GATEWAY"))
        for link in spec["links"]:
            index = shaping.device_of(ipr, link["address"])
            ipr.route(
                "replace",
                dst=link["subnet"],
                oif=index,
                prefsrc=link["address"],
                scope="link",
                proto="kernel",
                metrics=metrics,
            )
            ipr.route("replace", dst=f"{link['bridge']}/32", type="unreachable")
            shaping.set_link(ipr, index, link["sends"], link["receives"])
        for route in spec["routes"]:
            ipr.route("replace", dst=route["destination"], gateway=route["via"], metrics=metrics)
        if spec["tunnel"]:
            _make_tunnel(ipr, spec["tunnel"], metrics)
        ipr.route("replace", dst=EVERYWHERE, type="unreachable")


def show(spec: dict[str, Any]) -> dict[str, Any]:
    """What is in force in this namespace, for the links that `spec` names."""
    with IPRoute() as ipr:
        return {
            "node": spec["node"],
            "links": [_show_link(ipr, link) for link in spec["links"]],
            "tunnel": bool(ipr.link_lookup(ifname=spec["tunnel"]["device"]))
            if spec["tunnel"]
            else None,
            "congestion_control": sorted(
                {
                    algorithm
                    for route in ipr.get_routes(family=2, table=254)
                    if (metrics := route.get_attr("RTA_METRICS"))
                    and (algorithm := metrics.get_attr("RTAX_CC_ALGO"))
                }
            ),
            "closed": any(
                route["type"] == 7 for route in ipr.get_routes(family=2, dst_len=0, table=254)
            ),
        }


def _show_link(ipr: IPRoute, link: dict[str, Any]) -> dict[str, Any]:
    index = shaping.device_of(ipr, link["address"])
    configured, in_force = link["sends"], shaping.in_force(ipr, index, shaping.OUT)
    return {
        "network": link["network"],
        "address": link["address"],
        "interface": ipr.get_links(index)[0].get_attr("IFLA_IFNAME"),
        "rate_configured_kbps": configured and configured["rate_kbps"],
        "rate_in_force_kbps": in_force and in_force["rate_kbps"],
        "counters": shaping.counters(ipr, index, shaping.OUT),
    }


def _make_tunnel(ipr: IPRoute, tunnel: dict[str, Any], metrics: dict[str, Any]) -> None:
    """Make the persistent tun device that an OpenVPN without capabilities may open."""
    index = add_tun(ipr, tunnel["device"], tunnel["uid"], tunnel["gid"])
    try:
        ipr.addr("add", index=index, address=tunnel["address"], prefixlen=tunnel["prefix_length"])
    except NetlinkError as error:
        if error.code != errno.EEXIST:
            raise
    ipr.route("replace", dst=EVERYWHERE, oif=index, table=TUNNEL_TABLE, metrics=metrics)
    rules = ipr.get_rules(family=2)
    source = tunnel["address"]
    if not any(rule.get_attr("FRA_SRC") == source for rule in rules):
        ipr.rule("add", src=source, src_len=32, table=TUNNEL_TABLE, priority=1000)
    ports = tunnel["media_ports"]
    if ports and not any(rule.get_attr("FRA_SPORT_RANGE") for rule in rules):
        udp = {"ip_proto": IPPROTO_UDP, "sport_range": ports}
        ipr.rule("add", **udp, table=TUNNEL_TABLE, priority=1001)


def main() -> None:
    """Apply or show the specification on the command line."""
    verb, text = sys.argv[1:]
    spec = json.loads(text)
    if verb == "apply":
        try:
            apply(spec)
        except (ShapingError, TunError) as error:
            raise SystemExit(f"{spec['node']}: {error}") from error
    sys.stdout.write(json.dumps(show(spec)) + "\n")


if __name__ == "__main__":
    main()
