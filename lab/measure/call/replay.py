"""A call that was sent through a profile, beside it: what is kept of that in the record."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lab.measure.call.clocks import clock_between
from lab.measure.call.notes import CallNotes
from lab.measure.call.voice import VoiceStreams
from lab.measure.delay import SHARED_CLOCK
from lab.measure.profile_file import read_profile
from lab.measure.record import CallRecord
from lab.measure.replay import replayed, used_in_words

FILE = "profile.json"
"""In a call's directory: the profile that its voice was sent through."""
MOST_ERROR_MS = 1.0
"""A replay whose median error is more is none, unless something else was on the way, too."""


def note_replay(record: CallRecord, notes: CallNotes, directory: Path, voice: VoiceStreams) -> None:
    """Write into the record how the call met its profile, if it had one.

    LabError where the profile cannot be read.
    """
    if not (directory / FILE).exists():
        return
    profile = read_profile(directory / FILE)
    spoken_ms = (notes.duration_s or 0.0) * 1000
    record.profile_used = used_in_words(profile, spoken_ms / 1000)
    pesq_mos = profile.pesq_mos
    done = []
    forth = clock_between(notes, voice)
    back = forth if forth is SHARED_CLOCK else forth.reversed()
    for end, way, sent, received, clock in (
        ("callee", profile.to_callee, voice.from_caller, voice.at_callee, forth),
        ("caller", profile.to_caller, voice.from_callee, voice.at_caller, back),
    ):
        done.append(replayed(way, sent, received, spoken_ms, clock))
        own = {
            "owd_ms_p50": way.percentile_ms(50),
            "owd_ms_p95": way.percentile_ms(95),
            "jitter_mean": way.jitter_mean_ms,
            "loss_pct": way.loss_pct,
            "burst_mean": way.bursts.mean,
            "burst_gap_ms_p50": way.bursts.gap_ms_p50,
            "pesq_mos": getattr(pesq_mos, end, None),
        }
        for name, value in own.items():
            setattr(record, f"{end}_profile_{name}", value)
    if all(len(way.error_ms) for way in done):
        record.replay_error_ms_p50 = max(float(np.percentile(way.error_ms, 50)) for way in done)
        record.replay_error_ms_p99 = max(float(np.percentile(way.error_ms, 99)) for way in done)
    losses = [way.loss_errors for way in done if way.loss_errors is not None]
    record.replay_loss_errors = sum(losses) if len(losses) == len(done) else None
    record.invalid_reasons += replay_faults(record)


def replay_faults(record: CallRecord) -> list[str]:
    """Why the call did not meet its profile; empty where it did, or also met load or a cap."""
    error_ms = record.replay_error_ms_p50
    if record.load_kind or record.placement or error_ms is None or error_ms <= MOST_ERROR_MS:
        return []
    return [f"voice met other delays than the profile's: half of it by {error_ms:.1f} ms or more"]
