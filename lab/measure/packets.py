"""From link-layer frames to IP packets and their ports, for a whole capture at once.

Link types: Ethernet with any number of VLAN tags up to three, raw IP, Linux cooked
captures (both versions), BSD loopback, PPP. Numbers from the tcpdump LINKTYPE_ registry.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lab.measure.pcap import Bytes, Ints, Records

Flags = npt.NDArray[np.bool_]

ETHERNET, NULL, PPP, LOOP, LINUX_SLL, LINUX_SLL2 = 1, 0, 9, 108, 113, 276
RAW = (12, 14, 101, 228, 229)
LINK_TYPES = frozenset({ETHERNET, NULL, PPP, LOOP, LINUX_SLL, LINUX_SLL2, *RAW})
"""What can be read; packets of any other link type are not taken for IP."""

VLAN_TAGS = (0x8100, 0x88A8, 0x9100)
TCP, UDP = 6, 17
SYN = 0x02
IPV6_EXTENSIONS = (0, 43, 44, 51, 60)
"""Hop-by-hop, routing, fragment, authentication and destination options headers."""


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
    """Offset in the file of what follows the UDP or TCP header."""
    payload_bytes: Ints
    """Length of that on the wire."""
    payload_captured_bytes: Ints
    """How much of it stands in the file."""


class _Reader:
    """Big-endian numbers at offsets into the file, zero where the packet was cut before them."""

    def __init__(self, data: Bytes, end: Ints) -> None:
        self.data = data
        self.end = end
        self.last = len(data) - 1

    def u8(self, at: Ints) -> Ints:
        value = self.data[np.minimum(at, self.last)].astype(np.int64)
        return np.where(at < self.end, value, 0)

    def u16(self, at: Ints) -> Ints:
        return self.u8(at) << 8 | self.u8(at + 1)


def read_headers(data: Bytes, records: Records) -> Headers:
    """The IP, UDP and TCP headers of every record of a capture file's content `data`."""
    count = len(records.start)
    zeros = np.zeros(count, np.int64)
    if count == 0:
        return Headers(*([zeros] * 10))
    end = records.start + records.captured_bytes
    reader = _Reader(data, end)
    ip_at = _ip_offset(reader, records)
    first = reader.u8(ip_at)
    version = np.where((ip_at < end) & np.isin(first >> 4, (4, 6)), first >> 4, 0)
    four, six = version == 4, version == 6

    on_wire = records.wire_bytes - (ip_at - records.start)
    stated = np.where(four, reader.u16(ip_at + 2), reader.u16(ip_at + 4) + 40)
    # Offloaded segments above 64 KiB state a length of zero: then the frame's length stands.
    unstated = np.where(four, stated == 0, stated == 40)
    ip_bytes = np.where(unstated, on_wire, stated) * (version > 0)

    protocol, transport_at, whole = _transport(reader, ip_at, first, four, six)
    seen = whole & (transport_at + 4 <= end) & np.isin(protocol, (TCP, UDP))
    source_port = reader.u16(transport_at) * seen
    destination_port = reader.u16(transport_at + 2) * seen
    header = np.where(protocol == UDP, 8, (reader.u8(transport_at + 12) >> 4) * 4)
    payload_start = transport_at + header
    payload_bytes = ip_at + ip_bytes - payload_start
    payload_bytes = np.where(seen & (header >= 8), np.maximum(payload_bytes, 0), 0)
    return Headers(
        ip_version=version,
        ip_bytes=ip_bytes,
        protocol=protocol * (version > 0),
        source_at=np.where(four, ip_at + 12, ip_at + 8) * (version > 0),
        source_port=source_port,
        destination_port=destination_port,
        tcp_flags=reader.u8(transport_at + 13) * (seen & (protocol == TCP)),
        payload_start=payload_start,
        payload_bytes=payload_bytes,
        payload_captured_bytes=np.clip(end - payload_start, 0, payload_bytes),
    )


def _ip_offset(reader: _Reader, records: Records) -> Ints:
    """Where the IP header begins; the record's end where the frame carries no IP."""
    offset = reader.end.copy()
    for link_type in np.unique(records.link_type):
        mine = records.link_type == link_type
        part = _Reader(reader.data, reader.end[mine])
        start = records.start[mine]
        if link_type == ETHERNET:
            found = _behind_ethertype(part, start + 12)
        elif link_type == LINUX_SLL:
            found = _behind_ethertype(part, start + 14)
        elif link_type == LINUX_SLL2:
            found = _behind_ethertype(part, start, header=20)
        elif link_type in (NULL, LOOP):
            found = start + 4
        elif link_type == PPP:
            framed = part.u8(start) == 0xFF
            protocol = part.u16(start + 2 * framed)
            ip = np.isin(protocol, (0x0021, 0x0057))
            found = np.where(ip, start + 2 * framed + 2, part.end)
        elif link_type in RAW:
            found = start
        else:
            continue
        offset[mine] = np.minimum(found, part.end)
    return offset


def _behind_ethertype(reader: _Reader, at: Ints, header: int = 2) -> Ints:
    """Follow VLAN tags from the EtherType at `at`, which is `header` bytes before the payload."""
    kind, payload = reader.u16(at), at + header
    for _ in range(3):
        tagged = np.isin(kind, VLAN_TAGS)
        if not tagged.any():
            break
        kind = np.where(tagged, reader.u16(payload + 2), kind)
        payload = payload + 4 * tagged
    return np.where(np.isin(kind, (0x0800, 0x86DD)), payload, reader.end)


def _transport(
    reader: _Reader, ip_at: Ints, first: Ints, four: Flags, six: Flags
) -> tuple[Ints, Ints, Flags]:
    """Protocol, offset of its header, and whether it stands in this packet (not a later part)."""
    protocol = np.where(four, reader.u8(ip_at + 9), reader.u8(ip_at + 6) * six)
    at = ip_at + np.where(four, (first & 15) * 4, 40)
    fragment = reader.u16(ip_at + 6) & 0x1FFF
    whole = (four & (fragment == 0)) | six
    for _ in range(6):
        extended = six & np.isin(protocol, IPV6_EXTENSIONS)
        if not extended.any():
            break
        later_part = extended & (protocol == 44) & (reader.u16(at + 2) >= 8)
        whole &= ~later_part
        length = np.where(
            protocol == 44, 8, (reader.u8(at + 1) + np.where(protocol == 51, 2, 1))
            * np.where(protocol == 51, 4, 8),
        )  # fmt: skip
        protocol = np.where(extended, reader.u8(at), protocol)
        at = at + length * extended
    return protocol, at, whole
