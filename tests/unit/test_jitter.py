"""Jitter as RFC 3550 defines it, checked against its own few lines of C and against tshark."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from forged_packets import voice, write
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.measure.capture import read_capture
from lab.measure.jitter import running_jitter, summary
from lab.measure.rtp import Stream, streams
from lab.measure.stream_report import stream_report


def stream_with(tmp_path: Path, delays_ms: list[float]) -> Stream:
    path = write(tmp_path / "call.pcap", voice(len(delays_ms), delays_ms=delays_ms))
    (stream,) = streams(read_capture(path))
    return stream


def rfc_3550_a8(stream: Stream) -> list[float]:
    """The algorithm of appendix A.8, line by line, in ms."""
    jitter, series = 0.0, [0.0]
    transit = stream.time_ns[0] / 1e6 - stream.timestamp[0] / 8
    for time_ns, timestamp in zip(stream.time_ns[1:], stream.timestamp[1:], strict=True):
        previous, transit = transit, time_ns / 1e6 - timestamp / 8
        jitter += (1 / 16) * (abs(transit - previous) - jitter)
        series.append(jitter)
    return series


def test_an_even_stream_has_none(tmp_path: Path) -> None:
    assert running_jitter(stream_with(tmp_path, [35.0] * 50)).max() == 0


def test_one_step_by_hand(tmp_path: Path) -> None:
    """A single packet 16 ms late: |D| = 16 twice, so J = 1, then 1 + 15/16."""
    jitter = running_jitter(stream_with(tmp_path, [0, 0, 16, 0, 0]))
    assert jitter.tolist()[:4] == pytest.approx([0, 0, 1, 1.9375])
    assert jitter[4] == pytest.approx(1.9375 * 15 / 16)


@settings(max_examples=30, deadline=None)
@given(delays_ms=st.lists(st.floats(0, 19), min_size=5, max_size=80))
def test_it_is_the_rfcs_algorithm(
    tmp_path_factory: pytest.TempPathFactory, delays_ms: list[float]
) -> None:
    stream = stream_with(tmp_path_factory.mktemp("jitter"), delays_ms)
    # 1 ns of rounding in the reference's epoch arithmetic is 1e-3 µs per step.
    assert running_jitter(stream) == pytest.approx(rfc_3550_a8(stream), abs=1e-3)


def test_the_summary_is_over_the_whole_series_with_its_leading_zero() -> None:
    values = summary(np.array([0.0, 1.0, 2.0, 3.0, 10.0]))
    assert values.to_dict() == pytest.approx(
        {"mean": 3.2, "median": 2, "max": 10, "range": 10, "iqr": 2, "std_dev": 3.9623226}
    )


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
def test_tshark_agrees(tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    delays = (generator.exponential(8, 500) + 5).tolist()
    path = write(tmp_path / "call.pcap", voice(500, delays_ms=delays, skip=frozenset({7, 8, 300})))
    (stream,) = streams(read_capture(path))
    report = stream_report(stream)
    out = subprocess.run(
        ["tshark", "-nr", str(path), "-d", "udp.port==5000,rtp", "-q", "-z", "rtp,streams"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    line = next(line for line in out.splitlines() if "0xABCD1234" in line)
    found = re.search(r" (\d+) +(\d+) \([\d.]+%\)(?: +[-\d.]+){4} +([\d.]+) +([\d.]+)", line)
    assert found is not None
    packets, lost, mean_ms, max_ms = int(found[1]), int(found[2]), float(found[3]), float(found[4])
    assert (packets, lost) == (report.packets, report.lost) == (497, 3)
    # Printed in microseconds; tshark leaves the leading 0 out of its mean.
    assert max_ms == pytest.approx(report.jitter.max, abs=0.001)
    assert mean_ms == pytest.approx(running_jitter(stream)[1:].mean(), abs=0.001)
