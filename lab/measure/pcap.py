"""Capture file formats: where each packet lies in the file, when it was seen, how long it was.

Classic pcap (microseconds or nanoseconds, either byte order; the IETF draft
"PCAP Capture File Format") and pcapng ("PCAP Next Generation Capture File Format").
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lab.errors import LabError

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

MAX_PACKET_BYTES = 1 << 24
"""A record that claims more is damage, not a packet; the largest loopback packets are 64 KiB
or, with segmentation offload, a few hundred."""

CLASSIC_MAGIC = {
    b"\xd4\xc3\xb2\xa1": ("<", 1000),
    b"\xa1\xb2\xc3\xd4": (">", 1000),
    b"\x4d\x3c\xb2\xa1": ("<", 1),
    b"\xa1\xb2\x3c\x4d": (">", 1),
}
INTERFACE, OBSOLETE_PACKET, SIMPLE_PACKET, ENHANCED_PACKET = 1, 2, 3, 6
PACKET_BLOCKS = frozenset({OBSOLETE_PACKET, SIMPLE_PACKET, ENHANCED_PACKET})
TIME_RESOLUTION, TIME_OFFSET = 9, 14


@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """The packets of a capture file as they stand in it; every array has one entry per packet."""

    start: Ints
    """Offset of the packet's first byte in the file."""
    captured_bytes: Ints
    wire_bytes: Ints
    """The packet's length on the wire, at the link layer of the capture."""
    time_ns: Ints
    """Nanoseconds since 1970."""
    link_type: Ints
    """LINKTYPE_ number of the interface the packet was seen on."""
    cut_short: bool
    """The file ends in the middle of a record, as a capture that was killed does."""
    untimed: int = 0
    """Packets for which the file states no time; they bear that of the packet before them."""


def read_records(path: Path, data: Bytes) -> Records:
    """The records of the capture file at `path`, whose content is `data`.

    Raises LabError where the file is no capture, or is damaged before its end.
    """
    magic = data[:4].tobytes()
    if magic in CLASSIC_MAGIC:
        return _read_classic(path, data, *CLASSIC_MAGIC[magic])
    if magic == b"\x0a\x0d\x0d\x0a":
        return _read_pcapng(path, data)
    if len(data) == 0:
        raise LabError(f"{path} is empty.", "A capture holds at least its file header.")
    raise LabError(
        f"{path} is not a capture file (it starts with {magic.hex(' ')}).",
        "Captures are pcap or pcapng files, as tcpdump -w and Wireshark write them.",
    )


def _damaged(path: Path, offset: int, what: str) -> LabError:
    return LabError(
        f"{path} is damaged at byte {offset}: {what}.",
        "Its packets before that are not used either; capture or copy the file again.",
    )


def _read_classic(path: Path, data: Bytes, order: str, ns_per_tick: int) -> Records:
    if len(data) < 24:
        raise _damaged(path, len(data), "the file header is cut short")
    # The word's upper half tells whether frames end in a check sequence, and its length.
    link = int(data[20:24].view(f"{order}u4")[0]) & 0xFFFF
    headers, cut_short = _walk_classic(path, data, order)
    field = [_u32(data, headers + 4 * n, order) for n in range(4)]
    return Records(
        start=headers + 16,
        captured_bytes=field[2],
        wire_bytes=field[3],
        time_ns=field[0] * 1_000_000_000 + field[1] * ns_per_tick,
        link_type=np.full(len(headers), link, np.int64),
        cut_short=cut_short,
    )


def _walk_classic(path: Path, data: Bytes, order: str) -> tuple[Ints, bool]:
    """Offsets of the record headers; each length leads to the next header.

    Voice packets mostly have one length, so after each record as many more of the same
    length as there are are taken at once through a strided view of the length field.
    """
    size = len(data)
    length_at = struct.Struct(f"{order}I").unpack_from
    raw = data.data
    parts: list[Ints] = []
    singles: list[int] = []
    at, run_guess = 24, 0
    while at + 16 <= size:
        (captured,) = length_at(raw, at + 8)
        if captured > MAX_PACKET_BYTES:
            raise _damaged(path, at, f"a packet of {captured} bytes is claimed")
        step = 16 + captured
        if at + step > size:
            return _joined(parts, singles), True
        singles.append(at)
        at += step
        run_guess = run_guess + 1 if len(singles) > 1 and singles[-2] == at - 2 * step else 0
        if run_guess == 8:
            run = _equal_run(data, at, step, captured, order)
            parts += [np.array(singles, np.int64), at + step * np.arange(run, dtype=np.int64)]
            singles = []
            at += run * step
            run_guess = 0
    return _joined(parts, singles), at != size


