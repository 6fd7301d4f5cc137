"""From a frame to the IP packet in it: link types, tags, labels and session headers.

What comes next in a frame is named by its EtherType; link layers that have none of their own
bear the number under which GRE or Linux carry them. Link types are those of the tcpdump
LINKTYPE_ registry.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lab.measure.layer_names import LINK_TYPE, LLC_SAPS, NOTHING, NUMBERS, PPP_PROTOCOL
from lab.measure.octets import Octets, among
from lab.measure.pcap import Ints, Records

IPV4, IPV6 = 0x0800, 0x86DD
LLC, ETHERNET, PPP, PPPOE = 0x0004, 0x6558, 0x880B, 0x8864
MPLS, MPLS_UPSTREAM, PROVIDER_BACKBONE = 0x8847, 0x8848, 0x88E7
TAGS = {
    0x8100: 2,
    0x88A8: 2,
    0x9100: 2,
    0x9200: 2,
    0x9300: 2,
    0x8926: 4,
    0x892F: 4,
    0x893F: 6,
}
"""VLAN, VN, HSR and E tags: bytes from a tag's own EtherType to the next one."""
LOWEST_ETHERTYPE = 0x0600
"""Below that the field is a length, and an LLC header follows (IEEE 802.3, 3.2.6)."""
MAX_LAYERS = 16
"""More headers in one frame are damage, not layers."""

_ETHERTYPE_AT = {104: 2, 113: 14, 138: 16, 276: 0}
_PAYLOAD_AT = {104: 4, 113: 16, 138: 18, 276: 20}
"""Cisco HDLC, Linux cooked (both versions) and IP over FireWire state an EtherType."""
_STARTS = {
    1: (ETHERNET, 0),
    0: (IPV4, 4),
    108: (IPV4, 4),
    9: (PPP, 0),
    50: (PPP, 0),
    51: (PPPOE, 0),
    204: (PPP, 1),
    219: (MPLS, 0),
    **dict.fromkeys((12, 14, 101, 228, 229), (IPV4, 0)),
}
"""What a frame of a link type begins with, and behind how many bytes."""
LINK_TYPES = frozenset({*_STARTS, *_ETHERTYPE_AT})
"""What can be read; packets of any other link type are not taken for IP."""

Layers = tuple[Ints, Ints]
"""For each packet what comes next (an EtherType, or a number of `layer_names`), and where."""


def first_layers(octets: Octets, records: Records) -> Layers:
    """What each frame begins with, by the link type of its interface."""
    kind = LINK_TYPE + records.link_type
    at = records.start.copy()
    for link_type in np.unique(records.link_type).tolist():
        mine = records.link_type == link_type
        if link_type in _STARTS:
            kind[mine], skipped = _STARTS[link_type]
            at[mine] += skipped
        elif link_type in _ETHERTYPE_AT:
            start = records.start[mine]
            kind[mine] = _after_ethertype(octets.of(mine).u16(start + _ETHERTYPE_AT[link_type]))
            at[mine] += _PAYLOAD_AT[link_type]
    return kind, at


def find_ip(octets: Octets, kind: Ints, at: Ints) -> Layers:
    """Follow the layers to the IP header: (0, its offset), or (where it stops, the end)."""
    ip_at = octets.end.copy()
    stopped = kind.copy()
    rows = np.arange(len(kind))
    for _ in range(MAX_LAYERS):
        arrived = (kind == IPV4) | (kind == IPV6)
        ip_at[rows[arrived]] = at[arrived]
        stopped[rows] = np.where(arrived, NOTHING, kind)
        followed = ~arrived & among(kind, _STEPS, NUMBERS)
        rows, kind, at = rows[followed], kind[followed], at[followed]
        if not len(rows):
            break
        kind, at = _next(octets.of(rows), kind, at)
    return stopped, np.minimum(ip_at, octets.end)


def _next(octets: Octets, kind: Ints, at: Ints) -> Layers:
    inner, inner_at = kind.copy(), at.copy()
    for layer in np.unique(kind).tolist():
        mine = kind == layer
        inner[mine], inner_at[mine] = _STEPS[layer](octets.of(mine), at[mine])
    return inner, inner_at


def _after_ethertype(kind: Ints) -> Ints:
    return np.where(kind < LOWEST_ETHERTYPE, LLC, kind)


def _ethernet(octets: Octets, at: Ints) -> Layers:
    return _after_ethertype(octets.u16(at + 12)), at + 14


def _tag(skipped: int) -> Callable[[Octets, Ints], Layers]:
    def step(octets: Octets, at: Ints) -> Layers:
        return _after_ethertype(octets.u16(at + skipped)), at + skipped + 2

    return step


def _llc(octets: Octets, at: Ints) -> Layers:
    """IEEE 802.2; SNAP carries an EtherType (RFC 1042), SAP 6 is IP itself."""
    saps = octets.u16(at)
    oui = octets.u16(at + 3) << 8 | octets.u8(at + 5)
    snap = (saps == 0xAAAA) & np.isin(oui, (0x000000, 0x0000F8))
    kind = np.where(saps == 0x0606, IPV4, LLC_SAPS + saps)
    kind = np.where(snap, octets.u16(at + 6), kind)
    return kind, at + np.where(snap, 8, 3)


def _pppoe(octets: Octets, at: Ints) -> Layers:
    """RFC 2516, 4: only code 0 carries a session's data."""
    return np.where(octets.u8(at + 1) == 0, PPP, NOTHING), at + 6


def _ppp(octets: Octets, at: Ints) -> Layers:
    """RFC 1661, 2 and RFC 1662, 3.1: address and control may be left out, and a zero octet."""
    at = at + 2 * (octets.u16(at) == 0xFF03)
    first = octets.u8(at)
    short = first & 1 == 1
    protocol = np.where(short, first, octets.u16(at))
    kind = PPP_PROTOCOL + protocol
    for number, inner in ((0x0021, IPV4), (0x0057, IPV6), (0x0281, MPLS), (0x0283, MPLS)):
        kind = np.where(protocol == number, inner, kind)
    return kind, at + np.where(short, 1, 2)


def _mpls(octets: Octets, at: Ints) -> Layers:
    """RFC 3032: labels up to the bottom of the stack; what follows has to be guessed.

    A first nibble of 0 may be the control word of a pseudowire (RFC 4385); behind it, or
    without it where an EtherType stands in its place, lies an Ethernet frame.
    """
    for _ in range(MAX_LAYERS):
        further = (octets.u8(at + 2) & 1 == 0) & (at + 4 < octets.end)
        if not further.any():
            break
        at = at + 4 * further
    at = at + 4
    nibble = octets.u8(at) >> 4
    packet = np.isin(nibble, (4, 6))
    bare_frame = np.isin(octets.u16(at + 12), [IPV4, IPV6, *TAGS])
    return np.where(packet, IPV4, ETHERNET), at + 4 * (~packet & (nibble == 0) & ~bare_frame)


def _provider_backbone(octets: Octets, at: Ints) -> Layers:
    """IEEE 802.1ah: a service tag, then the customer's whole frame."""
    return np.full(len(at), ETHERNET), at + 4


_STEPS: dict[int, Callable[[Octets, Ints], Layers]] = {
    ETHERNET: _ethernet,
    LLC: _llc,
    PPPOE: _pppoe,
    PPP: _ppp,
    MPLS: _mpls,
    MPLS_UPSTREAM: _mpls,
    PROVIDER_BACKBONE: _provider_backbone,
    **{kind: _tag(skipped) for kind, skipped in TAGS.items()},
}
