"""Delay, loss, jitter and pace of Mumble's voice, from the logs of both clients."""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.measure.delay import packet_delays
from lab.measure.jitter import running_jitter
from lab.measure.mumble_packets import read_mumble_log
from lab.measure.pacing import sender_pacing
from lab.measure.rtp import Stream

HOME, OFFICE = IPv4Address("10.0.0.2"), IPv4Address("10.0.1.2")
START_NS = 1_800_000_000_000_000_000


def log(directory: Path, name: str, packets: dict[int, float]) -> Stream:
    """A log of packets: number of the 20 ms packet → ms after the start."""
    rows = [f"{2 * n},{START_NS + round(ms * 1e6)},100\n" for n, ms in packets.items()]
    file = directory / name
    file.write_text("sequence,time_ns,bytes\n" + "".join(rows))
    return read_mumble_log(file, HOME, OFFICE, ptime_ms=20)


def test_delay_and_loss_are_those_of_the_packets_with_one_number(tmp_path: Path) -> None:
    sent = log(tmp_path, "sent.csv", {n: 20.0 * n for n in range(10)})
    came = {n: 20.0 * n + (50.0 if n == 4 else 8.0) for n in range(10) if n != 7}
    delays = packet_delays(sent, log(tmp_path, "received.csv", came))
    assert delays.p50_ms == pytest.approx(8.0)
    assert delays.max_ms == pytest.approx(50.0)
    assert delays.loss_pct == pytest.approx(10.0)


def test_a_sender_that_stalls_shows_in_its_pace(tmp_path: Path) -> None:
    even = log(tmp_path, "even.csv", {n: 20.0 * n for n in range(100)})
    late = log(tmp_path, "late.csv", {n: 20.0 * n + (130.0 if n == 50 else 0) for n in range(100)})
    assert sender_pacing(even).max_ms == pytest.approx(0.0)
    assert sender_pacing(late).max_ms == pytest.approx(130.0)


def test_jitter_is_rfc_3550s(tmp_path: Path) -> None:
    stream = log(tmp_path, "received.csv", {0: 0.0, 1: 36.0, 2: 56.0, 3: 76.0, 4: 96.0})
    # |D| of the second packet is 16 ms, and of the others 0: J = 16/16, then 15/16 of it.
    assert running_jitter(stream)[:3] == pytest.approx([0.0, 1.0, 0.9375])


@pytest.mark.parametrize(
    "content",
    [
        "",
        "sequence,time_ns,bytes\n0,1,100\n",
        "a,b\n1,2\n" * 9,
        "sequence,time_ns,bytes\n" + f"0,{1 << 63},100\n" * 9,
    ],
)
def test_what_is_no_log_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.csv").write_text(content)
    with pytest.raises(LabError, match=r"x\.csv"):
        read_mumble_log(tmp_path / "x.csv", HOME, OFFICE, 20)