def _equal_run(data: Bytes, at: int, step: int, captured: int, order: str) -> int:
    """How many records of `captured` bytes follow one another from offset `at` on."""
    run, ahead = 0, 64
    while True:
        ahead = min(ahead, (len(data) - at) // step - run)
        if ahead <= 0:
            return run
        lengths = np.ndarray(
            (ahead,), f"{order}u4", data, offset=at + run * step + 8, strides=(step,)
        )
        differing = np.flatnonzero(lengths != captured)
        if len(differing):
            return run + int(differing[0])
        run += ahead
        ahead *= 4


def _joined(parts: list[Ints], singles: list[int]) -> Ints:
    return np.concatenate([*parts, np.array(singles, np.int64)])


def _u32(data: Bytes, at: Ints, order: str) -> Ints:
    """The 32-bit numbers at the given offsets."""
    quad = data[at[:, None] + np.arange(4)]
    value: Ints = quad.view(f"{order}u4")[:, 0].astype(np.int64)
    return value


class _DamageError(Exception):
    """What is wrong with a block."""


@dataclass(frozen=True, slots=True)
class _Interface:
    """What an interface block says of the packets that name it."""

    link_type: int
    ticks_per_s: int
    offset_s: int
    snap_bytes: int


def _read_pcapng(path: Path, data: Bytes) -> Records:
    """Walk the blocks; sections may differ in byte order and interfaces in clock resolution."""
    raw = data.data
    size = len(data)
    rows: list[tuple[int, ...]] = []
    interfaces: list[_Interface] = []
    order, at, cut_short = "<", 0, False
    while at < size:
        if at + 12 > size:
            cut_short = True
            break
        if bytes(raw[at : at + 4]) == b"\x0a\x0d\x0d\x0a":
            order = "<" if bytes(raw[at + 8 : at + 12]) == b"\x4d\x3c\x2b\x1a" else ">"
            interfaces = []
        kind, length = struct.unpack_from(f"{order}II", raw, at)
        if length < 12 or length % 4 or length > 2 * MAX_PACKET_BYTES:
            raise _damaged(path, at, f"a block of {length} bytes is claimed")
        if at + length > size:
            cut_short = True
            break
        body = raw[at + 8 : at + length - 4]
        try:
            if kind == INTERFACE:
                interfaces.append(_interface(body, order))
            elif kind in PACKET_BLOCKS:
                header, *row = _packet(body, order, kind, interfaces)
                rows.append((at + 8 + header, *row))
        except _DamageError as damage:
            raise _damaged(path, at, str(damage)) from None
        at += length
    table = np.array(rows, np.int64).reshape(-1, 5)
    start, captured, wire, time_ns, link_type = table.T
    timed = np.maximum.accumulate(np.where(time_ns >= 0, np.arange(len(rows)), 0))
    time_ns, untimed = np.maximum(time_ns[timed], 0), int(np.sum(time_ns < 0))
    return Records(start, captured, wire, time_ns, link_type, cut_short, untimed)


def _interface(body: memoryview, order: str) -> _Interface:
    if len(body) < 8:
        raise _DamageError("an interface block is too short")
    link_type, _, snap_bytes = struct.unpack_from(f"{order}HHI", body)
    ticks_per_s, offset_s, option_at = 1_000_000, 0, 8
    while option_at + 4 <= len(body):
        code, length = struct.unpack_from(f"{order}HH", body, option_at)
        value = bytes(body[option_at + 4 : option_at + 4 + length])
        if code == 0:
            break
        if code == TIME_RESOLUTION and len(value) == 1:
            exponent = value[0] & 0x7F
            ticks_per_s = 2**exponent if value[0] & 0x80 else 10**exponent
        elif code == TIME_OFFSET and len(value) == 8:
            (offset_s,) = struct.unpack(f"{order}q", value)
        option_at += 4 + (length + 3) // 4 * 4
    return _Interface(link_type, ticks_per_s, offset_s, snap_bytes or MAX_PACKET_BYTES)


def _packet(
    body: memoryview, order: str, kind: int, interfaces: list[_Interface]
) -> tuple[int, int, int, int, int]:
    """(header length, captured, wire, time_ns, link_type) of a packet block; time -1 if none."""
    header = 4 if kind == SIMPLE_PACKET else 20
    if len(body) < header:
        raise _DamageError("a packet block is too short")
    if kind == ENHANCED_PACKET:
        number, high, low, captured, wire = struct.unpack_from(f"{order}IIIII", body)
        ticks = high << 32 | low
    elif kind == OBSOLETE_PACKET:
        # Its interface has half the width; a count of dropped packets is in the other half.
        number, _, high, low, captured, wire = struct.unpack_from(f"{order}HHIIII", body)
        ticks = high << 32 | low
    else:
        (wire,) = struct.unpack_from(f"{order}I", body)
        number = ticks = 0
        captured = min(wire, interfaces[0].snap_bytes) if interfaces else wire
    if number >= len(interfaces):
        raise _DamageError(f"a packet names interface {number}, which is not described")
    if captured > len(body) - header:
        raise _DamageError(f"a packet of {captured} bytes is claimed")
    face = interfaces[number]
    time_ns = face.offset_s * 1_000_000_000 + ticks * 1_000_000_000 // face.ticks_per_s
    if not 0 <= time_ns < 1 << 63:
        raise _DamageError("a packet claims a time outside 1970 to 2262")
    if kind == SIMPLE_PACKET:
        time_ns = -1
    return header, captured, wire, time_ns, face.link_type
