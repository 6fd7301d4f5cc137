"""What a packet was in that could not be read, by name, and what never carries voice.

One number tells every layer: an EtherType as it is, and the numbers of other registries
above the bases below.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass

import numpy as np

from lab.measure.pcap import Ints

NOTHING = 0
ETHERTYPE = 0
PPP_PROTOCOL, LLC_SAPS, IP_PROTOCOL, LINK_TYPE, UDP_PORT = (base << 16 for base in (1, 2, 3, 4, 5))
NUMBERS = 6 << 16
"""All are below that."""

_LINK_TYPES = {
    6: "Token Ring",
    10: "FDDI",
    105: "802.11",
    107: "Frame Relay",
    119: "802.11 with a Prism header",
    127: "802.11 with radiotap",
    163: "802.11 with an AVS header",
    189: "USB",
    192: "PPI",
    195: "802.15.4",
    201: "Bluetooth",
    220: "USB",
    239: "NFLOG",
    252: "Wireshark's exported PDUs",
    253: "netlink",
}
_ETHERTYPES = {0x88E5: "MACsec", 0x894F: "NSH", 0x880B: "PPP"}
_PPP = {0x003D: "multilink PPP", 0x00FD: "compressed PPP", 0x0053: "encrypted PPP"}
_IP = {
    50: "ESP",
    55: "minimal encapsulation",
    98: "encapsulation header",
    108: "IPComp",
    115: "L2TPv3",
    136: "UDP-Lite",
    33: "DCCP",
    47: "GRE of a kind that is not read",
}
UDP_TUNNELS = {
    500: "IKE",
    1194: "OpenVPN",
    4500: "ESP in UDP",
    5247: "CAPWAP",
    9060: "HEP",
    51820: "WireGuard",
}
"""Ports whose content is not read here."""
_UDP = UDP_TUNNELS | {2152: "GTP-U without IP in it"}

_QUIET_ETHERTYPES = frozenset(
    {0, 0x0806, 0x2000, 0x2001, 0x8035, 0x8808, 0x8809, 0x8863, 0x888E, 0x88CC, 0x88F7, 0x8902}
    | {0x9000}
)
"""ARP, CDP, NHRP, SLARP, flow control, LACP, PPPoE discovery, 802.1X, LLDP, PTP, CFM, loopback."""
_QUIET_SAPS = frozenset({0x4242, 0xE0E0, 0xFEFE, 0xFFFF, 0xF0F0, 0xAAAA, 0})
"""Spanning tree, IPX, IS-IS, NetBIOS, vendors' own protocols."""
_QUIET_IP = frozenset({0, 1, 2, 3, 6, 8, 9, 17, 46, 58, 59, 88, 89, 103, 112, 113, 132, 139})
"""ICMP, IGMP, routing, TCP, UDP, RSVP, VRRP, SCTP, HIP."""
_QUIET_PPP = range(0x4000, 0x10000)
"""Control and low-volume protocols (RFC 1661, 2)."""
_REGISTRIES: dict[int, tuple[Container[int], dict[int, str], str]] = {
    ETHERTYPE: (_QUIET_ETHERTYPES, _ETHERTYPES, "EtherType 0x{:04x}"),
    PPP_PROTOCOL: (_QUIET_PPP, _PPP, "PPP protocol 0x{:04x}"),
    LLC_SAPS: (_QUIET_SAPS, {}, "LLC 0x{:04x}"),
    IP_PROTOCOL: (_QUIET_IP, _IP, "IP protocol {}"),
    UDP_PORT: ((), _UDP, "UDP port {}"),
}


@dataclass(frozen=True, slots=True)
class Unread:
    """Packets in something that is not read here, and may have carried voice."""

    what: str
    packets: int

    def __str__(self) -> str:
        return f"{self.packets} in {self.what}"


def tally(stopped: Ints) -> tuple[Unread, ...]:
    """What stopped the reading of packets, most frequent first."""
    found, counts = np.unique(stopped[stopped != NOTHING], return_counts=True)
    totals: dict[str, int] = {}
    for number, count in zip(found.tolist(), counts.tolist(), strict=True):
        name = layer_name(number)
        if name is not None:
            totals[name] = totals.get(name, 0) + count
    return tuple(Unread(what, totals[what]) for what in sorted(totals, key=lambda w: -totals[w]))


def said(unread: Iterable[Unread]) -> str:
    """The tally as words."""
    return ", ".join(str(one) for one in unread)


def layer_name(number: int) -> str | None:
    """How messages call a layer; None for what never carries voice."""
    base, value = number & ~0xFFFF, number & 0xFFFF
    if base == LINK_TYPE:
        return link_type_name(value)
    quiet, names, pattern = _REGISTRIES[base]
    return None if value in quiet else names.get(value, pattern.format(value))


def link_type_name(link_type: int) -> str:
    """The number and, where it is known, the name."""
    name = _LINK_TYPES.get(link_type)
    return f"link type {link_type}" + (f" ({name})" if name else "")
