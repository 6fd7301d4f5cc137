"""Voice in datagrams that IP cut into fragments: linear audio of 48 kHz is larger than a frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from forged_packets import (
    PTIME_NS,
    START_NS,
    Frame,
    ethernet,
    fragments,
    fragments6,
    rtp,
    udp,
    write,
)

from lab.measure.capture import read_capture
from lab.measure.rtp import streams
from lab.measure.stream_report import StreamReport, stream_report

COUNT = 60
Cut = Callable[[bytes, int, int], list[bytes]]


def linear(cut: Cut, size: int = 1480, payload_bytes: int = 1920) -> list[list[Frame]]:
    """The packets of each datagram of a stream."""
    datagrams = []
    for number in range(COUNT):
        content = rtp(number, 960 * number, bytes([number]) * payload_bytes, payload_type=97)
        parts = cut(udp(content), size, 100 + number)
        time_ns = START_NS + number * PTIME_NS
        datagrams.append([Frame(time_ns + n, ethernet(part)) for n, part in enumerate(parts)])
    return datagrams


def only(tmp_path: Path, datagrams: Sequence[Sequence[Frame]]) -> StreamReport:
    frames = [frame for parts in datagrams for frame in parts]
    (stream,) = streams(read_capture(write(tmp_path / "call.pcap", frames)))
    return stream_report(stream)


@pytest.mark.parametrize(("cut", "header"), [(fragments, 20), (fragments6, 48)])
@pytest.mark.parametrize(("size", "parts"), [(1480, 2), (552, 4)])
def test_all_fragments_count(tmp_path: Path, cut: Cut, header: int, size: int, parts: int) -> None:
    report = only(tmp_path, linear(cut, size))
    octets = COUNT * (1940 + parts * header)
    assert report.kbps_ip == pytest.approx(octets * 8 / 1000 / report.duration_s)
    assert (report.packets, report.lost) == (COUNT, 0)


def test_a_filter_that_lets_no_later_fragment_through(tmp_path: Path) -> None:
    """`tcpdump udp port 5000`: later fragments have no ports. The rate is known all the same."""
    whole = only(tmp_path, linear(fragments))
    first_only = only(tmp_path, [parts[:1] for parts in linear(fragments)])
    assert first_only == whole


def test_a_datagram_that_never_became_whole_is_lost(tmp_path: Path) -> None:
    datagrams = linear(fragments)
    for number in (10, 11, 30):
        datagrams[number].pop()
    report = only(tmp_path, datagrams)
    assert (report.packets, report.lost) == (COUNT - 3, 3)


def test_fragments_in_any_order(tmp_path: Path) -> None:
    report = only(tmp_path, [parts[::-1] for parts in linear(fragments)])
    assert (report.packets, report.lost) == (COUNT, 0)
