"""A pcap file as tcpdump writes it, read while it comes."""

from __future__ import annotations

import pytest
from forged_packets import START_NS, Frame, pcap

from lab.wire.pcap_stream import HEADER_BYTES, PcapPieces, link_type, record_ends, records

RAW_IP = 101


@pytest.mark.parametrize("step", [1, 7, 24, 100, 10_000])
def test_a_pcap_stream_in_pieces_is_the_same_packets(step: int) -> None:
    frames = [Frame(START_NS + number, bytes(214)) for number in range(5)]
    whole = pcap(frames, RAW_IP, tick_ns=1)
    cut = whole[:-1]
    pieces = PcapPieces()
    told = b"".join(pieces.whole(cut[at : at + step]) for at in range(0, len(cut), step))
    assert pieces.header == whole[:HEADER_BYTES]
    assert link_type(pieces.header) == RAW_IP
    assert [record.time_ns - START_NS for record in records(told)] == [0, 1, 2, 3]
    assert told + pieces.whole(whole[-1:]) == whole[HEADER_BYTES:]


def test_records_end_with_the_last_that_is_whole() -> None:
    record = pcap([Frame(START_NS, bytes(60))], tick_ns=1)[HEADER_BYTES:]
    assert list(record_ends(record * 2 + record[:-1])) == [76, 152]
    assert list(record_ends(record[:15])) == []
