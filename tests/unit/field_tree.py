"""Trees laid out like the second study's artifact, and rows as of such calls."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import soundfile
from field_sample import MISSING, PRESENT
from forged_packets import START_NS, Frame, voice, write
from talker import Samples, speak

from lab.field.call import unfinished_row
from lab.field.layout import CallFiles, EndFiles
from lab.field.row import CallRow

needs_field = pytest.mark.skipif(not PRESENT, reason=MISSING)

CLIP = speak(1, 9.0)
CALLER, SERVER = "10.8.0.2", "10.8.0.1"


def write_wav(path: Path, samples: Samples) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, 8000, subtype="PCM_16")
    return path


def frames_at(end: str, number: int, payload_type: int = 0) -> list[Frame]:
    """The capture of one end: the far end's packets come 30 ms late, callee clocks 5 ms fast."""
    frames = []
    for source, destination, ssrc, sent_by in (
        (CALLER, SERVER, 2 * number, "caller"),
        (SERVER, CALLER, 2 * number + 1, "callee"),
    ):
        delay = (0.0 if sent_by == end else 30.0) + (5.0 if end == "callee" else 0.0)
        frames += voice(
            450,
            source=source,
            destination=destination,
            ssrc=0x1000 + ssrc,
            payload_type=payload_type,
            delays_ms=[delay] * 450,
            start_ns=START_NS + number * 60_000_000_000,
        )
    return sorted(frames, key=lambda frame: frame.time_ns)


def paths(location: Path, number: int) -> dict[str, Path]:
    """Where the artifact keeps a call's four files."""
    caller, callee = location / "caller" / "data", location / "callee" / "data"
    return {
        "caller capture": caller / "test_pcaps" / f"pcap_capture_inside_{number}.pcap",
        "callee capture": callee / "test_pcaps" / f"pcap_callee_inside_{number}.pcap",
        "caller recording": caller / "test_caller_recordings" / f"caller_recording_{number}.wav",
        "callee recording": callee / "test_callee_recordings" / f"callee_recording_{number}.wav",
    }


def make_call(location: Path, number: int, payload_type: int = 0) -> dict[str, Path]:
    """Write a good call; the paths of its files, for a test to spoil."""
    made = paths(location, number)
    for end in ("caller", "callee"):
        made[f"{end} capture"].parent.mkdir(parents=True, exist_ok=True)
        write(made[f"{end} capture"], frames_at(end, number, payload_type))
        write_wav(made[f"{end} recording"], CLIP)
    return made


def scored_row(number: int, mos: float | None, series: str = "a") -> CallRow:
    """A valid call with that PESQ at both ends, or one that is not analysed yet."""
    blank = unfinished_row(
        CallFiles(series, number, "Tor", "a", "g711", EndFiles(None, None), EndFiles(None, None)),
        "",
    )
    if mos is None:
        return blank
    return replace(blank, status="ok", valid=True, caller_pesq_mos=mos, callee_pesq_mos=mos)
