"""From link-layer frames to IP packets and their ports, for a whole capture at once.

Of packets in packets the innermost counts, as in Wireshark: there is the voice.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from lab.measure.layer_names import NOTHING
from lab.measure.link_layers import find_ip, first_layers
from lab.measure.octets import Flags, Octets, among
from lab.measure.pcap import Bytes, Ints, Records
from lab.measure.tunnels import TCP, UDP, inner_layers, is_tunnel

SYN = 0x02
IPV6_FRAGMENT, AUTHENTICATION = 44, 51
IPV6_EXTENSIONS = (0, 43, IPV6_FRAGMENT, 60)
"""Hop-by-hop, routing, fragment and destination options headers."""
MAX_EXTENSIONS, MAX_TUNNELS = 6, 6
FIRST, LATER = 1, 2
"""Parts of a datagram in fragments."""
UDP_HEADER_BYTES = 8
FRAGMENT_UNIT = 8
"""Bytes that a fragment's offset counts (RFC 791, 3.1)."""


@dataclass(frozen=True, slots=True, eq=False)
class Headers:
    """What the headers of each packet say; zero where a packet does not say it."""

    ip_version: Ints
    """4, 6, or 0 for what is no IP packet."""
    ip_bytes: Ints
    """Length of the IP packet, header included."""
    protocol: Ints
    source_at: Ints
    """Offset of the source address in the file; the destination's follows it."""
    source_port: Ints
    destination_port: Ints
    tcp_flags: Ints
    """The flags of RFC 9293, 3.1."""
    payload_start: Ints
    """Offset in the file of what follows the UDP or TCP header, or the IP headers where the
    packet has neither."""
    payload_bytes: Ints
    """Length of that on the wire, of a datagram in fragments all of it."""
    payload_captured_bytes: Ints
    """How much of it stands in the file, in this packet; in a later fragment, of its part."""
    datagram_bytes: Ints
    """Length of the datagram's IP packets with their headers: of all its fragments in the first
    of them, 0 in the others."""
    fragment: Ints
    """FIRST or LATER part of a datagram in fragments, 0 for whole ones."""
    identification: Ints
    """What the fragments of one datagram have in common."""
    stopped: Ints
    """The layer that is not read here (`layer_names`), in which the packet's content lies."""


def read_headers(data: Bytes, records: Records) -> Headers:
    """The IP, UDP and TCP headers of every record of a capture file's content `data`."""
    count = len(records.start)
    columns = {field.name: np.zeros(count, np.int64) for field in fields(Headers)}
    if count == 0:
        return Headers(**columns)
    octets = Octets(data, records.start + records.captured_bytes)
    frame_end = records.start + records.wire_bytes
    rows = np.arange(count)
    kind, at = first_layers(octets, records)
    for _ in range(MAX_TUNNELS):
        part = octets.of(rows)
        stopped, ip_at = find_ip(part, kind, at)
        headers, kind, at = _ip_headers(part, frame_end[rows], ip_at)
        inside = headers.ip_version > 0
        for name, column in columns.items():
            if len(rows) == count and inside.all():
                columns[name] = getattr(headers, name)
            else:
                column[rows[inside]] = getattr(headers, name)[inside]
        columns["stopped"][rows] = np.where(stopped == NOTHING, kind, stopped)
        followed = is_tunnel(kind)
        rows, kind, at = rows[followed], kind[followed], at[followed]
        if not len(rows):
            break
    return Headers(**columns)


