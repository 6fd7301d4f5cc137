"""What of a call's packets its figures are made of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from call_directory import call_notes
from forged_packets import voice, write

from lab.measure.call.streams import note_streams
from lab.measure.call.voice import VoiceStreams
from lab.measure.capture import read_capture
from lab.measure.record import CallRecord
from lab.measure.rtp import Stream, streams


def stream(tmp_path: Path, late_ms: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Stream:
    frames = voice(len(late_ms), delays_ms=late_ms.tolist())
    (found,) = streams(read_capture(write(tmp_path / "voice.pcap", frames)))
    return found


def test_a_sender_that_slips_after_its_clip_kept_pace(tmp_path: Path) -> None:
    """pjsua2 does when its player stops, by up to 40 ms where packets are of 60 ms."""
    late = np.zeros(500)
    late[450:] = 40
    slipping = stream(tmp_path, late)
    worst = {}
    for duration_s in (9.0, 10.0):
        record = CallRecord(
            call_id="x", started_at="", method="sip", codec="PCMU", lab="l", topology="t",
            pbx="kamailio", seed=0,
        )  # fmt: skip
        note_streams(record, call_notes(duration_s=duration_s), VoiceStreams(*[slipping] * 4))
        worst[duration_s] = record.pacing_ms_max
    assert worst == pytest.approx({9.0: 0.0, 10.0: 40.0})
