"""Sender pacing tells a stalled machine from an idle one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from forged_packets import voice, write

from lab.measure.capture import read_capture
from lab.measure.pacing import Pacing, sender_pacing
from lab.measure.rtp import streams


def pacing(tmp_path: Path, late_ms: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Pacing:
    frames = voice(len(late_ms), delays_ms=late_ms.tolist(), skip=frozenset({7}))
    (stream,) = streams(read_capture(write(tmp_path / "sent.pcap", frames)))
    return sender_pacing(stream)


def test_an_even_sender_keeps_pace(tmp_path: Path) -> None:
    found = pacing(tmp_path, np.full(1500, 3.0))
    assert (found.p99_ms, found.max_ms, found.max_gap_ms) == pytest.approx((0, 0, 0), abs=1e-6)
    assert found.skipped == 1


def test_a_stall_with_its_burst_afterwards(tmp_path: Path) -> None:
    """300 ms without a packet, then fifteen at once: 1 % of 1500."""
    late = np.zeros(1500)
    late[400:415] = 300 - 20 * np.arange(15)
    found = pacing(tmp_path, late)
    assert found.max_ms == pytest.approx(300)
    assert found.max_gap_ms == pytest.approx(300)
    assert found.p99_ms < 40


@pytest.mark.parametrize("at", [300, 1200])
def test_a_slip_that_is_never_made_up(tmp_path: Path, at: int) -> None:
    """Whether most packets left before it or after it."""
    late = np.zeros(1500)
    late[at:] = 45
    found = pacing(tmp_path, late)
    assert (found.p99_ms, found.max_ms) == pytest.approx((45, 45))
