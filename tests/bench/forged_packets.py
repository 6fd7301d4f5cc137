"""Capture files made from nothing, so that a test knows every byte of them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

CALLER, CALLEE, PBX = "10.0.0.1", "10.0.0.2", "10.0.0.9"
START_NS = 1_700_000_000_000_000_000
PTIME_NS = 20_000_000


@dataclass(frozen=True)
class Frame:
    time_ns: int
    octets: bytes
    wire_bytes: int | None = None


def rtp(
    sequence: int,
    timestamp: int,
    payload: bytes = b"\x55" * 160,
    *,
    ssrc: int = 0xABCD1234,
    payload_type: int = 0,
    marker: bool = False,
) -> bytes:
    second = (0x80 if marker else 0) | payload_type
    header = struct.pack(">BBHII", 0x80, second, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc)
    return header + payload


def udp(payload: bytes, source: int = 4000, destination: int = 5000) -> bytes:
    return struct.pack(">HHHH", source, destination, 8 + len(payload), 0) + payload


def tcp(payload: bytes, source: int = 4000, destination: int = 5000, flags: int = 0x18) -> bytes:
    header = (source, destination, 1, 1, 5 << 4, flags, 65535, 0, 0)
    return struct.pack(">HHIIBBHHH", *header) + payload


def ipv4(
    transport: bytes,
    source: str = CALLER,
    destination: str = CALLEE,
    *,
    protocol: int = 17,
    fragment_offset: int = 0,
    more_fragments: bool = False,
    identification: int = 1,
    stated_bytes: int | None = None,
) -> bytes:
    length = 20 + len(transport) if stated_bytes is None else stated_bytes
    position = fragment_offset // 8 | more_fragments << 13
    header = struct.pack(">BBHHHBBH", 0x45, 0, length, identification, position, 64, protocol, 0)
    return header + ip_address(source).packed + ip_address(destination).packed + transport


def ipv6(
    transport: bytes,
    source: str = "fd00::1",
    destination: str = "fd00::2",
    *,
    protocol: int = 17,
) -> bytes:
    header = struct.pack(">IHBB", 6 << 28, len(transport), protocol, 64)
    return header + ip_address(source).packed + ip_address(destination).packed + transport


def fragments(datagram: bytes, size: int, identification: int) -> list[bytes]:
    """The IPv4 packets of a datagram that carry `size` bytes of it each."""
    return [
        ipv4(
            datagram[at : at + size],
            fragment_offset=at,
            more_fragments=at + size < len(datagram),
            identification=identification,
        )
        for at in range(0, len(datagram), size)
    ]


def fragments6(datagram: bytes, size: int, identification: int) -> list[bytes]:
    """The same in IPv6."""
    return [
        ipv6(
            struct.pack(">BBHI", 17, 0, at | (at + size < len(datagram)), identification)
            + datagram[at : at + size],
            protocol=44,
        )
        for at in range(0, len(datagram), size)
    ]


def ethernet(packet: bytes, *tags: int) -> bytes:
    kind = 0x0800 if packet[0] >> 4 == 4 else 0x86DD
    vlan = b"".join(struct.pack(">HH", tag, 7) for tag in tags)
    return b"\x02" * 12 + vlan + struct.pack(">H", kind) + packet


def pcap(frames: Sequence[Frame], link: int = 1, order: str = "<", tick_ns: int = 1000) -> bytes:
    magic = 0xA1B2C3D4 if tick_ns == 1000 else 0xA1B23C4D
    parts = [struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, 262144, link)]
    for frame in frames:
        seconds, rest = divmod(frame.time_ns, 1_000_000_000)
        wire = frame.wire_bytes or len(frame.octets)
        parts += [
            struct.pack(f"{order}IIII", seconds, rest // tick_ns, len(frame.octets), wire),
            frame.octets,
        ]
    return b"".join(parts)


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += b"\0" * (-len(body) % 4)
    length = struct.pack(f"{order}I", 12 + len(body))
    return struct.pack(f"{order}I", kind) + length + body + length


def section(order: str = "<") -> bytes:
    return block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(link: int = 1, order: str = "<", exponent: int | None = None) -> bytes:
    option = b"" if exponent is None else struct.pack(f"{order}HHBxxxHH", 9, 1, exponent, 0, 0)
    return block(1, struct.pack(f"{order}HHI", link, 0, 262144) + option, order)


def enhanced(
    frame: Frame, order: str = "<", number: int = 0, ticks_per_s: int = 1_000_000
) -> bytes:
    ticks = frame.time_ns * ticks_per_s // 1_000_000_000
    wire = frame.wire_bytes or len(frame.octets)
    head = struct.pack(
        f"{order}IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(frame.octets), wire
    )
    return block(6, head + frame.octets, order)


def obsolete(frame: Frame, order: str = "<", number: int = 0) -> bytes:
    ticks = frame.time_ns // 1000
    wire = frame.wire_bytes or len(frame.octets)
    head = (number, 0xFFFF, ticks >> 32, ticks & 0xFFFFFFFF, len(frame.octets), wire)
    return block(2, struct.pack(f"{order}HHIIII", *head) + frame.octets, order)


def voice(
    count: int = 100,
    *,
    delays_ms: Sequence[float] | None = None,
    source: str = CALLER,
    destination: str = CALLEE,
    source_port: int = 4000,
    destination_port: int = 5000,
    first_sequence: int = 1000,
    first_timestamp: int = 5000,
    ssrc: int = 0xABCD1234,
    payload_type: int = 0,
    payloads: Sequence[bytes] | None = None,
    timestamp_step: int = 160,
    start_ns: int = START_NS,
    skip: frozenset[int] = frozenset(),
) -> list[Frame]:
    """A stream of one packet every 20 ms on Ethernet; `delays_ms` are added to their times."""
    frames = []
    for index in range(count):
        if index in skip:
            continue
        payload = payloads[index] if payloads else index.to_bytes(4, "big") * 40
        packet = rtp(
            first_sequence + index,
            first_timestamp + timestamp_step * index,
            payload,
            ssrc=ssrc,
            payload_type=payload_type,
        )
        late_ns = round(delays_ms[index] * 1e6) if delays_ms is not None else 0
        octets = ethernet(ipv4(udp(packet, source_port, destination_port), source, destination))
        frames.append(Frame(start_ns + index * PTIME_NS + late_ns, octets))
    return sorted(frames, key=lambda frame: frame.time_ns)


def write(path: Path, frames: Sequence[Frame], link: int = 1) -> Path:
    path.write_bytes(pcap(frames, link, tick_ns=1))
    return path
