"""Packets inside IP packets: GRE and ERSPAN, IP in IP, and the tunnels that use UDP.

Only what travels in the clear is followed; what is not is named (`layer_names`).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lab.measure.layer_names import IP_PROTOCOL, NOTHING, UDP_PORT, UDP_TUNNELS
from lab.measure.link_layers import ETHERNET, IPV4, IPV6, MPLS, PPP, Layers
from lab.measure.octets import Flags, Octets, among
from lab.measure.pcap import Ints

TCP, UDP = 6, 17
IP_IN_IP, IPV6_IN_IP, GRE, IPIP, ETHERIP, MPLS_IN_IP = 4, 41, 47, 94, 97, 137
ERSPAN, ERSPAN_III = 0x88BE, 0x22EB
VXLAN_PORTS, VXLAN_GPE, GENEVE = (4789, 8472), 4790, 6081
GTP_U, L2TP, TEREDO, TZSP = 2152, 1701, 3544, 37008
MAX_EXTENSIONS = 16
"""More extension headers of GTP-U or tags of TZSP are damage."""
_NEXT_OF_GPE = {1: IPV4, 2: IPV6, 3: ETHERNET, 5: MPLS}


def inner_layers(octets: Octets, protocol: Ints, ports: tuple[Ints, Ints], at: Ints) -> Layers:
    """For each IP packet what it carries of its own kind and where; NOTHING for plain ones.

    `at` is the offset of what follows the IP header, or of what follows the UDP header, and
    `ports` are a packet's two, 0 where it has none.
    """
    plain = (protocol == UDP) | (protocol == TCP) | (protocol == 0)
    kind = np.where(plain, NOTHING, IP_PROTOCOL + protocol)
    inner_at = at.copy()
    if not plain.all():
        _follow_ip(octets, protocol, at, kind, inner_at)
    _follow_udp(octets, protocol, ports, at, kind, inner_at)
    return kind, inner_at


def _follow_ip(octets: Octets, protocol: Ints, at: Ints, kind: Ints, inner_at: Ints) -> None:
    for number, carried in ((IP_IN_IP, IPV4), (IPIP, IPV4), (IPV6_IN_IP, IPV6), (MPLS_IN_IP, MPLS)):
        kind[protocol == number] = carried
    for number, step in ((GRE, _gre), (ETHERIP, _ether_ip)):
        mine = np.flatnonzero(protocol == number)
        if len(mine):
            kind[mine], inner_at[mine] = step(octets.of(mine), at[mine])


def _follow_udp(
    octets: Octets, protocol: Ints, ports: tuple[Ints, Ints], at: Ints, kind: Ints, inner_at: Ints
) -> None:
    known = [*_UDP_STEPS, *UDP_TUNNELS]
    on_known_port = among(ports[0], known, 1 << 16) | among(ports[1], known, 1 << 16)
    candidates = np.flatnonzero((protocol == UDP) & on_known_port)
    # Any port may be that of a voice stream: RTP's version is never a tunnel's first bits.
    candidates = candidates[octets.of(candidates).u8(at[candidates]) >> 6 != 2]
    for port, step in _UDP_STEPS.items():
        mine = candidates[(ports[0][candidates] == port) | (ports[1][candidates] == port)]
        if len(mine):
            kind[mine], inner_at[mine] = step(octets.of(mine), at[mine])
    for port in UDP_TUNNELS:
        mine = candidates[(ports[0][candidates] == port) | (ports[1][candidates] == port)]
        kind[mine] = UDP_PORT + port


def _gre(octets: Octets, at: Ints) -> Layers:
    """RFC 2784, 2890 and, for version 1, RFC 2637; ERSPAN as in draft-foschiano-erspan."""
    flags, kind = octets.u16(at), octets.u16(at + 2)
    checksum, routing, key, sequence, acknowledged = (
        flags >> bit & 1 for bit in (15, 14, 13, 12, 7)
    )
    version = flags & 7
    plain = np.where(version == 0, checksum | routing, acknowledged)
    at = at + 4 + 4 * (plain + key + sequence)
    type_ii = (kind == ERSPAN) & (sequence == 1)
    type_iii = kind == ERSPAN_III
    at = at + 8 * type_ii + (12 + 8 * (octets.u8(at + 11) & 1)) * type_iii
    kind = np.where((kind == ERSPAN) | type_iii, ETHERNET, kind)
    unknown = (version > 1) | ((version == 0) & (routing == 1))
    return np.where(unknown, IP_PROTOCOL + GRE, kind), at


def _ether_ip(octets: Octets, at: Ints) -> Layers:
    """RFC 3378."""
    return np.full(len(at), ETHERNET), at + 2


def _vxlan(octets: Octets, at: Ints) -> Layers:
    """RFC 7348, 5."""
    network = (octets.u8(at) & 0x0C == 0x08) & (octets.u8(at + 7) == 0)
    return np.where(network, ETHERNET, NOTHING), at + 8


def _vxlan_gpe(octets: Octets, at: Ints) -> Layers:
    """draft-ietf-nvo3-vxlan-gpe: a next protocol in place of Ethernet only."""
    kind = np.where(octets.u8(at) & 0x04 > 0, _chosen(octets.u8(at + 3), _NEXT_OF_GPE), ETHERNET)
    return np.where(octets.u8(at) & 0x08 > 0, kind, NOTHING), at + 8


def _geneve(octets: Octets, at: Ints) -> Layers:
    """RFC 8926, 3.4."""
    first = octets.u8(at)
    return np.where(first >> 6 == 0, octets.u16(at + 2), NOTHING), at + 8 + 4 * (first & 0x3F)


def _gtp_u(octets: Octets, at: Ints) -> Layers:
    """3GPP TS 29.281, 5.1 and 5.2: extension headers, each with its length in words."""
    first = octets.u8(at)
    data = (first >> 4 == 3) & (octets.u8(at + 1) == 0xFF)
    inner_at = at + 8 + 4 * (first & 7 > 0)
    following = np.where(first & 4 > 0, octets.u8(at + 11), 0) * data
    for _ in range(MAX_EXTENSIONS):
        if not following.any():
            break
        words = octets.u8(inner_at) * (following > 0)
        inner_at = inner_at + 4 * words
        following = octets.u8(inner_at - 1) * (words > 0)
    packet = np.isin(octets.u8(inner_at) >> 4, (4, 6))
    return np.where(data, np.where(packet, IPV4, UDP_PORT + GTP_U), NOTHING), inner_at


def _l2tp(octets: Octets, at: Ints) -> Layers:
    """RFC 2661, 3.1: data messages only."""
    flags = octets.u16(at)
    length, sequence, offset = (flags >> bit & 1 for bit in (14, 11, 9))
    inner_at = at + 6 + 2 * length + 4 * sequence
    inner_at = inner_at + offset * (2 + octets.u16(inner_at))
    return np.where((flags >> 15 == 0) & (flags & 15 == 2), PPP, NOTHING), inner_at


def _teredo(octets: Octets, at: Ints) -> Layers:
    """RFC 4380, 5.1.1: an origin indication may come first."""
    at = at + 8 * (octets.u16(at) == 0)
    return np.where(octets.u8(at) >> 4 == 6, IPV6, NOTHING), at


def _tzsp(octets: Octets, at: Ints) -> Layers:
    """TaZmen Sniffer Protocol: a version, an encapsulation, tags up to the end tag."""
    data = (octets.u8(at) == 1) & (octets.u8(at + 1) <= 1) & (octets.u16(at + 2) == 1)
    inner_at = at + 4
    for _ in range(MAX_EXTENSIONS):
        tag = octets.u8(inner_at)
        inner_at = inner_at + np.where(tag > 1, 2 + octets.u8(inner_at + 1), tag == 0)
    return np.where(data, ETHERNET, NOTHING), inner_at + 1


def _chosen(numbers: Ints, table: dict[int, int]) -> Ints:
    chosen = np.full(len(numbers), NOTHING)
    for number, kind in table.items():
        chosen[numbers == number] = kind
    return chosen


_UDP_STEPS: dict[int, Callable[[Octets, Ints], Layers]] = {
    **dict.fromkeys(VXLAN_PORTS, _vxlan),
    VXLAN_GPE: _vxlan_gpe,
    GENEVE: _geneve,
    GTP_U: _gtp_u,
    L2TP: _l2tp,
    TEREDO: _teredo,
    TZSP: _tzsp,
}


def is_tunnel(kind: Ints) -> Flags:
    """Whether something inside is to be followed, and not only named."""
    followed: Flags = (kind != NOTHING) & (kind <= 0xFFFF)
    return followed
