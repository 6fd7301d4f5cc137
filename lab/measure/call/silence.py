"""Silence suppression in a call: what was left out, and the comfort noise in its place."""

from __future__ import annotations

from pathlib import Path

from lab.measure.call.notes import CallNotes
from lab.measure.call.voice import VoiceStreams, end_capture
from lab.measure.gaps import empty_packets, gaps
from lab.measure.record import CallRecord
from lab.measure.sdp import comfort_noise_agreed


def note_silence(
    record: CallRecord, notes: CallNotes, directory: Path, voice: VoiceStreams
) -> None:
    """Write into the record what each sender left out while it spoke, whatever was asked for.

    LabError where the captures at the ends cannot be read.
    """
    spoken_ms = (notes.duration_s or 0.0) * 1000
    for end, sent in (("callee", voice.from_caller), ("caller", voice.from_callee)):
        spoken = sent.taken(sent.media_ms < spoken_ms)
        found, empty = gaps(spoken), empty_packets(spoken)
        setattr(record, f"{end}_pauses", found.talk_pauses)
        setattr(record, f"{end}_comfort_noise_packets", found.comfort_noise_packets)
        if spoken_ms:
            paused_ms = found.talk_pause_total_ms + empty * sent.ptime_ms
            setattr(record, f"{end}_pause_pct", 100 * paused_ms / spoken_ms)
    path = notes.arrived
    legs = [
        comfort_noise_agreed(end_capture(directory, notes, end))
        for end in (path.caller, path.callee)
    ]
    known = [agreed for agreed in legs if agreed is not None]
    record.comfort_noise = any(known) if known else None
