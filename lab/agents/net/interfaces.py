"""The network devices of this namespace: made, set and taken away (CAP_NET_ADMIN)."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from enum import IntEnum

from lab.agents.net import rtnetlink
from lab.agents.net.rtnetlink import ADD, CHANGE, LINKS, attribute, number, text
from lab.wire import places

_IFLA_ADDRESS, _IFLA_IFNAME, _IFLA_TXQLEN, _IFLA_OPERSTATE = 1, 3, 13, 16
_IFLA_LINKINFO, _IFLA_GSO_MAX_SEGS = 18, 40
_IFLA_INFO_KIND = 1
"""Of what `_IFLA_LINKINFO` holds."""
_IFF_UP = 1
_OPERATES = 6
"""IF_OPER_UP of <linux/if.h>."""
_IFNAMSIZ = 16
_TUNSETIFF, _TUNSETPERSIST, _TUNSETOWNER, _TUNSETGROUP = (
    0x4004_54CA,
    0x4004_54CB,
    0x4004_54CC,
    0x4004_54CE,
)
"""Requests of <linux/if_tun.h>."""
_IFF_NO_PI = 0x1000


class TunMode(IntEnum):
    """What passes through a tun device (IFF_TUN and IFF_TAP of <linux/if_tun.h>)."""

    TUN = 1
    """IP packets."""
    TAP = 2
    """Ethernet frames."""


def add(name: str, kind: str) -> None:
    """Make a device; NetlinkError where the kernel does not know the kind, or refuses."""
    kinds = attribute(_IFLA_LINKINFO, text(_IFLA_INFO_KIND, kind))
    rtnetlink.put(LINKS, ADD, (0, 0, 0, 0, 0), text(_IFLA_IFNAME, name) + kinds)


def add_tun(name: str, mode: TunMode, uid: int, gid: int) -> None:
    """Make a tun device that stays, for that user and group; OSError where the kernel refuses."""
    if len(name) >= _IFNAMSIZ:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), name)
    device = os.open(places.TUN, os.O_RDWR)
    try:
        fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", name.encode(), mode | _IFF_NO_PI))
        fcntl.ioctl(device, _TUNSETOWNER, uid)
        fcntl.ioctl(device, _TUNSETGROUP, gid)
        fcntl.ioctl(device, _TUNSETPERSIST, 1)
    finally:
        os.close(device)


def remove(index: int) -> None:
    """Take a device away."""
    rtnetlink.delete(LINKS, (0, 0, index, 0, 0))


def bring_up(index: int) -> None:
    """Let packets through a device."""
    rtnetlink.put(LINKS, CHANGE, (0, 0, index, _IFF_UP, _IFF_UP))


def set_most_segments(index: int, segments: int) -> None:
    """How many TCP segments one packet of the device may be made of."""
    rtnetlink.put(LINKS, CHANGE, (0, 0, index, 0, 0), number(_IFLA_GSO_MAX_SEGS, segments))


def most_segments(index: int) -> int:
    """How many TCP segments one packet of the device may be made of, as the kernel has it."""
    (found,) = struct.unpack("=I", _attribute(index, _IFLA_GSO_MAX_SEGS))
    return int(found)


def set_queue_length(index: int, packets: int) -> None:
    """How many packets may wait at a device that has no queueing discipline of its own."""
    rtnetlink.put(LINKS, CHANGE, (0, 0, index, 0, 0), number(_IFLA_TXQLEN, packets))


def set_hardware_address(index: int, address: bytes) -> None:
    """Give a device an Ethernet address."""
    rtnetlink.put(LINKS, CHANGE, (0, 0, index, 0, 0), attribute(_IFLA_ADDRESS, address))


def hardware_address(index: int) -> bytes:
    """The Ethernet address of a device."""
    return _attribute(index, _IFLA_ADDRESS)


def operates(index: int) -> bool:
    """Whether the kernel lets packets through a device (RFC 2863)."""
    return _attribute(index, _IFLA_OPERSTATE) == bytes([_OPERATES])


def _attribute(index: int, kind: int) -> bytes:
    """What the kernel tells of a device; empty where it does not, or there is none."""
    for entry in rtnetlink.dump(LINKS):
        if entry.fields[2] == index:
            return entry.attributes.get(kind, b"")
    return b""
