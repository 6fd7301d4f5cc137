"""A pcap file as tcpdump writes it: its header, then one record per packet, perhaps for ever.

The byte order is that of the host, and so it is for whoever reads it here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

HEADER_BYTES = 24
_LINK_TYPE = struct.Struct("=I")
_LINK_TYPE_AT = 20
_RECORD = struct.Struct("=IIII")
"""Seconds, nanoseconds, bytes captured, bytes on the wire."""


@dataclass(frozen=True, slots=True)
class Record:
    """One packet."""

    time_ns: int
    """Since 1970."""
    wire_bytes: int
    """The length of its frame."""
    whole: bytes
    """As it stands in the file."""

    @property
    def frame(self) -> bytes:
        """As much of the packet as was captured."""
        return self.whole[_RECORD.size :]


class PcapPieces:
    """A pcap file that comes in pieces of any size."""

    def __init__(self) -> None:
        self.header = b""
        """Empty as long as not all of it has come."""
        self._rest = b""

    def whole(self, piece: bytes) -> bytes:
        """The records that are whole with this piece; the beginning of one waits for the next."""
        self._rest += piece
        if not self.header:
            if len(self._rest) < HEADER_BYTES:
                return b""
            self.header, self._rest = self._rest[:HEADER_BYTES], self._rest[HEADER_BYTES:]
        end = max(record_ends(self._rest), default=0)
        whole, self._rest = self._rest[:end], self._rest[end:]
        return whole


def link_type(header: bytes) -> int:
    """What the frames of a file are, a number of tcpdump's LINKTYPE_ registry, by its header."""
    kind: int = _LINK_TYPE.unpack_from(header, _LINK_TYPE_AT)[0]
    return kind


def record_ends(data: bytes, start: int = 0) -> Iterator[int]:
    """Where each record that is whole in `data` ends; the first begins at `start`."""
    at = start
    while at + _RECORD.size <= len(data):
        _, _, captured_bytes, _ = _RECORD.unpack_from(data, at)
        at += _RECORD.size + captured_bytes
        if at > len(data):
            return
        yield at


def records(data: bytes, start: int = 0) -> Iterator[Record]:
    """The records that are whole in `data`; the first begins at `start`."""
    at = start
    for end in record_ends(data, start):
        seconds, nanoseconds, _, wire_bytes = _RECORD.unpack_from(data, at)
        yield Record(seconds * 1_000_000_000 + nanoseconds, wire_bytes, data[at:end])
        at = end