def _ip_headers(octets: Octets, frame_end: Ints, ip_at: Ints) -> tuple[Headers, Ints, Ints]:
    """The headers from the IP header on, and what packets carry of their own kind, and where."""
    first = octets.u8(ip_at)
    inside = ip_at < octets.end
    four, six = inside & (first >> 4 == 4), inside & (first >> 4 == 6)
    version = 4 * four + 6 * six

    stated = octets.u16(ip_at + 2)
    if six.any():
        stated = np.where(six, octets.u16(ip_at + 4) + 40, stated)
    # Offloaded segments above 64 KiB state a length of zero: then the frame's length stands.
    unstated = stated == 40 * six
    ip_bytes = np.where(unstated, frame_end - ip_at, stated) * (version > 0)

    protocol, at, fragment, identification = _transport(octets, ip_at, first, four, six)
    whole = fragment != LATER
    seen = whole & (at + 4 <= octets.end) & ((protocol == UDP) | (protocol == TCP))
    source_port = octets.u16(at) * seen
    destination_port = octets.u16(at + 2) * seen
    header, tcp_flags = np.full(len(at), UDP_HEADER_BYTES), np.zeros(len(at), np.int64)
    tcp = np.flatnonzero(seen & (protocol == TCP))
    if len(tcp):
        part, tcp_at = octets.of(tcp), at[tcp]
        header[tcp] = (part.u8(tcp_at + 12) >> 4) * 4
        tcp_flags[tcp] = part.u8(tcp_at + 13)
    payload_start = np.where(seen, at + header, at)
    payload_bytes = ip_at + ip_bytes - payload_start
    datagram_bytes = np.where(whole, ip_bytes, 0)
    parted = np.flatnonzero(seen & (fragment == FIRST) & (protocol == UDP))
    if len(parted):
        udp_bytes = octets.of(parted).u16(at[parted] + 4)
        room = np.maximum(ip_at + ip_bytes - at, FRAGMENT_UNIT)[parted]
        payload_bytes[parted] = udp_bytes - UDP_HEADER_BYTES
        parts = -(-udp_bytes // room)
        datagram_bytes[parted] = udp_bytes + parts * (at - ip_at)[parted]
    payload_bytes = np.where(seen & (header >= UDP_HEADER_BYTES), np.maximum(payload_bytes, 0), 0)
    captured_most = np.where(fragment == LATER, ip_bytes, payload_bytes)
    captured_end = np.minimum(octets.end, ip_at + ip_bytes)  # Padding and check sequence follow.
    headers = Headers(
        ip_version=version,
        ip_bytes=ip_bytes,
        protocol=protocol * (version > 0),
        source_at=np.where(four, ip_at + 12, ip_at + 8) * (version > 0),
        source_port=source_port,
        destination_port=destination_port,
        tcp_flags=tcp_flags,
        payload_start=payload_start,
        payload_bytes=payload_bytes,
        payload_captured_bytes=np.clip(captured_end - payload_start, 0, captured_most),
        datagram_bytes=datagram_bytes,
        fragment=fragment,
        identification=identification,
        stopped=np.zeros(len(version), np.int64),
    )
    carried_at = np.where(protocol == UDP, payload_start, at)
    carried = whole & (version > 0)
    kind, inner_at = inner_layers(
        octets, protocol * carried, (source_port, destination_port), carried_at
    )
    return headers, kind, inner_at


def _transport(
    octets: Octets, ip_at: Ints, first: Ints, four: Flags, six: Flags
) -> tuple[Ints, Ints, Ints, Ints]:
    """Protocol, offset of its header, part of a datagram (as in `Headers`), identification."""
    protocol, at = octets.u8(ip_at + 9) * four, ip_at + np.where(four, (first & 15) * 4, 40)
    if six.any():
        protocol = np.where(six, octets.u8(ip_at + 6), protocol)
    flags = octets.u16(ip_at + 6) * four
    fragment = np.where(flags & 0x1FFF > 0, LATER, FIRST * (flags >> 13 & 1))
    identification = np.zeros(len(at), np.int64)
    parts = np.flatnonzero(fragment > 0)
    identification[parts] = octets.of(parts).u16(ip_at[parts] + 4)
    any_six = six.any()
    for _ in range(MAX_EXTENSIONS):
        extended = protocol == AUTHENTICATION
        if any_six:
            extended |= six & among(protocol, IPV6_EXTENSIONS, 1 << 8)
        extended &= fragment != LATER
        if not extended.any():
            break
        rows = np.flatnonzero(extended)
        part, here, kind = octets.of(rows), at[rows], protocol[rows]
        parted = kind == IPV6_FRAGMENT
        position = part.u16(here + 2)
        fragment[rows] = np.where(
            parted, np.where(position >> 3 > 0, LATER, FIRST * (position & 1)), fragment[rows]
        )
        identification[rows] = np.where(parted, part.u32(here + 4), identification[rows])
        length = part.u8(here + 1)
        length = np.where(kind == AUTHENTICATION, 4 * (length + 2), 8 * (length + 1))
        protocol[rows] = part.u8(here)
        at[rows] = here + np.where(parted, 8, length)
    return protocol, at, fragment, identification
