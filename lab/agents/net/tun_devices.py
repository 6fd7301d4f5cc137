"""Lends a machine tun devices as long as its input lasts, then takes them away again.

Runs in a short-lived container that shares the machine's network namespace, with CAP_NET_ADMIN
and /dev/net/tun. First order: {"devices": [{"device", "uid", "gid", "addresses":
[[address, prefix length], …], "routes": [[destination, source], …]}]}. Event: {"event": "made"}.
"""

from __future__ import annotations

from typing import Any

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from lab.agents.net.tun import TunError, add_tun
from lab.wire.lines import hear, say


def make(ipr: IPRoute, spec: dict[str, Any]) -> None:
    """One device with its addresses and routes."""
    index = add_tun(ipr, spec["device"], spec["uid"], spec["gid"])
    for address, prefix_length in spec["addresses"]:
        ipr.addr("add", index=index, address=address, prefixlen=prefix_length)
    for destination, source in spec["routes"]:
        ipr.route("replace", dst=destination, oif=index, prefsrc=source)


def remove(ipr: IPRoute, devices: list[str]) -> None:
    """Take away what is there of the devices, and their addresses and routes with them."""
    for device in devices:
        for index in ipr.link_lookup(ifname=device):
            ipr.link("del", index=index)


def main() -> None:
    """Serve one load."""
    order = hear()
    if order is None:
        return
    devices = [spec["device"] for spec in order["devices"]]
    with IPRoute() as ipr:
        remove(ipr, devices)
        try:
            for spec in order["devices"]:
                make(ipr, spec)
            say({"event": "made"})
            hear()
        except (TunError, NetlinkError) as error:
            say({"error": str(error)})
        finally:
            remove(ipr, devices)


if __name__ == "__main__":
    main()
