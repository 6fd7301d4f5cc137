"""One captured packet: from where, to where, by which protocol, and what it carries."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address

from lab.wire.pcap_stream import Record

ETHERNET = 1
RAW_IP = frozenset({12, 101, 228})
"""Link types whose frames are the packets themselves, as those of tun devices are."""
_ETHERNET_BYTES = 14
_IPV4, _ARP, _IPV6 = 0x0800, 0x0806, 0x86DD
_PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp"}
_UDP_BYTES = 8
_OFFSET = 0x1FFF


@dataclass(frozen=True, slots=True)
class Packet:
    """What its headers say; None for what it has not, or what was not captured."""

    time_ns: int
    """Since 1970."""
    wire_bytes: int
    """The length of its frame."""
    protocol: str
    """`udp`, `tcp` or `icmp`; `ip 47`, `arp`, `ipv6` or `ethernet 0x88cc` for others."""
    source: IPv4Address | None = None
    destination: IPv4Address | None = None
    source_port: int | None = None
    destination_port: int | None = None
    flags: int = 0
    """Of TCP, as in its header."""
    payload: bytes = b""
    """As much as was captured of what follows the header of UDP, TCP or ICMP."""
    payload_bytes: int = 0
    """Its length in this packet."""
    later_fragment: bool = False
    """Whether it is a part of a datagram, and not the first one."""


def read_packet(record: Record, link_type: int) -> Packet:
    """What the headers of a captured packet say, of an interface of that link type."""
    frame, at = record.frame, 0
    if link_type == ETHERNET:
        kind, at = int.from_bytes(frame[12:14]), _ETHERNET_BYTES
        if kind != _IPV4:
            names = {_ARP: "arp", _IPV6: "ipv6"}
            return Packet(record.time_ns, record.wire_bytes, names.get(kind, f"ethernet {kind:#x}"))
    elif link_type not in RAW_IP:
        return Packet(record.time_ns, record.wire_bytes, f"link type {link_type}")
    elif frame[:1] and frame[0] >> 4 != 4:
        return Packet(record.time_ns, record.wire_bytes, "ipv6")
    return _read_ipv4(record, frame[at:])


def _read_ipv4(record: Record, packet: bytes) -> Packet:
    if len(packet) < 20:
        return Packet(record.time_ns, record.wire_bytes, "ip, cut short")
    header_bytes = (packet[0] & 0xF) * 4
    # Where segmentation is offloaded and the packet is larger than 64 KiB its length is 0.
    ip_bytes = int.from_bytes(packet[2:4]) or len(packet)
    protocol = _PROTOCOLS.get(packet[9], f"ip {packet[9]}")
    ports: tuple[int | None, int | None] = (None, None)
    flags, before = 0, 0
    body = packet[header_bytes:ip_bytes]
    later_fragment = bool(int.from_bytes(packet[6:8]) & _OFFSET)
    if not later_fragment and len(body) >= _UDP_BYTES:
        if protocol in {"udp", "tcp"}:
            ports, before = (int.from_bytes(body[:2]), int.from_bytes(body[2:4])), _UDP_BYTES
        if protocol == "tcp" and len(body) >= 20:
            flags, before = body[13], (body[12] >> 4) * 4
    return Packet(
        time_ns=record.time_ns,
        wire_bytes=record.wire_bytes,
        protocol=protocol,
        source=IPv4Address(packet[12:16]),
        destination=IPv4Address(packet[16:20]),
        source_port=ports[0],
        destination_port=ports[1],
        flags=flags,
        payload=body[before:],
        payload_bytes=max(0, ip_bytes - header_bytes - before),
        later_fragment=later_fragment,
    )
