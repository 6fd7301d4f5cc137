"""Several captures of one machine, taken on one clock, as one file in order of time."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from heapq import merge
from pathlib import Path

_HEADER_BYTES = 24
_RECORD = struct.Struct("=IIII")
"""Seconds, nanoseconds, bytes captured, bytes on the wire: tcpdump writes its host's byte order."""


def merge_captures(parts: Sequence[Path], file: Path) -> None:
    """Write the packets of `parts`, pcap files of tcpdump, to `file`, and remove the parts.

    A record that a part was cut off in is left out.
    """
    with file.open("wb") as merged:
        merged.write(parts[0].read_bytes()[:_HEADER_BYTES])
        for _, record in merge(*map(_records, parts)):
            merged.write(record)
    for part in parts:
        part.unlink()


def _records(part: Path) -> Iterator[tuple[tuple[int, int], bytes]]:
    """When each packet was seen, and its whole record."""
    data = part.read_bytes()
    at = _HEADER_BYTES
    while at + _RECORD.size <= len(data):
        seconds, nanoseconds, length, _ = _RECORD.unpack_from(data, at)
        end = at + _RECORD.size + length
        if end > len(data):
            return
        yield (seconds, nanoseconds), data[at:end]
        at = end
