"""Persistent tun devices, which an OpenVPN without capabilities may open (CAP_NET_ADMIN)."""

from __future__ import annotations

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError


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
