"""Lends a machine tun devices as long as its input lasts, then takes them away again.

An OpenVPN without capabilities may open them. Runs in a short-lived container that shares the
machine's network namespace, with CAP_NET_ADMIN and /dev/net/tun.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from lab.wire.line import Line
from lab.wire.messages import Failed
from lab.wire.tun_devices import TUN_DEVICES, DevicesMade, LendDevices, LentDevice


class TunError(Exception):
    """A tun device could not be made; the message names it."""


def add_tun(ipr: IPRoute, device: str, uid: int, gid: int) -> int:
    """Make a tun device that belongs to `uid` and `gid`, up; its index. One that is there stays."""
    if not ipr.link_lookup(ifname=device):
        try:
            ipr.link("add", ifname=device, kind="tuntap", mode="tun", uid=uid, gid=gid)
        except (OSError, NetlinkError) as error:
            raise TunError(f"cannot make the tunnel device {device}: {error}") from error
    index = int(ipr.link_lookup(ifname=device)[0])
    ipr.link("set", index=index, state="up")
    return index


def make(ipr: IPRoute, lent: LentDevice) -> None:
    """One device with its addresses and routes."""
    index = add_tun(ipr, lent.device, lent.uid, lent.gid)
    for address, prefix_length in lent.addresses:
        ipr.addr("add", index=index, address=str(address), prefixlen=prefix_length)
    for destination, source in lent.routes:
        ipr.route("replace", dst=str(destination), oif=index, prefsrc=str(source))


def remove(ipr: IPRoute, devices: Sequence[LentDevice]) -> None:
    """Take away what is there of the devices, and their addresses and routes with them."""
    for lent in devices:
        for index in ipr.link_lookup(ifname=lent.device):
            ipr.link("del", index=index)


def main() -> None:
    """Serve one load."""
    line = Line(TUN_DEVICES)
    order = line.hear_first(LendDevices)
    if order is None:
        return
    with IPRoute() as ipr:
        remove(ipr, order.devices)
        try:
            for lent in order.devices:
                make(ipr, lent)
            line.say(DevicesMade())
            line.wait_for_end()
        except (TunError, NetlinkError) as error:
            line.say(Failed(str(error)))
        finally:
            remove(ipr, order.devices)


if __name__ == "__main__":
    main()
