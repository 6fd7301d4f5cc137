"""Delay and loss of WebRTC's voice, from the headers that both phones logged."""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.measure.delay import packet_delays
from lab.measure.rtp import Stream
from lab.measure.rtp_log import read_rtp_logs

HOME, OFFICE = IPv4Address("10.0.0.2"), IPv4Address("10.0.1.2")
START_NS = 1_800_000_000_000_000_000
TURN = 1 << 32


def write(file: Path, packets: dict[int, float], origin: int) -> Path:
    """A log of packets: number of the 20 ms packet → ms after the start."""
    rows = [
        f"{(65_530 + n) % 65_536},{(origin + 960 * n) % TURN},{START_NS + round(ms * 1e6)},100\n"
        for n, ms in packets.items()
    ]
    file.write_text("sequence,timestamp,time_ns,bytes\n" + "".join(rows))
    return file


def streams(directory: Path, came: dict[int, float], origin: int = 7) -> tuple[Stream, Stream]:
    sent = write(directory / "sent.csv", {n: 20.0 * n for n in range(10)}, origin)
    received = write(directory / "received.csv", came, origin)
    return read_rtp_logs(sent, received, HOME, OFFICE, ptime_ms=20)


@pytest.mark.parametrize("origin", [7, TURN - 960 * 4, TURN // 2 - 960 * 4])
def test_packets_are_matched_wherever_sequence_numbers_and_timestamps_begin_anew(
    tmp_path: Path, origin: int
) -> None:
    came = {n: 20.0 * n + (50.0 if n == 4 else 8.0) for n in range(10) if n != 7}
    sent, received = streams(tmp_path, came, origin)
    delays = packet_delays(sent, received)
    assert delays.p50_ms == pytest.approx(8.0)
    assert delays.max_ms == pytest.approx(50.0)
    assert delays.loss_pct == pytest.approx(10.0)
    assert list(sent.media_ms) == [20.0 * n for n in range(10)]


def test_a_first_packet_that_never_came_is_lost_and_moves_no_other(tmp_path: Path) -> None:
    sent, received = streams(tmp_path, {n: 20.0 * n + 8 for n in range(1, 10)})
    delays = packet_delays(sent, received)
    assert delays.p50_ms == pytest.approx(8.0)
    assert delays.loss_pct == pytest.approx(10.0)


@pytest.mark.parametrize("content", ["", "sequence,time_ns,bytes\n0,1,100\n", "a,b\n1,2\n" * 9])
def test_what_is_no_log_is_refused(tmp_path: Path, content: str) -> None:
    whole = write(tmp_path / "sent.csv", {n: 20.0 * n for n in range(10)}, 7)
    (tmp_path / "x.csv").write_text(content)
    with pytest.raises(LabError, match=r"x\.csv"):
        read_rtp_logs(whole, tmp_path / "x.csv", HOME, OFFICE, 20)
