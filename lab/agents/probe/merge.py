"""Several captures of one machine, taken on one clock, as one file in order of time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import merge
from pathlib import Path

from lab.wire.pcap_stream import HEADER_BYTES, records


def merge_captures(parts: Sequence[Path], file: Path) -> None:
    """Write the packets of `parts`, pcap files of tcpdump, to `file`, and remove the parts.

    A record that a part was cut off in is left out.
    """
    with file.open("wb") as merged:
        merged.write(parts[0].read_bytes()[:HEADER_BYTES])
        for _, record in merge(*map(_records, parts)):
            merged.write(record)
    for part in parts:
        part.unlink()


def _records(part: Path) -> Iterator[tuple[int, bytes]]:
    """When each packet was seen, and its whole record."""
    for record in records(part.read_bytes(), HEADER_BYTES):
        yield record.time_ns, record.whole
